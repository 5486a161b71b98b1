//! E-mail: addresses, how mail leaves, and what it says. Sending is the shell's.
//!
//! Entry points: [`Address::parse`], [`Settings::check`], [`text::render`].

pub mod address;
pub mod queue;
pub mod settings;
pub mod text;

pub use address::{Address, BadAddress, Sender};
pub use settings::{BadSettings, Security, Settings};
pub use text::{By, Context, Lang, Letter, Notice, Rendered, render};
