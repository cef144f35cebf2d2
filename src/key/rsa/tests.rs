use super::*;
use crate::pem;

#[test]
fn both_generators_make_keys_of_the_asked_size() {
    for size in [KeySize::Rsa2048, KeySize::Rsa3072] {
        let made = [Some(portable(size)), generated_fast(size)];
        for pair in made.into_iter().flatten() {
            let pair = pair.unwrap();
            assert_eq!(pair.public_modulus_len(), size.len());
            check(&pair).unwrap();
        }
    }
}

fn generated_fast(size: KeySize) -> Option<anyhow::Result<RsaKeyPair>> {
    fast::available().then(|| fast::generate(size))
}

#[test]
fn other_sizes_are_refused() {
    for bits in [0, 1024, 2049, 6144, 16384] {
        let error = generate(bits).unwrap_err().to_string();
        assert!(error.ends_with(&format!("not {bits}")), "{error}");
    }
}

#[test]
fn a_new_key_is_of_the_next_size_that_is_made() {
    let sizes = [2048, 2049, 3072, 3073, 4096, 4097, 6144, 8192, 8193];
    let made: Vec<Option<u32>> = sizes.into_iter().map(no_smaller).collect();
    let expected = [2048, 3072, 3072, 4096, 4096, 8192, 8192, 8192].map(Some);
    assert_eq!(made, [&expected[..], &[None]].concat());
}

/// One factor of its modulus is the product of two primes; all of its numbers fit that.
#[test]
fn a_pair_that_cannot_verify_its_signatures_is_refused() {
    let blocks = pem::blocks(include_bytes!("composite.pem")).unwrap();
    let pair = RsaKeyPair::from_der(&blocks[0].der).unwrap();
    assert!(check(&pair).is_err());
}
