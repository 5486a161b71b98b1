//! `pam_otpost.so`: asks otpostd for the second factor of a login.
//!
//! The module is a terminal for the daemon: it names the user, service and remote host, shows the prompts it is
//! given, passes the answers on and returns what the daemon decided. It runs inside sshd, sudo, login and screen
//! lockers, so it starts no thread, keeps no descriptor while the user types, opens no file, and never waits past
//! its time limit.
//!
//! Deliberately absent: any list of users, any policy, any secret, any network but the daemon's local socket.
//! Account, session and password management answer PAM_IGNORE.
//!
//! Entry points: [`authenticate`] is the whole flow behind the [`Host`] trait; `sys.rs` alone talks to libpam.

mod daemon;
mod flow;
mod options;
mod sys;
mod text;

pub use flow::{Answer, ConversationFailed, Host, Item, Level, UserError, Verdict, authenticate};
pub use options::{FailMode, OptionError, Options};
