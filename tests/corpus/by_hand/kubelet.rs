//! What is wrong in what a kubelet keeps.

use super::{NONE, Slip};

/// The table.
pub const SLIPS: &[Slip] = &[
    Slip {
        name: "the link to the kubelet's certificate leads nowhere",
        after: "kubelet; rm ../kubelet/kubelet-client-2026-11-01-10-00-00.pem",
        told: &[
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-certificate), which is not there",
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-key), which is not there",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate is not there at all",
        after: "kubelet; rm ../kubelet/kubelet-client-current.pem",
        told: &[
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-certificate), which is not there",
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-key), which is not there",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the link to the kubelet's certificate leads out of its folder",
        after: "kubelet; cat ../kubelet/kubelet-client-current.pem > $aside/client.pem; chmod 600 $aside/client.pem; ln -sf ../aside/client.pem ../kubelet/kubelet-client-current.pem",
        told: &[
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-certificate), which is a symbolic link that leaves its folder, not a file",
            "error unreadable kubelet.conf refers to ../kubelet/kubelet-client-current.pem (client-key), which is a symbolic link that leaves its folder, not a file",
            "error unreadable ../kubelet/kubelet-client-current.pem is a symbolic link that leaves its folder, not a file",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate has expired",
        after: "kubelet; FAKETIME='2025-01-01 00:00:00' rotated /O=system:nodes/CN=system:node:cp1 365",
        told: &[
            "error expired kubelet.conf ended on 2026-01-01 00:00:00 UTC",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate was not rotated in time",
        after: "kubelet; FAKETIME='2025-12-12 12:00:00' rotated /O=system:nodes/CN=system:node:cp1 365",
        told: &[
            "warning expires-soon kubelet.conf ends on 2026-12-12 12:00:00 UTC",
            "warning expires-soon ../kubelet/kubelet-client-current.pem ends on 2026-12-12 12:00:00 UTC",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate is another node's",
        after: "kubelet; rotated /O=system:nodes/CN=system:node:worker-0 365",
        told: &[
            "error wrong-subject kubelet.conf has the subject \"CN=system:node:worker-0,O=system:nodes\", not \"CN=system:node:cp1,O=system:nodes\"",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate has no key",
        after: "kubelet; openssl x509 -in ../kubelet/kubelet-client-current.pem -out $aside/c; cat $aside/c > ../kubelet/kubelet-client-current.pem",
        told: &[
            "error unreadable kubelet.conf cannot be used: client-key ../kubelet/kubelet-client-current.pem: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate has another's key",
        after: r#"kubelet; openssl x509 -in ../kubelet/kubelet-client-current.pem -out $aside/c; cat $aside/c "$KEYS/other" > ../kubelet/kubelet-client-current.pem"#,
        told: &[
            "error key-mismatch kubelet.conf holds a key that is not its certificate's",
            "error key-mismatch ../kubelet/kubelet-client-current.pem holds a key that is not its certificate's",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's current certificate is garbage",
        after: "kubelet; echo garbage > ../kubelet/kubelet-client-current.pem",
        told: &[
            "error unreadable kubelet.conf cannot be used: client-certificate ../kubelet/kubelet-client-current.pem: no certificate: a block BEGIN CERTIFICATE is expected",
            "error unreadable kubelet.conf cannot be used: client-key ../kubelet/kubelet-client-current.pem: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "everyone may read the kubelet's current key",
        after: "kubelet; chmod 644 ../kubelet/kubelet-client-2026-11-01-10-00-00.pem",
        told: &[
            "error key-mode kubelet.conf names the key ../kubelet/kubelet-client-current.pem, which has the mode 0644",
            "error key-mode ../kubelet/kubelet-client-current.pem has the mode 0644",
            "error key-mode ../kubelet/kubelet-client-2026-11-01-10-00-00.pem has the mode 0644",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "a stranger's CA signed the kubelet's current certificate",
        after: r#"kubelet; openssl req -x509 -new -config "$config" -key "$KEYS/other" -subj /CN=kubernetes -days 365 -out $aside/ca.crt; cp pki/ca.crt $aside/true.crt; cp pki/ca.key $aside/true.key; cat $aside/ca.crt > pki/ca.crt; cat "$KEYS/other" > pki/ca.key; rotated /O=system:nodes/CN=system:node:cp1 365; cat $aside/true.crt > pki/ca.crt; cat $aside/true.key > pki/ca.key"#,
        told: &[
            "error not-signed-by-ca kubelet.conf was signed by another CA of the same name, \"CN=kubernetes\"",
            "error not-signed-by-ca ../kubelet/kubelet-client-current.pem was signed by another CA of the same name, \"CN=kubernetes\"",
            "note kubelet-self-signed ../kubelet/kubelet.crt was made by the kubelet itself",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate lacks the node's name",
        after: "kubelet; serving san=IP:$address",
        told: &["error san-missing ../kubelet/kubelet.crt lacks the SAN cp1"],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate lacks the node's address",
        after: "kubelet; serving san=DNS:cp1",
        stated: true,
        told: &["error san-missing ../kubelet/kubelet.crt lacks the SAN 10.0.0.10"],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate is a client's",
        after: "kubelet; serving usage=clientAuth",
        told: &[
            "error usage-missing ../kubelet/kubelet.crt lacks the extended key usage serverAuth",
            "warning usage-extra ../kubelet/kubelet.crt has the extended key usage clientAuth, which is not wanted",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate has expired",
        after: "kubelet; FAKETIME='2025-01-01 00:00:00' serving",
        told: &["error expired ../kubelet/kubelet.crt ended on 2026-01-01 00:00:00 UTC"],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate is another node's",
        after: "kubelet; serving subject=/O=system:nodes/CN=system:node:worker-0",
        told: &[
            "error wrong-subject ../kubelet/kubelet.crt has the subject \"CN=system:node:worker-0,O=system:nodes\", not \"CN=system:node:cp1,O=system:nodes\"",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate has another's key",
        after: r#"kubelet; serving; install -m 600 "$KEYS/other" ../kubelet/kubelet.key"#,
        told: &[
            "error key-mismatch ../kubelet/kubelet.key is not the key of the certificate beside it",
        ],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving key is lost",
        after: "kubelet; serving; rm ../kubelet/kubelet.key",
        told: &["error missing-key ../kubelet/kubelet.crt stands without kubelet.key"],
        ..NONE
    },
    Slip {
        name: "everyone may read the kubelet's serving key",
        after: "kubelet; serving; chmod 644 ../kubelet/kubelet.key",
        told: &["error key-mode ../kubelet/kubelet.key has the mode 0644"],
        ..NONE
    },
    Slip {
        name: "the kubelet's serving certificate is garbage",
        after: "kubelet; echo garbage > ../kubelet/kubelet.crt",
        told: &[
            "error unreadable ../kubelet/kubelet.crt cannot be used: no certificate: a block BEGIN CERTIFICATE is expected",
        ],
        ..NONE
    },
    Slip {
        name: "everyone may read the token by which a kubelet begins",
        after: "bootstrap; chmod 644 bootstrap-kubelet.conf",
        told: &["error key-mode bootstrap-kubelet.conf has the mode 0644"],
        ..NONE
    },
    Slip {
        name: "of a kubelet's files three are bad, each in its own way, and none hides another",
        after: "kubelet; bootstrap; chmod 604 bootstrap-kubelet.conf; echo garbage > ../kubelet/kubelet-client-current.pem; head -c 300 ../kubelet/kubelet.crt > $aside/c; cat $aside/c > ../kubelet/kubelet.crt; head -c 64 /dev/zero > ../kubelet/kubelet.key; chmod 644 admin.conf",
        told: &[
            "error key-mode admin.conf has the mode 0644",
            "error unreadable kubelet.conf cannot be used: client-certificate ../kubelet/kubelet-client-current.pem: no certificate: a block BEGIN CERTIFICATE is expected",
            "error unreadable kubelet.conf cannot be used: client-key ../kubelet/kubelet-client-current.pem: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
            "error unreadable ../kubelet/kubelet.crt cannot be used: line 1: BEGIN CERTIFICATE has no END line: the file is cut short, copy it again",
            "error unreadable ../kubelet/kubelet.key cannot be used: no usable private key: line 1: the file is not text: save it as UTF-8, not as UTF-16",
            "error key-mode bootstrap-kubelet.conf has the mode 0604",
        ],
        ..NONE
    },
];
