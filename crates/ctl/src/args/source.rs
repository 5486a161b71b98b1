use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// Verbs of `source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Make a source.
    Add {
        /// Call the source this.
        name: String,
        /// Choose what it is.
        #[arg(long, value_enum)]
        kind: SourceKind,
        /// Read its settings from this TOML file, or with `-` from standard input.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Replace the settings of a source.
    Set {
        /// Name the source.
        name: String,
        /// Read all its settings, passwords too, from this TOML file, or with `-` from standard input.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// List all sources with their settings, without passwords.
    List,
    /// Delete a source that no RADIUS client asks.
    Remove {
        /// Name the source.
        name: String,
    },
    /// Have a source check a password and show what it said; exit status 1 if the password does not pass.
    Test {
        /// Name the source.
        name: String,
        /// Write the login as somebody would type it.
        user: String,
        /// Read the password from this file, or with `-` from standard input; otherwise it is asked for.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceKind {
    /// A directory: LDAP or Active Directory.
    Ldap,
    /// A RADIUS server.
    Radius,
}
