//! The one definition of nouns, verbs and options, from which flags and help come.

mod admin;
mod audit;
mod enrol;
mod radius;
mod resource;
mod self_service;
mod settings;
mod sms;
mod source;
mod token;
mod user;

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use admin::{AdminCommand, ApiKeyCommand, Rights, Role};
pub use audit::{AuditCommand, AuditQuery, When};
pub use enrol::EnrolCommand;
pub use radius::{ClientCommand, ClientOptions, MacRule, Method, RadiusCommand, RadiusTest};
pub use resource::{AccessOptions, ResourceCommand, ResourceOptions, Verdict};
pub use self_service::SelfServiceOptions;
pub use settings::{MailCommand, MailOptions, OverviewOptions, PortalCommand};
pub use sms::{ProviderAdd, ProviderCommand, ProviderKind, SmsCommand, SmsLimits};
pub use source::{SourceCommand, SourceKind};
pub use token::{TokenCommand, TokenStatus};
pub use user::{ImportOptions, NewPassword, UserCommand, UserState};

/// Where otpostd listens for administrators unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/otpost/admin.sock";

const AFTER: &str = "\
Exit status: 0 carried out, 1 refused, 2 wrong usage, 3 otpostd or the RADIUS server not reachable.
Passwords and shared secrets are never taken from the command line: they are asked for on the terminal, read from \
a file, or with `-` from the next line of standard input.";

/// Administer otpost, the second factor by text message.
#[derive(Debug, Parser)]
#[command(
    name = "otpostctl",
    version,
    propagate_version = true,
    after_help = AFTER,
    max_term_width = 100,
    infer_subcommands = false
)]
pub struct Cli {
    /// Print the daemon's answer as one line of JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Connect to otpostd at this socket.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "OTPOST_ADMIN_SOCKET",
        default_value = DEFAULT_SOCKET
    )]
    pub socket: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage the people who log in.
    #[command(subcommand)]
    User(UserCommand),
    /// Manage the phones that receive codes.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Set up a phone for somebody who reads the code out.
    #[command(subcommand)]
    Enrol(EnrolCommand),
    /// Manage what is protected: VPNs and groups of hosts.
    #[command(subcommand)]
    Resource(ResourceCommand),
    /// Manage and test VPNs that ask over RADIUS.
    #[command(subcommand)]
    Radius(RadiusCommand),
    /// Manage directories and RADIUS servers that check passwords.
    #[command(subcommand)]
    Source(SourceCommand),
    /// Manage how texts are sent, and what may be sent.
    #[command(subcommand)]
    Sms(SmsCommand),
    /// Ask how a login would go.
    #[command(subcommand)]
    Login(LoginCommand),
    /// Show version, health and totals of the daemon.
    Status,
    /// Show logins and texts of the last hours, how fast providers are, and who is locked.
    Overview(OverviewOptions),
    /// Read and check the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Manage who may use the console.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show a set-up link for the first administrator; refused once there is one.
    SetupLink,
    /// Manage the keys of programs that use the REST API.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Manage how mail leaves.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Manage where people reach portal and console.
    #[command(subcommand)]
    Portal(PortalCommand),
    /// Check configuration files.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Watch a VPN login that needs a code by text, and try the portal, on this machine, without account or phone.
    Demo(Demo),
    /// Run a program of the demonstration so that it ends with it.
    #[command(hide = true)]
    DemoChild(DemoChild),
}

/// Questions about logins.
#[derive(Debug, Subcommand)]
pub enum LoginCommand {
    /// Say how a login would go now, and why, without sending or changing anything.
    Explain(Explain),
}

/// Whose login, where.
#[derive(Debug, Args)]
pub struct Explain {
    /// Name the login as USER@SERVICE, or the user alone when SERVICE follows.
    pub user: String,
    /// Name the PAM service (sshd, sudo) or the RADIUS client.
    pub service: Option<String>,
    /// Assume that the login comes from this address.
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<IpAddr>,
    /// Say what the service is, where a RADIUS client and a PAM service have the same name.
    #[arg(long, value_enum)]
    pub channel: Option<Channel>,
}

/// Ways in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    /// A PAM service on a host.
    Pam,
    /// A RADIUS client.
    Radius,
}

impl Channel {
    /// As the daemon names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pam => "pam",
            Self::Radius => "radius",
        }
    }
}

/// Configuration files.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the files in /etc/otpost that exist, or the named ones, and show mistakes with their line.
    Check {
        /// Check this file as the daemon's configuration.
        #[arg(long, value_name = "FILE")]
        daemon: Option<PathBuf>,
        /// Check this file as the configuration of otpost-radius.
        #[arg(long, value_name = "FILE")]
        radius: Option<PathBuf>,
    },
}

/// The demonstration.
#[derive(Debug, Args)]
pub struct Demo {
    /// Show the logins and end, with exit status 1 if one went wrong.
    #[arg(long)]
    pub once: bool,
}

/// A program of the demonstration.
#[derive(Debug, Args)]
pub struct DemoChild {
    /// Process id of the demonstration.
    pub parent: i32,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<std::ffi::OsString>,
}

/// `yes` or `no`, and their usual spellings.
fn yes_no() -> clap::builder::BoolishValueParser {
    clap::builder::BoolishValueParser::new()
}

/// A duration in whole seconds within bounds, written like `90s`, `5m`, `1h`.
fn seconds_within(text: &str, least: u64, most: u64) -> Result<u32, String> {
    let seconds = text
        .parse::<otpost_conf::Duration>()
        .map_err(|error| error.to_string())?
        .get()
        .as_secs();
    u32::try_from(seconds)
        .ok()
        .filter(|_| (least..=most).contains(&seconds))
        .ok_or_else(|| {
            format!(
                "allowed are {} to {}",
                otpost_conf::Duration::from_secs(least),
                otpost_conf::Duration::from_secs(most)
            )
        })
}
