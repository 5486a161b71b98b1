//! Settings that are there once: mail, portal and console.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs of `mail`.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Show how mail leaves, what waits, and what went wrong last.
    Show,
    /// Change how mail leaves; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args([
        "host", "off", "port", "security", "user", "no_user", "password", "password_file", "no_password", "from",
        "ca_file", "no_ca",
    ]))]
    Set(Box<MailOptions>),
    /// Send a test mail and show what the server says.
    Test {
        /// Send it to this address.
        to: String,
    },
}

/// How mail leaves.
#[derive(Debug, Default, Args)]
pub struct MailOptions {
    /// Hand mail to this SMTP server.
    #[arg(long, value_name = "HOST", conflicts_with = "off")]
    pub host: Option<String>,
    /// Switch mail off.
    #[arg(long)]
    pub off: bool,
    /// Connect to this port; 0 for the usual one.
    #[arg(long, value_name = "NUMBER")]
    pub port: Option<u16>,
    /// Protect the connection so; none is for a server on this machine.
    #[arg(long, value_name = "starttls|tls|none", value_parser = ["starttls", "tls", "none"])]
    pub security: Option<String>,
    /// Sign in to the server as this user.
    #[arg(long, value_name = "NAME", conflicts_with = "no_user")]
    pub user: Option<String>,
    /// Sign in without a user.
    #[arg(long)]
    pub no_user: bool,
    /// Ask for the server's password twice on the terminal.
    #[arg(long, conflicts_with_all = ["password_file", "no_password"])]
    pub password: bool,
    /// Read the server's password from the first line of this file, or with `-` from standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    pub password_file: Option<PathBuf>,
    /// Forget the server's password.
    #[arg(long)]
    pub no_password: bool,
    /// Send as this, such as `otpost <otpost@example.com>`.
    #[arg(long, value_name = "SENDER")]
    pub from: Option<String>,
    /// Trust the certificate authority in this PEM file too, or with `-` in standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "no_ca")]
    pub ca_file: Option<PathBuf>,
    /// Trust only the authorities that the system trusts.
    #[arg(long)]
    pub no_ca: bool,
}

/// Verbs of `portal`.
#[derive(Debug, Subcommand)]
pub enum PortalCommand {
    /// Show the settings of portal and console.
    Show,
    /// Change settings of portal and console; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
        .args(["url", "console_url", "email_codes"]))]
    Set {
        /// Say where people reach the portal, such as `https://login.example.com`.
        #[arg(long)]
        url: Option<String>,
        /// Say where administrators reach the console.
        #[arg(long, value_name = "URL")]
        console_url: Option<String>,
        /// Let people without password sign in by a code from an e-mail.
        #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
        email_codes: Option<bool>,
    },
}

/// What the overview covers.
#[derive(Debug, Args)]
pub struct OverviewOptions {
    /// Look back this many hours, at most 720.
    #[arg(long, value_name = "COUNT", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub hours: u32,
    /// Show this resource only.
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
}
