//! The role sockets: who may connect, what they may ask, how it is answered.

mod granted;
mod listen;
mod map;
mod pam;
mod portal;
mod process;
mod proof;
mod radius;

pub(crate) use map::{authenticator, authenticator_of};

pub use listen::{ListenError, Sockets};
