use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Octets that were computed with a secret. There is deliberately no `PartialEq`: [`Computed::matches`], in
/// constant time, is the only way to compare them with what came over the network.
pub(crate) struct Computed<const N: usize>(Zeroizing<[u8; N]>);

impl<const N: usize> Computed<N> {
    pub(crate) fn new(octets: [u8; N]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// Whether `value` is the same, of the same length.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        self.0.as_slice().ct_eq(value).into()
    }

    /// To be written into a packet of our own.
    pub(crate) fn octets(&self) -> &[u8; N] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Computed;

    #[test]
    fn s35_compares_every_octet_and_the_length() {
        let computed = Computed::new([0x5a; 16]);
        assert!(computed.matches(&[0x5a; 16]));
        for at in 0..16 {
            for bit in 0..8 {
                let mut other = [0x5a; 16];
                other[at] ^= 1 << bit;
                assert!(!computed.matches(&other), "octet {at}, bit {bit}");
            }
        }
        assert!(!computed.matches(&[0x5a; 15]));
        assert!(!computed.matches(&[0x5a; 17]));
        assert!(!computed.matches(&[]));
    }
}
