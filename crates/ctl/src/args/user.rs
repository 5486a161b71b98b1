use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
        /// Record this first name.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        first_name: String,
        /// Record this last name.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        last_name: String,
        /// Bind the user to this resource; may be repeated.
        #[arg(long, value_name = "NAME")]
        resource: Vec<String>,
        /// Put the user into this group; may be repeated.
        #[arg(long, value_name = "GROUP")]
        group: Vec<String>,
        /// Read the password from the first line of this file, or with `-` from standard input, instead of asking.
        #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
        password_file: Option<PathBuf>,
        /// Register no password: another system checks it, for example PAM.
        #[arg(long)]
        no_password: bool,
    },
    /// Change a user; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
        .args(["email", "no_email", "alias", "no_aliases", "first_name", "last_name", "group", "no_groups", "password", "password_file"]))]
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
        /// Record this first name; empty takes it away.
        #[arg(long, value_name = "NAME")]
        first_name: Option<String>,
        /// Record this last name; empty takes it away.
        #[arg(long, value_name = "NAME")]
        last_name: Option<String>,
        /// Replace all groups; may be repeated.
        #[arg(long, value_name = "GROUP", conflicts_with = "no_groups")]
        group: Vec<String>,
        /// Take the user out of all groups.
        #[arg(long)]
        no_groups: bool,
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
    /// List the users that match, in order of login.
    Find {
        /// Only those whose login, name or e-mail address contains this text.
        search: Option<String>,
        /// Only those of this resource.
        #[arg(long, value_name = "NAME")]
        resource: Option<String>,
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<UserState>,
    },
    /// List where a user is signed in to a portal.
    Sessions {
        /// Name the user by login or alias.
        user: String,
    },
    /// End all portal sessions of a user.
    SignOut {
        /// Name the user by login or alias.
        user: String,
    },
    /// List the sources from which a code of the user holds for a while.
    Remembered {
        /// Name the user by login or alias.
        user: String,
    },
    /// Ask a user for a code again where one holds for a while.
    Forget {
        /// Name the user by login or alias.
        user: String,
        /// Only at the source of this id; see `user remembered`.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Show a code for one sign-in to a portal within a day, for somebody whose phone is lost.
    OneDayCode {
        /// Name the user by login or alias.
        user: String,
    },
    /// Make new recovery codes for a user and show them; the old ones end.
    RecoveryCodes {
        /// Name the user by login or alias.
        user: String,
    },
    /// Show a link by which a user sets up a phone, good once and for 72 hours; it is mailed where there is an address.
    Invite {
        /// Name the user by login or alias.
        user: String,
        /// Name the resource.
        resource: String,
    },
    /// Make and change users from a CSV file: show what it would do, ask, then do it; exit status 1 if a line is bad.
    Import(ImportOptions),
    /// Write users as CSV, a line for each user and resource.
    Export {
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

/// A file of users, and what to do with it.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// Read this file, or with `-` standard input; its first line names the columns, of which there are login, email,
    /// phone, first-name, last-name, resource and token.
    pub file: PathBuf,
    /// Only show what would be done.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Write nothing where a line is bad; otherwise bad lines are left out.
    #[arg(long)]
    pub atomic: bool,
    /// Do it without asking.
    #[arg(short, long)]
    pub yes: bool,
    /// Show every line, not only the bad ones.
    #[arg(short, long)]
    pub verbose: bool,
}

/// What an administrator looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UserState {
    /// Locked out.
    Locked,
    /// Let in without a code for a while.
    Bypassed,
    /// Without a phone or app.
    NoToken,
    /// With neither password nor e-mail address, so that no portal can be used.
    NoWayIn,
}

impl UserState {
    /// As the daemon names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Bypassed => "bypassed",
            Self::NoToken => "no-token",
            Self::NoWayIn => "no-way-in",
        }
    }
}

fn bypass(text: &str) -> Result<u32, String> {
    super::seconds_within(text, 1, 72 * 3600)
}
