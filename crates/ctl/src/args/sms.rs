use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Verbs of `sms`.
#[derive(Debug, Subcommand)]
pub enum SmsCommand {
    /// Manage the providers that carry texts.
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Send a test text and show what the provider said; exit status 1 if it was not accepted.
    SendTest {
        /// Write the number with + and country code, or `-` to read it from standard input; other users of this
        /// machine can see an argument in the process list.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// Send through this provider only.
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
    /// Stop all sending at once, until resumed.
    Pause,
    /// Send again after a pause.
    Resume,
    /// Show the countries that texts may go to, or set them.
    Countries {
        /// Set the list, two letters each with commas between, or `none`.
        #[arg(value_name = "LIST", conflicts_with_all = ["add", "remove"])]
        list: Option<String>,
        /// Allow these countries too.
        #[arg(long, value_name = "LIST")]
        add: Option<String>,
        /// Allow these countries no longer.
        #[arg(long, value_name = "LIST")]
        remove: Option<String>,
    },
    /// Show how many texts may be sent, or change it.
    Limits(SmsLimits),
    /// List the newest texts, never their words.
    Messages {
        /// Show this many.
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        lines: u32,
    },
}

/// Verbs of `sms provider`.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Make a provider.
    Add(ProviderAdd),
    /// List all providers in order of priority, without credentials.
    List,
    /// Switch a provider on or off, or change its place.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["enabled", "priority"]))]
    Set {
        /// Name the provider.
        name: String,
        /// Use it at all.
        #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
        enabled: Option<bool>,
        /// Ask it in this order, lower first.
        #[arg(long, value_name = "NUMBER")]
        priority: Option<u32>,
    },
    /// Delete a provider.
    Remove {
        /// Name the provider.
        name: String,
    },
}

/// A new provider.
#[derive(Debug, Args)]
pub struct ProviderAdd {
    /// Call the provider this.
    pub name: String,
    /// Choose how it is spoken to.
    #[arg(long, value_enum)]
    pub kind: ProviderKind,
    /// Read the gateway's description from this TOML file, or with `-` from standard input.
    #[arg(
        long,
        value_name = "FILE",
        required_if_eq("kind", "http"),
        conflicts_with = "path"
    )]
    pub config: Option<PathBuf>,
    /// Append texts to this file.
    #[arg(long, value_name = "FILE", required_if_eq("kind", "file"))]
    pub path: Option<PathBuf>,
    /// Ask it in this order, lower first.
    #[arg(long, value_name = "NUMBER")]
    pub priority: Option<u32>,
    /// Show this sender to recipients.
    #[arg(long, value_name = "SENDER", default_value = "", hide_default_value = true)]
    pub sender: String,
}

/// Kinds of providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProviderKind {
    /// An HTTP gateway, described by a TOML file.
    Http,
    /// A file of JSON lines; development only, it holds readable codes.
    File,
}

/// What may be sent; counts are texts.
#[derive(Debug, Default, Args)]
pub struct SmsLimits {
    /// Allow this many to one number in an hour.
    #[arg(long, value_name = "COUNT")]
    pub number_hour: Option<u32>,
    /// Allow this many to one number in a day.
    #[arg(long, value_name = "COUNT")]
    pub number_day: Option<u32>,
    /// Allow this many for one user in an hour.
    #[arg(long, value_name = "COUNT")]
    pub user_hour: Option<u32>,
    /// Allow this many for one user in a day.
    #[arg(long, value_name = "COUNT")]
    pub user_day: Option<u32>,
    /// Keep this many of the user's hourly texts for places the user logged in from before.
    #[arg(long, value_name = "COUNT")]
    pub user_reserve: Option<u32>,
    /// Allow this many for one source network in an hour.
    #[arg(long, value_name = "COUNT")]
    pub source_hour: Option<u32>,
    /// Allow this many for one source network in a day.
    #[arg(long, value_name = "COUNT")]
    pub source_day: Option<u32>,
    /// Allow this many in all in a minute.
    #[arg(long, value_name = "COUNT")]
    pub all_minute: Option<u32>,
    /// Allow this many in all in a day.
    #[arg(long, value_name = "COUNT")]
    pub all_day: Option<u32>,
    /// Allow texts to Voice-over-IP numbers.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub voip: Option<bool>,
}
