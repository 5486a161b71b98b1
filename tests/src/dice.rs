//! Random choices of a test that a printed seed repeats.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read as _, Write as _};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose when to pull the plug.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The choices that belong to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Seeded by `OTPOST_SEED` where it is set, otherwise by the system; says which seed it was.
    ///
    /// # Panics
    /// When `OTPOST_SEED` is no number.
    #[must_use]
    pub fn cast(test: &str) -> Self {
        let seed = match std::env::var("OTPOST_SEED") {
            Ok(seed) => seed.parse().expect("OTPOST_SEED is a decimal number"),
            Err(_) => {
                let mut octets = [0; 8];
                File::open("/dev/urandom")
                    .and_then(|mut file| file.read_exact(&mut octets))
                    .expect("random octets");
                u64::from_le_bytes(octets)
            }
        };
        let _ = writeln!(std::io::stderr(), "{test}: OTPOST_SEED={seed}");
        Self(seed)
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    ///
    /// # Panics
    /// When `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Sixteen octets.
    pub fn octets(&mut self) -> [u8; 16] {
        (u128::from(self.roll()) << 64 | u128::from(self.roll())).to_le_bytes()
    }
}
