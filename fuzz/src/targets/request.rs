//! Requests for certificates, as DER or in PEM files.

use certs::x509::{Request, san};

use super::name;

pub(super) fn run(bytes: &[u8]) {
    let der = Request::parse(bytes);
    if let Ok(request) = &der {
        assert_eq!(request.der(), bytes);
    }
    der.iter().for_each(holds);
    Request::from_file(bytes).iter().for_each(holds);
}

fn holds(request: &Request) {
    let read = Request::parse(request.der()).expect("it was read before");
    assert_eq!(
        (&read.asked, &read.others),
        (&request.asked, &request.others)
    );
    let pem = Request::from_pem(request.to_pem().as_bytes());
    assert_eq!(pem.expect("what was written is read"), read);
    name::holds(&request.asked.subject);
    let ordered = san::ordered(request.asked.sans.clone());
    assert_eq!(san::ordered(ordered.clone()), ordered);
    // Whether it is right does not matter, that it is judged does.
    let _ = request.prove_possession();
}
