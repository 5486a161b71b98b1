use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs of `user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user and ask for a password.
    Add {
        /// Log in by this name.
        login: String,
        /// Let this name stand for the same user; may be repeated.
        #[arg(long, value_name = "NAME")]
        alias: Vec<String>,
        /// Send notices to this address.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Bind the user to this resource; may be repeated.
        #[arg(long, value_name = "NAME")]
        resource: Vec<String>,
        /// Read the password from the first line of this file, or with `-` from standard input, instead of asking.
        #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
        password_file: Option<PathBuf>,
        /// Register no password: another system checks it, for example PAM.
        #[arg(long)]
        no_password: bool,
    },
    /// Change a user; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
        .args(["email", "no_email", "alias", "no_aliases", "password", "password_file"]))]
    Set {
        /// Name the user by login or alias.
        user: String,
        /// Send notices to this address.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "no_email")]
        email: Option<String>,
        /// Take the address away.
        #[arg(long)]
        no_email: bool,
        /// Replace all aliases; may be repeated.
        #[arg(long, value_name = "NAME", conflicts_with = "no_aliases")]
        alias: Vec<String>,
        /// Take all aliases away.
        #[arg(long)]
        no_aliases: bool,
        /// How to give a password.
        #[command(flatten)]
        password: NewPassword,
    },
    /// Show a user with tokens.
    Show {
        /// Name the user by login or alias.
        user: String,
    },
    /// List users in order of name.
    List {
        /// Only those whose login contains this text.
        search: Option<String>,
    },
    /// Delete a user with all tokens.
    Remove {
        /// Name the user by login or alias.
        user: String,
    },
    /// Lock a user on all channels until unlocked.
    Lock {
        /// Name the user by login or alias.
        user: String,
        /// Record this reason in the audit log.
        #[arg(long, value_name = "TEXT", default_value = "locked by an administrator")]
        why: String,
    },
    /// Lift every lock of a user.
    Unlock {
        /// Name the user by login or alias.
        user: String,
    },
    /// Let a user in by password alone for a while, for example when the phone is lost.
    Bypass {
        /// Name the user by login or alias.
        user: String,
        /// End after this time, at most 72h.
        #[arg(value_name = "DURATION", default_value = "1h", value_parser = bypass)]
        duration: u32,
        /// End a bypass now.
        #[arg(long, conflicts_with = "duration")]
        off: bool,
    },
    /// Bind a user to a resource.
    Bind {
        /// Name the user by login or alias.
        user: String,
        /// Name the resource.
        resource: String,
    },
    /// Take a user out of a resource.
    Unbind {
        /// Name the user by login or alias.
        user: String,
        /// Name the resource.
        resource: String,
    },
    /// Set a user's password, asked for twice on the terminal.
    Password {
        /// Name the user by login or alias.
        user: String,
        /// Read the password from the first line of this file, or with `-` from standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Ways to give a new password; never the password itself.
#[derive(Debug, Default, Args)]
pub struct NewPassword {
    /// Ask for a password twice on the terminal.
    #[arg(long, conflicts_with = "password_file")]
    pub password: bool,
    /// Read the password from the first line of this file, or with `-` from standard input.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

fn bypass(text: &str) -> Result<u32, String> {
    super::seconds_within(text, 1, 72 * 3600)
}
