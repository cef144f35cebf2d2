//! Serial numbers (RFC 5280, 4.1.2.2).

use std::fmt;

use anyhow::Context as _;

use crate::der;

/// A serial number: the magnitude without leading zeros. Zero, which old roots carry, has no octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// A new serial number from random octets: positive, 20 octets at most, 159 random bits.
    pub fn new(mut random: [u8; 20]) -> Self {
        // The top bit is the sign; with it set, the encoding would need a 21st octet.
        random[0] &= 0x7f;
        if random == [0; 20] {
            random[19] = 1;
        }
        Self::trimmed(&random)
    }

    /// From the content of an INTEGER. A negative one is an error, one over 20 octets is not: such certificates exist.
    pub fn from_der_content(content: &[u8]) -> anyhow::Result<Self> {
        let magnitude = der::positive_integer(content).context("read serial number")?;
        Ok(Self::trimmed(magnitude))
    }

    /// The magnitude, big-endian, without leading zeros.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of significant bits.
    pub fn bits(&self) -> usize {
        der::bit_length(&self.0)
    }

    /// In decimal digits, as Go writes it.
    pub fn decimal(&self) -> String {
        // The least digit first: no integer of the language is as large.
        let mut digits = vec![0_u32];
        for octet in &self.0 {
            let mut carry = u32::from(*octet);
            for digit in &mut digits {
                let sum = *digit * 256 + carry;
                (*digit, carry) = (sum % 10, sum / 10);
            }
            while carry > 0 {
                digits.push(carry % 10);
                carry /= 10;
            }
        }
        let digits = digits.iter().rev();
        digits
            .filter_map(|digit| char::from_digit(*digit, 10))
            .collect()
    }

    fn trimmed(magnitude: &[u8]) -> Self {
        let zeros = magnitude.iter().take_while(|&&octet| octet == 0).count();
        Self(magnitude[zeros..].to_vec())
    }
}

/// Lower-case hexadecimal, two digits an octet, as `openssl x509 -serial` but for the case.
impl fmt::Display for Serial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("00");
        }
        self.0
            .iter()
            .try_for_each(|octet| write!(out, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_serial_number_is_positive_and_has_20_octets_at_most() {
        let greatest = Serial::new([0xff; 20]);
        assert_eq!((greatest.bytes().len(), greatest.bits()), (20, 159));
        assert_eq!(greatest.bytes()[0], 0x7f);
        assert_eq!(Serial::new([0; 20]).bytes(), [1]);
        let mut top_bit_only = [0; 20];
        top_bit_only[0] = 0x80;
        assert_eq!(Serial::new(top_bit_only).bytes(), [1]);
        let mut small = [0; 20];
        small[18] = 3;
        assert_eq!(
            (Serial::new(small).bytes(), Serial::new(small).bits()),
            (&[3, 0][..], 10)
        );
    }

    #[test]
    fn a_serial_number_in_decimal_is_the_same_number() {
        let decimal = |content: &[u8]| Serial::from_der_content(content).unwrap().decimal();
        assert_eq!(decimal(&[0]), "0");
        assert_eq!(decimal(&[9]), "9");
        assert_eq!(decimal(&[1, 0]), "256");
        assert_eq!(decimal(&[0x7f; 8]), "9187201950435737471");
        assert_eq!(
            decimal(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            u64::MAX.to_string()
        );
        // 2^159 - 1
        let greatest = Serial::new([0xff; 20]).decimal();
        assert_eq!(greatest, "730750818665451459101842416358141509827966271487");
    }

    #[test]
    fn serial_numbers_are_read_without_their_sign_and_shown_in_hexadecimal() {
        let read = |content: &[u8]| Serial::from_der_content(content).unwrap().to_string();
        assert_eq!(read(&[0, 0xab, 0x0c]), "ab0c");
        assert_eq!(read(&[0]), "00");
        assert_eq!(read(&[0x7f; 21]), "7f".repeat(21));
        let error = Serial::from_der_content(&[0x80]).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "read serial number: an INTEGER is negative"
        );
    }
}
