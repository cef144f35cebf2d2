module certs.test/verify

go 1.25
