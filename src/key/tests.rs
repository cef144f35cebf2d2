use std::sync::OnceLock;

use super::*;
use crate::oracle::{hex, run, text};

/// An RSA key of OpenSSL's, PKCS#8, made once.
fn rsa_pkcs8() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| {
        run(
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            b"",
        )
    })
}

fn ec_pkcs8(curve: &str) -> Vec<u8> {
    run(
        &format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve}"),
        b"",
    )
}

fn read(pem: &[u8]) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(pem, None)
}

fn refusal(pem: &[u8]) -> KeyError {
    read(pem).expect_err("the key is refused")
}

fn malformed(error: &KeyError) -> &str {
    match error {
        KeyError::Malformed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

const CURVES: [(&str, KeyAlgorithm); 3] = [
    ("P-256", KeyAlgorithm::EcdsaP256),
    ("P-384", KeyAlgorithm::EcdsaP384),
    ("P-521", KeyAlgorithm::EcdsaP521),
];

#[test]
fn names_of_algorithms_are_kubeadms_and_exact() {
    let names: Vec<String> = KeyAlgorithm::MADE.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "RSA-2048",
            "RSA-3072",
            "RSA-4096",
            "ECDSA-P256",
            "ECDSA-P384"
        ]
    );
    for algorithm in KeyAlgorithm::MADE {
        assert_eq!(
            KeyAlgorithm::from_name(&algorithm.to_string()),
            Some(algorithm)
        );
    }
    for wrong in ["", "rsa-2048", "RSA-1024", "ECDSA-P521", "RSA-2048 "] {
        assert_eq!(KeyAlgorithm::from_name(wrong), None, "{wrong}");
    }
}

#[test]
fn every_algorithm_is_generated_and_read_by_openssl_and_by_us() {
    let algorithms = KeyAlgorithm::MADE
        .into_iter()
        .chain([KeyAlgorithm::EcdsaP521]);
    // The greater RSA sizes take seconds without optimization of the test, not of the library.
    for algorithm in algorithms {
        let key = PrivateKey::generate(algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.public_key().algorithm(), Some(algorithm));
        let pem = key.to_pem();
        let spki = run("openssl pkey -check -pubout -outform DER", pem.as_bytes());
        assert!(spki.ends_with(key.public_key().spki()), "{algorithm}");
        let again = read(pem.as_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(*again.to_pem(), *pem);
    }
}

#[test]
fn trap_1_rsa_keys_are_written_as_pkcs_1_octet_by_octet_as_openssl_does() {
    let pem = rsa_pkcs8();
    let ours = read(pem).unwrap().to_pem();
    assert!(ours.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    assert_eq!(
        *ours,
        String::from_utf8(run("openssl rsa -traditional 2>/dev/null", pem)).unwrap()
    );
    assert_eq!(*read(ours.as_bytes()).unwrap().to_pem(), *ours);
}

#[test]
fn trap_1_ec_keys_are_written_as_sec_1_octet_by_octet_as_openssl_does() {
    for (curve, algorithm) in CURVES {
        let pem = ec_pkcs8(curve);
        let key = read(&pem).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let sec1 = String::from_utf8(run("openssl ec 2>/dev/null", &pem)).unwrap();
        assert!(sec1.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        assert_eq!(*key.to_pem(), sec1, "{curve}");
        assert_eq!(*read(sec1.as_bytes()).unwrap().to_pem(), sec1, "{curve}");
    }
}

#[test]
fn private_octets_of_sec_1_are_padded_on_the_left() {
    // The private number 1, which has one significant octet; written short, as some do, and in full.
    let base_point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                      4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let curve = der::tlv(0xa0, &der::oid(&[1, 2, 840, 10045, 3, 1, 7]));
    for length in [1, 32] {
        let mut number = vec![0; length];
        number[length - 1] = 1;
        let version = der::tlv(der::INTEGER, &[1]);
        let sec1 = der::sequence(&[&version, &der::tlv(der::OCTET_STRING, &number), &curve]);
        let key = read(pem::encode(Label::EcPrivateKey, &sec1).as_bytes()).unwrap();
        let members = der::sequence_members(&key.der).unwrap();
        assert_eq!(members[1].content.len(), 32);
        assert_eq!(members[1].content[..31], [0; 31]);
        let point = hex(key.public_key().bit_string());
        assert_eq!(point, base_point);
    }
}

#[test]
fn every_form_in_which_openssl_writes_an_ec_key_is_read() {
    let names = ["prime256v1", "secp384r1", "secp521r1"];
    for ((curve, algorithm), openssl) in CURVES.into_iter().zip(names) {
        let pem = ec_pkcs8(curve);
        let expected = read(&pem).unwrap();
        let parameters = "openssl ecparam -name";
        let with_parameters = run(
            &format!("{parameters} {openssl} ; openssl ec 2>/dev/null"),
            &pem,
        );
        let compressed = run("openssl ec -conv_form compressed 2>/dev/null", &pem);
        assert_ne!(compressed, expected.to_pem().as_bytes());
        assert!(with_parameters.starts_with(b"-----BEGIN EC PARAMETERS-----"));
        let without_public_key = run("openssl ec -no_public 2>/dev/null", &pem);
        let pkcs8_without_public_key = run(
            "openssl ec -no_public 2>/dev/null | openssl pkcs8 -topk8 -nocrypt",
            &pem,
        );
        for form in [
            compressed,
            with_parameters,
            without_public_key,
            pkcs8_without_public_key,
        ] {
            let key = read(&form).unwrap();
            assert_eq!(key.public_key(), expected.public_key(), "{curve}");
            assert_eq!(*key.to_pem(), *expected.to_pem(), "{curve}");
            assert_eq!(key.algorithm(), algorithm);
        }
    }
}

/// SEC1 of a P-256 key of OpenSSL's in its members: version, octets, curve, public key.
fn sec1_members(der: &[u8]) -> Vec<Vec<u8>> {
    let members = der::sequence_members(der).unwrap();
    members.iter().map(|member| member.raw.to_vec()).collect()
}

#[test]
fn a_sec_1_key_takes_its_curve_from_the_block_before_it_or_is_refused() {
    let key = read(&ec_pkcs8("P-256")).unwrap();
    let members = sec1_members(&key.der);
    let bare = pem::encode(
        Label::EcPrivateKey,
        &der::sequence(&[&members[0], &members[1]]),
    );
    let error = refusal(bare.as_bytes());
    assert_eq!(malformed(&error), "the EC key does not name its curve");

    let block = |arcs| pem::encode(Label::EcParameters, &der::oid(arcs)).to_string();
    let fitting = block(&[1, 2, 840, 10045, 3, 1, 7]) + &bare;
    assert_eq!(
        read(fitting.as_bytes()).unwrap().public_key(),
        key.public_key()
    );
    let foreign = block(&[1, 3, 132, 0, 34]) + &key.to_pem();
    let error = refusal(foreign.as_bytes());
    assert!(
        malformed(&error).contains("ECDSA-P256, the text around it that of ECDSA-P384"),
        "{error}"
    );
    let after = bare.to_string() + &block(&[1, 2, 840, 10045, 3, 1, 7]);
    assert_eq!(
        malformed(&refusal(after.as_bytes())),
        "the EC key does not name its curve"
    );
}

#[test]
fn an_ec_key_with_a_foreign_public_key_is_refused() {
    let (ours, foreign) = (
        read(&ec_pkcs8("P-256")).unwrap(),
        read(&ec_pkcs8("P-256")).unwrap(),
    );
    let (ours, foreign) = (sec1_members(&ours.der), sec1_members(&foreign.der));
    let mixed = der::sequence(&[&ours[0], &ours[1], &ours[2], &foreign[3]]);
    let error = refusal(pem::encode(Label::EcPrivateKey, &mixed).as_bytes());
    assert!(
        malformed(&error).contains("do not belong together"),
        "{error}"
    );
}

#[test]
fn an_rsa_key_with_a_changed_number_is_refused() {
    let key = read(rsa_pkcs8()).unwrap();
    let mut der = key.der.to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let error = refusal(pem::encode(Label::RsaPrivateKey, &der).as_bytes());
    assert!(
        malformed(&error).contains("do not belong together"),
        "{error}"
    );
}

#[test]
fn other_kinds_of_keys_are_refused_by_name() {
    let kinds = [
        ("genpkey -algorithm ED25519", "Ed25519"),
        ("genpkey -algorithm ED448", "Ed448"),
        ("genpkey -algorithm X25519", "X25519"),
        ("genpkey -algorithm X448", "X448"),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224",
            "P-224",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-192",
            "P-192",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            "secp256k1",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1",
            "brainpoolP256r1",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP384r1",
            "brainpoolP384r1",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP512r1",
            "brainpoolP512r1",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2",
            "SM2",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp160r1",
            "with the object identifier 1.3.132.0.8",
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
            "EC with explicit parameters",
        ),
        ("ecparam -name secp256k1 -genkey", "secp256k1"),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
            "RSA-1024",
        ),
        ("genrsa -traditional 1024", "RSA-1024"),
        (
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024",
            "RSA-PSS",
        ),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3",
            "RSA with more than two primes",
        ),
        ("dsaparam -genkey -noout 1024", "DSA"),
    ];
    for (command, kind) in kinds {
        let pem = run(&format!("openssl {command} 2>/dev/null"), b"");
        assert_eq!(
            refusal(&pem),
            KeyError::Unsupported(kind.into()),
            "{command}"
        );
    }
    let dsa = run(
        "openssl dsaparam -genkey -noout 1024 2>/dev/null | openssl dsa 2>/dev/null",
        b"",
    );
    assert!(
        dsa.starts_with(b"-----BEGIN DSA PRIVATE KEY-----")
            || dsa.starts_with(b"-----BEGIN PRIVATE KEY-----")
    );
    assert_eq!(refusal(&dsa), KeyError::Unsupported("DSA".into()));
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(refusal(openssh), KeyError::Unsupported("OPENSSH".into()));
}

#[test]
fn rsa_sizes_from_2048_to_8192_bits_sign() {
    for bits in [2048, 2056, 3000] {
        let pem = run(
            &format!("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"),
            b"",
        );
        let key = read(&pem).unwrap();
        assert_eq!(key.algorithm(), KeyAlgorithm::Rsa(bits));
        let signature = key.sign(b"text").unwrap();
        key.public_key()
            .verify(&RSA_SHA256, b"text", &signature)
            .unwrap();
    }
}

#[test]
fn an_rsa_key_of_more_than_8192_bits_is_read_and_written_and_signs_nothing() {
    let pem = include_bytes!("../../tests/fixtures/rsa-16384.key");
    let key = read(pem).unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::Rsa(16384));
    assert_eq!(key.algorithm().anew(), KeyAlgorithm::Rsa(8192));
    assert_eq!(key.to_pem().as_bytes(), pem);
    let public = run("openssl rsa -pubout", pem);
    assert_eq!(key.public_key().to_pem().as_bytes(), public);
    let pkcs8 = run("openssl pkcs8 -topk8 -nocrypt -outform DER", pem);
    assert_eq!(*key.to_pkcs8(), pkcs8);
    assert_eq!(
        read(&run("openssl pkcs8 -topk8 -nocrypt", pem))
            .unwrap()
            .public_key(),
        key.public_key()
    );
    let error = key.sign(b"text").unwrap_err();
    assert_eq!(error.to_string(), "sign with the RSA-16384 key");
    let error = key
        .public_key()
        .verify(&RSA_SHA256, b"text", &[0; 2048])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("its signature cannot be verified here: "),
        "{error}"
    );
    // One whose numbers lack, and one that OpenSSL does not work with either.
    let whole = pem::parse(pem).unwrap().remove(0).der.to_vec();
    let members = der::sequence_members(&whole).unwrap();
    let numbers: Vec<&[u8]> = members.iter().map(|member| member.raw).collect();
    let refused = |numbers: &[&[u8]]| {
        let key = der::sequence(numbers);
        refusal(pem::encode(Label::RsaPrivateKey, &key).as_bytes())
    };
    assert_eq!(
        malformed(&refused(&numbers[..8])),
        "the RSA key is cut short"
    );
    let larger = der::tlv(der::INTEGER, &[&[1], members[1].content].concat());
    let larger = [&[numbers[0], larger.as_slice()], &numbers[2..]].concat();
    let KeyError::Unsupported(kind) = refused(&larger) else {
        panic!("it is read");
    };
    assert!(kind.starts_with("RSA-163") && kind != "RSA-16384", "{kind}");
}

#[test]
fn an_rsa_key_with_the_exponent_3_is_read() {
    let pem = run(
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
        b"",
    );
    assert_eq!(read(&pem).unwrap().algorithm(), KeyAlgorithm::Rsa(2048));
}

#[test]
fn text_and_other_blocks_around_the_key_are_passed_over() {
    let key = ec_pkcs8("P-256");
    let public = run("openssl pkey -pubout", &key);
    for file in [
        [b"some text\n".as_slice(), &public, &key].concat(),
        [&key, public.as_slice(), b"more text\n"].concat(),
    ] {
        assert_eq!(read(&file).unwrap().algorithm(), KeyAlgorithm::EcdsaP256);
    }
}

#[test]
fn a_file_without_or_with_two_private_keys_is_refused() {
    let key = ec_pkcs8("P-256");
    let public = run("openssl pkey -pubout", &key);
    assert!(malformed(&refusal(&public)).contains("no block BEGIN … PRIVATE KEY"));
    assert!(malformed(&refusal(b"")).contains("no block"));
    let two = [key.as_slice(), &key].concat();
    assert!(malformed(&refusal(&two)).contains("more than one private key"));
}

#[test]
fn files_that_are_no_pem_are_refused_with_the_line() {
    let error = refusal(b"text\n-----BEGIN PRIVATE KEY-----\n");
    assert!(
        malformed(&error).starts_with("line 2: BEGIN PRIVATE KEY has no END"),
        "{error}"
    );
    let error = refusal(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    assert!(malformed(&error).contains("X509 CRL"), "{error}");
}

#[test]
fn blocks_that_hold_no_key_are_refused() {
    let integer = der::tlv(der::INTEGER, &[0]);
    let cases = [
        (
            Label::RsaPrivateKey,
            vec![0x30, 0],
            "the RSA key is cut short",
        ),
        (
            Label::RsaPrivateKey,
            vec![0x30, 5],
            "the DER ends too early",
        ),
        (Label::EcPrivateKey, vec![0x04, 0], "another type stands"),
        (
            Label::PrivateKey,
            der::sequence(&[&integer]),
            "the PKCS#8 key is cut short",
        ),
        (
            Label::PrivateKey,
            der::sequence(&[&integer, &integer, &integer]),
            "another type stands",
        ),
        (
            Label::PrivateKey,
            [der::sequence(&[]), vec![0]].concat(),
            "octets follow",
        ),
    ];
    for (label, der, reason) in cases {
        let error = refusal(pem::encode(label, &der).as_bytes());
        assert!(malformed(&error).contains(reason), "{label}: {error}");
    }
}

#[test]
fn debug_prints_nothing_of_the_key() {
    let key = read(&ec_pkcs8("P-256")).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(ECDSA-P256, [elided])");
}

#[test]
fn keys_may_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<PrivateKey>();
    crosses::<PublicKey>();
}

#[test]
fn random_octets_differ() {
    let mut buffers = [[0; 20]; 2];
    for buffer in &mut buffers {
        random(buffer).unwrap();
    }
    assert_ne!(buffers[0], buffers[1]);
}

const RSA_SHA256: [u8; 15] = [
    0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0,
];

fn rsa_algorithm(last: u64, parameters: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 1, last]), parameters])
}

fn ecdsa_algorithm(last: u64) -> Vec<u8> {
    der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, last])])
}

const HASHES: [&str; 3] = ["sha256", "sha384", "sha512"];

#[test]
fn our_signatures_verify_with_openssl_and_follow_the_key() {
    let hashes = [("P-256", 2), ("P-384", 3), ("P-521", 4)];
    for (curve, algorithm) in hashes {
        let key = read(&ec_pkcs8(curve)).unwrap();
        let signature = key.sign(b"text").unwrap();
        key.public_key()
            .verify(&ecdsa_algorithm(algorithm), b"text", &signature)
            .unwrap();
        judge(
            &key,
            HASHES[usize::try_from(algorithm).unwrap() - 2],
            &signature,
        );
    }
    let key = read(rsa_pkcs8()).unwrap();
    let signature = key.sign(b"text").unwrap();
    key.public_key()
        .verify(&RSA_SHA256, b"text", &signature)
        .unwrap();
    judge(&key, "sha256", &signature);
}

fn judge(key: &PrivateKey, hash: &str, signature: &[u8]) {
    let script = format!(
        "openssl dgst -{hash} -verify <(echo '{}') -signature /dev/stdin <(printf text)",
        key.public_key().to_pem()
    );
    assert_eq!(text(&script, signature), "Verified OK");
}

#[test]
fn trap_7_signatures_of_openssl_verify_with_every_hash_on_every_curve_and_rsa() {
    let mut keys: Vec<Vec<u8>> = CURVES.iter().map(|(curve, _)| ec_pkcs8(curve)).collect();
    keys.push(rsa_pkcs8().to_vec());
    for pem in keys {
        let key = read(&pem).unwrap();
        for (hash, last) in HASHES.into_iter().zip([2, 3, 4]) {
            let signature = run(
                &format!("openssl dgst -{hash} -sign /dev/stdin <(printf text)"),
                &pem,
            );
            let algorithms = match key.algorithm() {
                KeyAlgorithm::Rsa(_) => vec![
                    rsa_algorithm(last + 9, &[5, 0]),
                    rsa_algorithm(last + 9, &[]),
                ],
                _ => vec![ecdsa_algorithm(last)],
            };
            for algorithm in algorithms {
                let public = key.public_key();
                public.verify(&algorithm, b"text", &signature).unwrap();
                let error = public.verify(&algorithm, b"Text", &signature).unwrap_err();
                assert_eq!(error.to_string(), "the signature does not verify");
                assert!(public.verify(&algorithm, b"text", b"").is_err());
            }
        }
    }
}

#[test]
fn signature_algorithms_that_are_not_accepted_are_named() {
    let rsa = read(rsa_pkcs8()).unwrap();
    let ec = read(&ec_pkcs8("P-256")).unwrap();
    let cases = [
        (
            rsa_algorithm(4, &[5, 0]),
            "md5WithRSAEncryption is no longer accepted",
        ),
        (
            rsa_algorithm(5, &[5, 0]),
            "sha1WithRSAEncryption is no longer accepted",
        ),
        (rsa_algorithm(10, &[5, 0]), "RSASSA-PSS is not supported"),
        (
            rsa_algorithm(14, &[5, 0]),
            "the signature algorithm 1.2.840.113549.1.1.14 is not supported",
        ),
        (
            rsa_algorithm(11, &[4, 0]),
            "sha256WithRSAEncryption has parameters that do not belong there",
        ),
        (
            der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 1])]),
            "ecdsa-with-SHA1 is no longer accepted",
        ),
        (
            der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2]), &[5, 0]]),
            "ecdsa-with-SHA256 has parameters that do not belong there",
        ),
        (
            der::sequence(&[&der::oid(&[1, 3, 101, 112])]),
            "Ed25519 is not supported",
        ),
        (der::sequence(&[]), "it has not one or two members"),
        (vec![5, 0], "another type stands where DER expects one"),
    ];
    for (algorithm, reason) in cases {
        let error = rsa.public_key().verify(&algorithm, b"", b"").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!("read signature algorithm: {reason}")
        );
    }
    let error = rsa
        .public_key()
        .verify(&ecdsa_algorithm(2), b"", b"")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "an ECDSA signature, but the key is RSA-2048"
    );
    let error = ec.public_key().verify(&RSA_SHA256, b"", b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "an RSA signature, but the key is ECDSA-P256"
    );
}

fn public(command: &str) -> PublicKey {
    let script = format!("openssl {command} 2>/dev/null | openssl pkey -pubout");
    PublicKey::all_from_pem(&run(&script, b""))
        .unwrap()
        .remove(0)
}

#[test]
fn public_keys_of_other_kinds_are_read_and_named_and_verify_nothing() {
    let ed25519 = public("genpkey -algorithm ED25519");
    assert_eq!((ed25519.algorithm(), ed25519.kind()), (None, "Ed25519"));
    let error = ed25519.verify(&ecdsa_algorithm(2), b"", b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "signatures of a key of the kind Ed25519 are not supported"
    );
    let short = public("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    assert_eq!(
        (short.algorithm(), short.kind()),
        (Some(KeyAlgorithm::Rsa(1024)), "RSA-1024")
    );
    let error = short.verify(&RSA_SHA256, b"", b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "signatures of a key of the kind RSA-1024 are not supported"
    );
}

#[test]
fn trap_6_the_key_identifier_hashes_the_bit_string_and_not_the_spki() {
    let pem = ec_pkcs8("P-256");
    let key = read(&pem).unwrap();
    let public = key.public_key();
    // The last 65 octets of the SPKI of a P-256 key are the point.
    let by_openssl = text(
        "openssl pkey -pubout -outform DER | tail -c 65 | openssl dgst -sha256 -r",
        &pem,
    );
    assert_eq!(hex(&public.key_identifier()), by_openssl[..40]);
    assert_ne!(public.key_identifier()[..], public.fingerprint()[..20]);
    let by_openssl = text(
        "openssl pkey -pubout -outform DER | openssl dgst -sha256 -r",
        &pem,
    );
    assert_eq!(hex(&public.fingerprint()), by_openssl[..64]);
}

#[test]
fn a_public_key_is_written_as_openssl_writes_it_and_read_again() {
    for pem in [rsa_pkcs8().to_vec(), ec_pkcs8("P-384")] {
        let key = read(&pem).unwrap();
        let written = key.public_key().to_pem();
        assert_eq!(written.as_bytes(), run("openssl pkey -pubout", &pem));
        assert_eq!(
            PublicKey::all_from_pem(written.as_bytes()).unwrap(),
            [key.public_key().clone()]
        );
        assert!(written.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    }
}

#[test]
fn public_keys_are_read_in_order_and_a_file_without_one_is_refused() {
    let error = PublicKey::all_from_pem(b"").unwrap_err();
    assert!(error.to_string().starts_with("no public key"), "{error}");
    let keys =
        [ec_pkcs8("P-256"), ec_pkcs8("P-384")].map(|pem| read(&pem).unwrap().public_key().clone());
    let pem: String = keys.iter().map(PublicKey::to_pem).collect();
    assert_eq!(PublicKey::all_from_pem(pem.as_bytes()).unwrap(), keys);
}

#[test]
fn spki_that_are_no_keys_are_refused() {
    let point = read(&ec_pkcs8("P-256"))
        .unwrap()
        .public_key()
        .spki()
        .to_vec();
    let off_the_curve = {
        let mut spki = point.clone();
        let last = spki.len() - 1;
        spki[last] ^= 1;
        spki
    };
    let rsa = |key: &[u8]| {
        let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 1, 1]), &[5, 0]]);
        der::sequence(&[
            &algorithm,
            &der::tlv(der::BIT_STRING, &[&[0], key].concat()),
        ])
    };
    let cases = [
        (
            off_the_curve,
            "this is not a point on the curve of ECDSA-P256",
        ),
        (
            [point.as_slice(), &[0]].concat(),
            "octets follow the end of the DER",
        ),
        (
            der::sequence(&[]),
            "a public key consists of an algorithm and a BIT STRING",
        ),
        (
            rsa(&der::sequence(&[])),
            "an RSA key consists of a modulus and an exponent",
        ),
        (
            rsa(&der::sequence(&[&[2, 1, 0x80], &[2, 1, 3]])),
            "an INTEGER is negative",
        ),
        (
            rsa(&der::sequence(&[&[2, 1, 1], &[2, 0]])),
            "an INTEGER is empty",
        ),
        (
            der::sequence(&[
                &der::sequence(&[&der::oid(&[1, 3, 101, 112])]),
                &[3, 2, 1, 0],
            ]),
            "a BIT STRING does not consist of whole octets",
        ),
    ];
    for (spki, reason) in cases {
        let error = PublicKey::from_spki(&spki).unwrap_err();
        assert_eq!(format!("{error:#}"), format!("read public key: {reason}"));
    }
}

#[test]
fn errors_name_the_way_out() {
    let cases = [
        (KeyError::Encrypted, "--ca-passphrase-file"),
        (KeyError::WrongPassphrase, "check --ca-passphrase-file"),
        (
            KeyError::UnsupportedEncryption("scrypt".into()),
            "scrypt, which is not supported: convert it with 'openssl pkcs8",
        ),
        (
            KeyError::Unsupported("Ed25519".into()),
            "Ed25519 is not supported: use RSA with 2048",
        ),
        (
            KeyError::Malformed("it is cut short".into()),
            "no usable private key: it is cut short",
        ),
    ];
    for (error, part) in cases {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn no_changed_octet_makes_the_reader_panic() {
    for (label, whole) in [
        (
            Label::PrivateKey,
            pem::parse(&ec_pkcs8("P-256")).unwrap().remove(0).der,
        ),
        (Label::EcPrivateKey, read(&ec_pkcs8("P-384")).unwrap().der),
    ] {
        let expected = read(pem::encode(label, &whole).as_bytes()).unwrap();
        for place in 0..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut der = whole.clone();
                der[place] ^= change;
                // What is still read is the same key: what was changed says nothing, such as a version.
                if let Ok(key) = read(pem::encode(label, &der).as_bytes()) {
                    assert_eq!(key.public_key(), expected.public_key(), "{label} {place}");
                }
            }
        }
    }
}

/// A PKCS#8 key of an algorithm, by its arcs, with these octets as the key and these members behind it.
fn pkcs8(version: u8, algorithm: &[&[u8]], key: &[u8], behind: &[u8]) -> Zeroizing<String> {
    let version = der::tlv(der::INTEGER, &[version]);
    let key = der::tlv(der::OCTET_STRING, key);
    let members: [&[u8]; 4] = [&version, &der::sequence(algorithm), &key, behind];
    pem::encode(Label::PrivateKey, &der::sequence(&members))
}

#[test]
fn kinds_that_openssl_does_not_make_are_refused_by_name_too() {
    let kinds: [(&[u64], &str); 6] = [
        (&[1, 2, 840, 10045, 2, 1], "EC without a curve"),
        (&[1, 2, 840, 113_549, 1, 3, 1], "Diffie-Hellman"),
        (&[2, 16, 840, 1, 101, 3, 4, 3, 17], "ML-DSA-44"),
        (&[2, 16, 840, 1, 101, 3, 4, 3, 18], "ML-DSA-65"),
        (&[2, 16, 840, 1, 101, 3, 4, 3, 19], "ML-DSA-87"),
        (&[1, 2, 3], "with the object identifier 1.2.3"),
    ];
    for (arcs, kind) in kinds {
        let file = pkcs8(0, &[&der::oid(arcs)], &[], &[]);
        assert_eq!(refusal(file.as_bytes()), KeyError::Unsupported(kind.into()));
    }
}

#[test]
fn pkcs_8_with_a_public_key_behind_and_with_a_foreign_curve_is_told_apart() {
    let key = read(&ec_pkcs8("P-256")).unwrap();
    let algorithm = |curve: &[u64]| [der::oid(&[1, 2, 840, 10045, 2, 1]), der::oid(curve)];
    let [ec, p256] = algorithm(&[1, 2, 840, 10045, 3, 1, 7]);
    let public = der::tlv(0x81, &[&[0], key.public_key().bit_string()].concat());
    let version_2 = pkcs8(1, &[&ec, &p256], &key.der, &public);
    assert_eq!(
        read(version_2.as_bytes()).unwrap().public_key(),
        key.public_key()
    );
    let [ec, p384] = algorithm(&[1, 3, 132, 0, 34]);
    let error = refusal(pkcs8(0, &[&ec, &p384], &key.der, &[]).as_bytes());
    assert!(
        malformed(&error).contains("names the curve of ECDSA-P256"),
        "{error}"
    );
}
