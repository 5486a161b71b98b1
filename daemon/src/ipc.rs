//! The role sockets: who may connect, what they may ask, how it is answered.

mod listen;
mod map;
mod pam;
mod portal;
mod process;
mod radius;

pub(crate) use map::authenticator;

pub use listen::{ListenError, Sockets};
