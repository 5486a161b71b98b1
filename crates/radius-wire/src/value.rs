//! Reply attributes as administrators write them, as octets, and back.
//!
//! [`Entry::parse`] takes `Name = value` and says what is wrong with it; [`check`] looks at a whole reply's worth;
//! [`Encoded::octets`] finishes the salted ones for a packet; [`show`] makes text of what came over the wire.
//!
//! Octets may be written as `0x...` for every type that is not a number. Text in quotes knows `\"`, `\\`, `\n`, `\r`,
//! `\t`, `\xHH` and `\` with three octal digits. What is not in quotes runs to the end of the line.

mod encoded;
mod entry;
mod error;
mod number;
mod octets;
mod refused;
mod salt;
mod show;
mod text;

pub use encoded::{BUDGET, Encoded, check};
pub use entry::{Entry, MAX_ENTRY};
pub use error::{EntryError, Problem, TagProblem};
pub use refused::{Refusal, once, refused};
pub use salt::Salts;
pub use show::{Shown, show};
