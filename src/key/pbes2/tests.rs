use crate::der::{self, Element};
use crate::key::{KeyAlgorithm, KeyError, PrivateKey};
use crate::oracle::run;
use crate::pem::{self, Label};

const PASSPHRASE: &[u8] = b"correct horse";

fn key() -> Vec<u8> {
    run(
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        b"",
    )
}

/// A key under PASSPHRASE, as OpenSSL encrypts it with these options.
fn encrypted(options: &str) -> Vec<u8> {
    let script = format!("openssl pkcs8 -topk8 -passout 'pass:correct horse' {options}");
    run(&script, &key())
}

fn read(pem: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    PrivateKey::from_pem(pem, Some(PASSPHRASE)).map(|key| key.algorithm())
}

#[test]
fn keys_under_every_function_and_cipher_are_decrypted() {
    for function in ["SHA1", "SHA256", "SHA384", "SHA512"] {
        for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc"] {
            let pem = encrypted(&format!("-v2 {cipher} -v2prf hmacWith{function} -iter 10"));
            assert_eq!(
                read(&pem),
                Ok(KeyAlgorithm::EcdsaP256),
                "{function} {cipher}"
            );
        }
    }
}

#[test]
fn a_decrypted_key_is_the_one_that_was_encrypted() {
    for command in [
        "EC -pkeyopt ec_paramgen_curve:P-521",
        "RSA -pkeyopt rsa_keygen_bits:2048",
    ] {
        let plain = run(&format!("openssl genpkey -algorithm {command}"), b"");
        let pem = run("openssl pkcs8 -topk8 -passout 'pass:correct horse'", &plain);
        let decrypted = PrivateKey::from_pem(&pem, Some(PASSPHRASE)).unwrap();
        let plain = PrivateKey::from_pem(&plain, None).unwrap();
        assert_eq!(*decrypted.to_pem(), *plain.to_pem());
    }
}

#[test]
fn a_missing_passphrase_and_a_needless_one_are_told_apart() {
    let pem = encrypted("-v2 aes-256-cbc -iter 10");
    assert_eq!(
        PrivateKey::from_pem(&pem, None).unwrap_err(),
        KeyError::Encrypted
    );
    assert_eq!(read(&key()), Ok(KeyAlgorithm::EcdsaP256));
}

#[test]
fn an_empty_passphrase_is_a_passphrase() {
    let pem = run(
        "openssl pkcs8 -topk8 -v2 aes-128-cbc -iter 10 -passout pass:",
        &key(),
    );
    assert_eq!(read(&pem), Err(KeyError::WrongPassphrase));
    assert!(PrivateKey::from_pem(&pem, Some(b"")).is_ok());
}

#[test]
fn a_wrong_passphrase_is_told_also_when_the_padding_happens_to_fit() {
    let pem = encrypted("-v2 aes-128-cbc -v2prf hmacWithSHA1 -iter 1");
    // One in 256 fits by chance: of two thousand some do.
    for number in 0..2000 {
        let wrong = format!("wrong {number}");
        let error = PrivateKey::from_pem(&pem, Some(wrong.as_bytes())).unwrap_err();
        assert_eq!(error, KeyError::WrongPassphrase, "{wrong}");
    }
}

#[test]
fn other_ways_of_encryption_are_named() {
    let cases = [
        ("-v1 PBE-SHA1-3DES", "the PBE of PKCS#12"),
        (
            "-v1 PBE-MD5-DES -provider legacy -provider default",
            "PBES1",
        ),
        ("-scrypt -scrypt_N 16 -scrypt_r 8 -scrypt_p 1", "scrypt"),
        ("-v2 des3", "3DES"),
        ("-v2 camellia128", "the cipher 1.2.392.200011.61.1.1.1.2"),
        (
            "-v2 aes-256-cbc -v2prf hmacWithSHA224",
            "PBKDF2 with HMAC-SHA224",
        ),
        (
            "-v2 aes-256-cbc -v2prf hmacWithSHA512-256",
            "PBKDF2 with the function 1.2.840.113549.2.13",
        ),
    ];
    for (options, scheme) in cases {
        let error = read(&encrypted(options)).unwrap_err();
        assert_eq!(
            error,
            KeyError::UnsupportedEncryption(scheme.into()),
            "{options}"
        );
    }
}

#[test]
fn the_legacy_pem_form_is_named_with_or_without_a_passphrase() {
    let pem = run("openssl ec -aes256 -passout pass:x 2>/dev/null", &key());
    assert!(pem.starts_with(b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"));
    let expected =
        KeyError::UnsupportedEncryption("the legacy PEM form (Proc-Type: 4,ENCRYPTED)".into());
    assert_eq!(read(&pem), Err(expected.clone()));
    assert_eq!(PrivateKey::from_pem(&pem, None).unwrap_err(), expected);
}

#[test]
fn the_command_in_the_error_converts_what_is_not_supported() {
    let legacy = run(
        "openssl ec -aes256 -passout 'pass:correct horse' 2>/dev/null",
        &key(),
    );
    for pem in [
        legacy,
        encrypted("-scrypt -scrypt_N 16 -scrypt_r 8 -scrypt_p 1"),
        encrypted("-v1 PBE-SHA1-3DES"),
    ] {
        let message = read(&pem).unwrap_err().to_string();
        let command = message.split('\'').nth(1).unwrap();
        let command = command
            .replace("OLD.key", "/dev/stdin")
            .replace("NEW.key", "/dev/stdout");
        let script =
            format!("{command} -passin 'pass:correct horse' -passout 'pass:correct horse'");
        assert_eq!(read(&run(&script, &pem)), Ok(KeyAlgorithm::EcdsaP256));
    }
}

/// The members of PBES2 in a key of OpenSSL's, to be put together anew.
struct Parts {
    salt: Vec<u8>,
    iterations: Vec<u8>,
    function: Vec<u8>,
    cipher: Vec<u8>,
    data: Vec<u8>,
}

impl Parts {
    fn new() -> Self {
        let pem = encrypted("-v2 aes-256-cbc -iter 10");
        let block = pem::parse(&pem).unwrap().remove(0);
        let raw = |element: &Element<'_>| element.raw.to_vec();
        let outer = der::sequence_members(&block.der).unwrap();
        let scheme = der::children(outer[0].content).unwrap();
        let pbes2 = der::children(scheme[1].content).unwrap();
        let derivation = der::children(pbes2[0].content).unwrap();
        let pbkdf2 = der::children(derivation[1].content).unwrap();
        Self {
            salt: raw(&pbkdf2[0]),
            iterations: raw(&pbkdf2[1]),
            function: raw(&pbkdf2[2]),
            cipher: raw(&pbes2[1]),
            data: raw(&outer[1]),
        }
    }

    fn read(&self) -> Result<KeyAlgorithm, KeyError> {
        self.read_with(&self.function)
    }

    fn read_with(&self, options: &[u8]) -> Result<KeyAlgorithm, KeyError> {
        let pbkdf2 = der::sequence(&[&self.salt, &self.iterations, options]);
        let pbkdf2 = der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 5, 12]), &pbkdf2]);
        let pbes2 = der::sequence(&[&pbkdf2, &self.cipher]);
        self.read_scheme(&[&der::oid(&[1, 2, 840, 113_549, 1, 5, 13]), &pbes2])
    }

    fn read_scheme(&self, scheme: &[&[u8]]) -> Result<KeyAlgorithm, KeyError> {
        let key = der::sequence(&[&der::sequence(scheme), &self.data]);
        read(pem::encode(Label::EncryptedPrivateKey, &key).as_bytes())
    }
}

fn damaged(reason: &str) -> Result<KeyAlgorithm, KeyError> {
    Err(KeyError::Malformed(format!(
        "the encrypted key is damaged: {reason}"
    )))
}

#[test]
fn a_key_length_in_pbkdf2_must_fit_the_cipher() {
    let parts = Parts::new();
    assert_eq!(parts.read(), Ok(KeyAlgorithm::EcdsaP256));
    let with = |length| [&[2, 1, length], parts.function.as_slice()].concat();
    assert_eq!(parts.read_with(&with(32)), Ok(KeyAlgorithm::EcdsaP256));
    assert_eq!(
        parts.read_with(&with(16)),
        damaged("PBKDF2 makes a key that does not fit the cipher")
    );
}

#[test]
fn the_iteration_count_is_bounded() {
    let mut parts = Parts::new();
    let too_many = Err(KeyError::UnsupportedEncryption(
        "PBKDF2 of more than 10000000 iterations".into(),
    ));
    for count in [vec![0, 0x98, 0x96, 0x81], vec![0x7f; 4], vec![0x7f; 9]] {
        parts.iterations = der::tlv(der::INTEGER, &count);
        assert_eq!(parts.read(), too_many);
    }
    parts.iterations = der::tlv(der::INTEGER, &[0]);
    assert_eq!(parts.read(), damaged("the iteration count is zero"));
    parts.iterations = der::tlv(der::INTEGER, &[0xff]);
    assert_eq!(
        parts.read(),
        Err(KeyError::Malformed("an INTEGER is negative".into()))
    );
}

#[test]
fn damaged_encrypted_keys_are_refused_with_the_reason() {
    let pbes2 = der::oid(&[1, 2, 840, 113_549, 1, 5, 13]);
    let pbkdf2 = der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 5, 12])]);
    let parts = Parts::new();
    let with = |parameters: &[&[u8]]| parts.read_scheme(&[&pbes2, &der::sequence(parameters)]);
    assert_eq!(
        parts.read_scheme(&[&pbes2]),
        damaged("PBES2 lacks its parameters")
    );
    assert_eq!(parts.read_scheme(&[]), damaged("an algorithm is not named"));
    assert_eq!(with(&[]), damaged("PBES2 has not two parameters"));
    assert_eq!(
        with(&[&pbkdf2, &parts.cipher]),
        damaged("PBKDF2 lacks its parameters")
    );
    let empty = der::sequence(&[
        &der::oid(&[1, 2, 840, 113_549, 1, 5, 12]),
        &der::sequence(&[]),
    ]);
    assert_eq!(
        with(&[&empty, &parts.cipher]),
        damaged("PBKDF2 lacks salt or iteration count")
    );
    let foreign = der::sequence(&[&der::oid(&[1, 2, 3])]);
    let unsupported = |scheme: &str| Err(KeyError::UnsupportedEncryption(scheme.into()));
    assert_eq!(
        with(&[&foreign, &parts.cipher]),
        unsupported("the key derivation 1.2.3")
    );
    assert_eq!(
        parts.read_scheme(&[&der::oid(&[1, 2, 3])]),
        unsupported("the scheme 1.2.3")
    );
}

#[test]
fn damaged_data_and_ivs_are_refused_with_the_reason() {
    let mut parts = Parts::new();
    let whole = parts.data.clone();
    for length in [0, 15] {
        parts.data = der::tlv(der::OCTET_STRING, &vec![0; length]);
        assert_eq!(parts.read(), damaged("its data is cut short"));
    }
    parts.data = whole;
    parts.cipher = der::sequence(&[
        &der::oid(&[2, 16, 840, 1, 101, 3, 4, 1, 42]),
        &der::tlv(der::OCTET_STRING, &[0; 8]),
    ]);
    assert_eq!(parts.read(), damaged("the cipher lacks an IV of 16 octets"));
    let short = der::sequence(&[&der::sequence(&[])]);
    let error = read(pem::encode(Label::EncryptedPrivateKey, &short).as_bytes());
    assert_eq!(error, damaged("its outermost SEQUENCE has not two members"));
}
