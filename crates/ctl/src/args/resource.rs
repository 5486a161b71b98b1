use clap::{Args, Subcommand, ValueEnum};

use super::SelfServiceOptions;

/// Verbs of `resource`.
#[derive(Debug, Subcommand)]
pub enum ResourceCommand {
    /// Make a resource; what is not named has its default.
    Add {
        /// Call the resource this.
        name: String,
        /// Its settings.
        #[command(flatten)]
        options: Box<ResourceOptions>,
    },
    /// Change a resource; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args([
        "rename", "enabled", "failed_attempts", "tries", "digits", "validity", "unenrolled", "disabled_token",
        "pam_service", "without_pam_service", "no_pam_services", "shared_phones", "region", "no_region",
        "self_service_address", "no_self_service", "allow", "kinds", "otp_length", "one_step", "two_steps",
        "first_enrolment", "enrol_days", "title", "accent", "hint",
        "allow_network", "allow_everywhere", "hours", "any_time", "time_zone", "exempt_network", "exempt_user", "exempt_group", "no_exemptions",
        "remember", "reply", "no_reply",
    ]))]
    Set {
        /// Name the resource.
        name: String,
        /// Call it this from now on.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// Guard this PAM service no longer; may be repeated.
        #[arg(long, value_name = "SERVICE", conflicts_with = "no_pam_services")]
        without_pam_service: Vec<String>,
        /// Its settings.
        #[command(flatten)]
        options: Box<ResourceOptions>,
    },
    /// Show a resource, with the full address of its portal.
    Show {
        /// Name the resource.
        name: String,
    },
    /// List all resources.
    List,
    /// Delete a resource; logins through it are denied from then on.
    Remove {
        /// Name the resource.
        name: String,
    },
}

/// Settings of a resource.
#[derive(Debug, Default, Args)]
pub struct ResourceOptions {
    /// Accept logins at all.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub enabled: Option<bool>,
    /// Lock a user after this many wrong codes, 3 to 10.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(3..=10))]
    pub failed_attempts: Option<u32>,
    /// End a login after this many wrong codes, 1 to 10.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub tries: Option<u32>,
    /// Send codes of this many digits, 6 to 8.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(6..=8))]
    pub digits: Option<u8>,
    /// Accept a code for this long, 60s to 10m.
    #[arg(long, value_name = "DURATION", value_parser = validity)]
    pub validity: Option<u32>,
    /// Choose what happens to users without a token.
    #[arg(long, value_enum, value_name = "deny|allow")]
    pub unenrolled: Option<Verdict>,
    /// Choose what happens to users whose token is disabled.
    #[arg(long, value_enum, value_name = "deny|allow")]
    pub disabled_token: Option<Verdict>,
    /// Guard this PAM service too, or with `*` all that no other resource guards; may be repeated.
    #[arg(long, value_name = "SERVICE", conflicts_with = "no_pam_services")]
    pub pam_service: Vec<String>,
    /// Guard no PAM service.
    #[arg(long)]
    pub no_pam_services: bool,
    /// Allow two tokens with the same number.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub shared_phones: Option<bool>,
    /// Read numbers without country code as numbers of this country, two letters.
    #[arg(long, value_name = "COUNTRY", conflicts_with = "no_region")]
    pub region: Option<String>,
    /// Refuse numbers without country code.
    #[arg(long)]
    pub no_region: bool,
    /// Settings of its portal.
    #[command(flatten)]
    pub self_service: SelfServiceOptions,
    /// Its rules.
    #[command(flatten)]
    pub access: AccessOptions,
}

/// Rules of a resource: who gets in without a code, and who not at all.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct AccessOptions {
    /// Let logins in from this network only; may be repeated.
    #[arg(long, value_name = "ADDRESS[/BITS]", conflicts_with = "allow_everywhere")]
    pub allow_network: Vec<String>,
    /// Let logins in from everywhere.
    #[arg(long)]
    pub allow_everywhere: bool,
    /// Let logins in at these hours only, such as `mon-fri 07:00-19:00`; may be repeated.
    #[arg(long, value_name = "DAYS HH:MM-HH:MM", conflicts_with = "any_time")]
    pub hours: Vec<String>,
    /// Let logins in at all hours.
    #[arg(long)]
    pub any_time: bool,
    /// Read hours in this time zone, such as Europe/Berlin; empty for the daemon's own.
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Ask for no code from this network; may be repeated. With any of the exempt options, all three lists are replaced.
    #[arg(long, value_name = "ADDRESS[/BITS]", conflicts_with = "no_exemptions")]
    pub exempt_network: Vec<String>,
    /// Ask this user for no code; may be repeated.
    #[arg(long, value_name = "USER", conflicts_with = "no_exemptions")]
    pub exempt_user: Vec<String>,
    /// Ask members of this group for no code; may be repeated.
    #[arg(long, value_name = "GROUP", conflicts_with = "no_exemptions")]
    pub exempt_group: Vec<String>,
    /// Ask everybody for a code.
    #[arg(long)]
    pub no_exemptions: bool,
    /// Ask for no further code from the same device for this long, at most 24h; 0 for every time.
    #[arg(long, value_name = "DURATION", value_parser = remember)]
    pub remember: Option<u32>,
    /// Send this attribute with Access-Accept: `Class = staff`, `user alice: ...`, `group admins: ...`; may be repeated.
    #[arg(long, value_name = "[WHOSE:] ATTRIBUTE = VALUE", conflicts_with = "no_reply")]
    pub reply: Vec<String>,
    /// Send no attributes.
    #[arg(long)]
    pub no_reply: bool,
}

/// What happens to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verdict {
    /// Keep out.
    Deny,
    /// Let in by password alone.
    Allow,
}

impl Verdict {
    /// As the daemon names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

/// Minutes for which a code holds; a duration of full minutes, or 0.
fn remember(text: &str) -> Result<u32, String> {
    if text == "0" {
        return Ok(0);
    }
    let seconds = super::seconds_within(text, 60, 24 * 3600)?;
    if seconds % 60 == 0 {
        Ok(seconds / 60)
    } else {
        Err("write full minutes, such as 8h or 90m".to_owned())
    }
}

fn validity(text: &str) -> Result<u32, String> {
    super::seconds_within(text, 60, 600)
}
