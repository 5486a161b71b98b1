use clap::Args;

/// Actions that the portal knows, and the two words for all and none of them.
const ACTIONS: [&str; 15] = [
    "all",
    "none",
    "enroll",
    "reissue",
    "assign-existing",
    "unassign",
    "rename",
    "synchronise",
    "create-password",
    "change-password",
    "change-email",
    "change-phone",
    "change-login",
    "change-names",
    "manage-sessions",
];

/// Settings of a resource's portal.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Self-service")]
pub struct SelfServiceOptions {
    /// Open the portal at this address: small letters, digits and `-`.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_self_service")]
    pub self_service_address: Option<String>,
    /// Switch the portal off.
    #[arg(long)]
    pub no_self_service: bool,
    /// Allow exactly these actions, with commas between; or `all`, or `none`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ACTIONS)]
    pub allow: Vec<String>,
    /// Let people set up exactly these, with commas between; or `none`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["sms", "totp", "recovery", "none"])]
    pub kinds: Vec<String>,
    /// Let people choose the length of their codes, or fix it.
    #[arg(long, value_name = "choice|6|8", value_parser = ["choice", "6", "8"])]
    pub otp_length: Option<String>,
    /// Take number and code on one page.
    #[arg(long, conflicts_with = "two_steps")]
    pub one_step: bool,
    /// Take number and code on two pages.
    #[arg(long)]
    pub two_steps: bool,
    /// Let people enrol their first phone after their password, or only by an invitation.
    #[arg(long, value_name = "password|invite", value_parser = ["password", "invite"])]
    pub first_enrolment: Option<String>,
    /// Let people enrol their first phone within this many days; 0 for no end.
    #[arg(long, value_name = "DAYS")]
    pub enrol_days: Option<u32>,
    /// Show this title; empty for the resource's name.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Use this colour, `#rrggbb`; empty for the usual one.
    #[arg(long, value_name = "COLOUR")]
    pub accent: Option<String>,
    /// Show this line under the user name; empty for none.
    #[arg(long, value_name = "TEXT")]
    pub hint: Option<String>,
}
