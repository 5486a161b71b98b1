//! Salts for one packet.

use crate::Salt;

/// Salts that begin anywhere and do not repeat: each hidden value of a packet needs one of its own (RFC 2868 section
/// 3.5).
#[derive(Debug, Clone)]
pub struct Salts(u16);

impl Salts {
    /// Begins at two random octets.
    #[must_use]
    pub const fn new(random: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(random))
    }

    /// The next one. The 32,769th would be the first again, and no packet holds so many.
    pub const fn draw(&mut self) -> Salt {
        let salt = Salt::new(self.0.to_be_bytes());
        self.0 = self.0.wrapping_add(1);
        salt
    }
}
