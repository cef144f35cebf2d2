use super::*;
use crate::key::KeyAlgorithm;
use crate::oracle::{run, text};

/// A request of OpenSSL's: the key as `openssl req -newkey` takes it, and its extensions one a line.
fn openssl(key: &str, options: &str, extensions: &str) -> Request {
    let config = format!(
        "[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\nO=test\nCN=x\n[ext]\n{extensions}\n"
    );
    let script = format!(
        "openssl req -config /dev/stdin -newkey {key} {options} -nodes -keyout /dev/null 2>/dev/null"
    );
    Request::from_pem(&run(&script, config.as_bytes())).unwrap()
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

fn server() -> Asked {
    Asked {
        subject: Name::new(&["system:nodes"], "system:node:cp1"),
        sans: vec![
            San::parse("cp1").unwrap(),
            San::parse("10.0.0.1").unwrap(),
            San::parse("::1").unwrap(),
        ],
        key_usage: Some(KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT)),
        extended_key_usage: vec![ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth],
        basic_constraints: None,
        subject_key_identifier: None,
    }
}

fn ca(path_length: Option<u32>) -> Asked {
    Asked {
        subject: Name::parse("/DC=example/DC=com/OU=a/OU=b/CN=kubernetes").unwrap(),
        sans: Vec::new(),
        key_usage: Some(KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN)),
        extended_key_usage: Vec::new(),
        basic_constraints: Some(BasicConstraints {
            ca: true,
            path_length,
            critical: true,
        }),
        subject_key_identifier: Some(vec![0xab; 20]),
    }
}

fn key(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::generate(algorithm).unwrap()
}

#[test]
fn openssl_and_gnutls_verify_our_requests_and_see_what_is_asked() {
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::EcdsaP521,
        KeyAlgorithm::Rsa(2048),
    ] {
        let request = Request::new(&server(), &key(algorithm)).unwrap();
        let pem = request.to_pem();
        let shown = text("openssl req -noout -verify -text 2>&1", pem.as_bytes());
        for words in [
            "verify OK",
            "Version: 1 (0x0)",
            "Subject: O = system:nodes, CN = system:node:cp1",
            "Digital Signature, Key Encipherment",
            "TLS Web Server Authentication, TLS Web Client Authentication",
            "DNS:cp1, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
        ] {
            assert!(shown.contains(words), "{words:?} in {shown}");
        }
        let shown = text("certtool --crq-info", pem.as_bytes());
        for words in [
            "Self signature: verified",
            "DNSname: cp1",
            "Digital signature.",
        ] {
            assert!(shown.contains(words), "{words:?} in {shown}");
        }
    }
}

#[test]
fn the_request_of_a_ca_keeps_its_name_and_its_path_length() {
    for (length, words) in [
        (None, "CA:TRUE\n"),
        (Some(0), "CA:TRUE, pathlen:0\n"),
        (Some(127), "CA:TRUE, pathlen:127\n"),
        (Some(128), "CA:TRUE, pathlen:128\n"),
        (Some(70_000), "CA:TRUE, pathlen:70000\n"),
    ] {
        let request = Request::new(&ca(length), &key(KeyAlgorithm::EcdsaP256)).unwrap();
        assert_eq!(request.asked, ca(length));
        let shown = text(
            "openssl req -noout -verify -text 2>&1",
            request.to_pem().as_bytes(),
        );
        assert!(shown.contains(words), "{shown}");
        assert!(shown.contains("AB:AB:AB:AB"), "{shown}");
        let name = "Subject: DC = example, DC = com, OU = a, OU = b, CN = kubernetes";
        assert!(shown.contains(name), "{shown}");
    }
}

#[test]
fn what_is_asked_for_comes_out_again_octet_by_octet() {
    let nothing = Asked {
        subject: Name::new(&[], "x"),
        sans: Vec::new(),
        key_usage: None,
        extended_key_usage: Vec::new(),
        basic_constraints: None,
        subject_key_identifier: None,
    };
    for asked in [server(), ca(None), nothing] {
        let request = Request::new(&asked, &key(KeyAlgorithm::EcdsaP256)).unwrap();
        assert_eq!((&request.asked, &request.others), (&asked, &Vec::new()));
        assert_eq!(Request::parse(request.der()).unwrap(), request);
        assert_eq!(
            Request::from_pem(request.to_pem().as_bytes()).unwrap(),
            request
        );
        let again = run("openssl req -outform DER", request.to_pem().as_bytes());
        assert_eq!(again, request.der());
    }
}

#[test]
fn kubeadms_requests_are_read_and_prove_possession() {
    for (file, subject, sans) in [
        ("default/pki/apiserver.csr", "CN=kube-apiserver", 7),
        ("default/pki/etcd/server.csr", "CN=cp1", 5),
        (
            "default/kubelet.conf.csr",
            "CN=system:node:cp1,O=system:nodes",
            0,
        ),
        (
            "ha-ecdsa/pki/front-proxy-client.csr",
            "CN=front-proxy-client",
            0,
        ),
    ] {
        let path = format!(
            "{}/tests/fixtures/kubeadm/generate-csr/{file}",
            env!("CARGO_MANIFEST_DIR")
        );
        let request = Request::from_pem(&run(&format!("cat {path}"), &[])).unwrap();
        request.prove_possession().unwrap();
        assert_eq!(request.asked.subject.to_string(), subject);
        assert_eq!(request.asked.sans.len(), sans, "{file}");
        assert_eq!(request.asked.key_usage, None);
    }
}

#[test]
fn what_openssl_asks_for_is_read() {
    let request = openssl(
        P256,
        "",
        "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign\nextendedKeyUsage=codeSigning\n\
         subjectAltName=email:a@b,URI:spiffe://x\nsubjectKeyIdentifier=hash\nnameConstraints=permitted;DNS:x\n\
         1.2.3.4=ASN1:NULL",
    );
    request.prove_possession().unwrap();
    let constraints = request.asked.basic_constraints.unwrap();
    assert!(constraints.ca && constraints.path_length == Some(1));
    assert_eq!(request.asked.key_usage, Some(KeyUsage::KEY_CERT_SIGN));
    let sans: Vec<String> = request.asked.sans.iter().map(ToString::to_string).collect();
    assert_eq!(sans, ["email:a@b", "URI:spiffe://x"]);
    assert_eq!(request.others, ["2.5.29.30", "1.2.3.4"]);
}

#[test]
fn a_password_for_the_ca_asks_for_nothing_and_windows_list_counts() {
    let key = key(KeyAlgorithm::EcdsaP256);
    let plain = Request::new(&server(), &key).unwrap();
    let password = der::sequence(&[
        &der::oid(&[1, 2, 840, 113_549, 1, 9, 7]),
        &der::tlv(der::SET, &der::tlv(der::UTF8_STRING, b"secret")),
    ]);
    let with = changed(&plain, |attributes| [attributes, &password].concat());
    assert_eq!(Request::parse(&with).unwrap().asked, plain.asked);

    let windows = der::oid(&[1, 3, 6, 1, 4, 1, 311, 2, 1, 14]);
    let usual = der::oid(EXTENSION_REQUEST);
    let renamed = changed(&plain, |attributes| {
        let list = der::only(attributes).unwrap();
        der::sequence(&[&windows, &list.content[usual.len()..]])
    });
    assert_eq!(Request::parse(&renamed).unwrap().asked, plain.asked);

    let twice = changed(&plain, |attributes| attributes.repeat(2));
    let error = Request::parse(&twice).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "read request: it has two lists of extensions"
    );
}

/// The same with other attributes; the signature is then void.
fn changed(request: &Request, change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let members = der::sequence_members(request.der()).unwrap();
    let fields = der::children(members[0].content).unwrap();
    let attributes = der::tlv(0xa0, &change(fields[3].content));
    let info = der::sequence(&[fields[0].raw, fields[1].raw, fields[2].raw, &attributes]);
    der::sequence(&[&info, members[1].raw, members[2].raw])
}

#[test]
fn whoever_has_not_the_key_proves_nothing() {
    let (one, other) = (key(KeyAlgorithm::EcdsaP256), key(KeyAlgorithm::EcdsaP256));
    let request = Request::new(&server(), &one).unwrap();
    let (own, foreign) = (one.public_key().spki(), other.public_key().spki());
    let start = request
        .der()
        .windows(own.len())
        .position(|window| window == own)
        .unwrap();
    let mut stolen = request.der().to_vec();
    stolen[start..start + own.len()].copy_from_slice(foreign);
    let error = Request::parse(&stolen)
        .unwrap()
        .prove_possession()
        .unwrap_err();
    let reason = "verify the request with its own key: the signature does not verify";
    assert_eq!(format!("{error:#}"), reason);
}

#[test]
fn weak_signatures_and_strange_keys_prove_nothing() {
    for (key, options, reason) in [
        (
            "rsa:2048",
            "-sha1",
            "sha1WithRSAEncryption is no longer accepted",
        ),
        ("rsa:1024", "", "RSA-1024 are not supported"),
        ("ed25519", "", "Ed25519 is not supported"),
    ] {
        let error = openssl(key, options, "keyUsage=digitalSignature")
            .prove_possession()
            .unwrap_err();
        assert!(format!("{error:#}").contains(reason), "{error:#}");
    }
}

#[test]
fn what_is_no_request_is_refused_with_the_reason() {
    let request = Request::new(&server(), &key(KeyAlgorithm::EcdsaP256)).unwrap();
    let members = der::sequence_members(request.der()).unwrap();
    let (algorithm, signature) = (members[1].raw, members[2].raw);
    let fields = der::children(members[0].content).unwrap();
    let [version, subject, spki, attributes] = fields.as_slice() else {
        panic!("four fields")
    };
    let (version, subject, spki) = (version.raw, subject.raw, spki.raw);
    let whole = |info: &[&[u8]]| der::sequence(&[&der::sequence(info), algorithm, signature]);
    let tagged = |content: &[u8]| whole(&[version, subject, spki, &der::tlv(0xa0, content)]);
    let list = |value: &[u8]| {
        tagged(&der::sequence(&[
            &der::oid(EXTENSION_REQUEST),
            &der::tlv(der::SET, value),
        ]))
    };
    for (der, reason) in [
        (der::sequence(&[algorithm]), "three parts, this has 1"),
        (whole(&[version, subject]), "cut short"),
        (whole(&[&[2, 1, 1], subject, spki]), "the version is not 0"),
        (
            whole(&[version, subject, spki, attributes.raw, &[5, 0]]),
            "something follows the attributes",
        ),
        (tagged(&der::sequence(&[&[5, 0]])), "a kind and values"),
        (list(&[]), "not one value"),
        (
            list(&der::sequence(&[&[5, 0]])),
            "read a requested extension",
        ),
        ([request.der(), &[0]].concat(), "octets follow"),
    ] {
        let error = format!("{:#}", Request::parse(&der).unwrap_err());
        assert!(error.contains(reason), "{reason:?} in {error}");
    }
    // Some leave the attributes out.
    assert!(Request::parse(&whole(&[version, subject, spki])).is_ok());
    for (text, reason) in [
        (
            String::new(),
            "a block BEGIN CERTIFICATE REQUEST is expected",
        ),
        (request.to_pem().repeat(2), "more than one request"),
    ] {
        let error = Request::from_pem(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
