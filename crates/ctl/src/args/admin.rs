use clap::{Args, Subcommand, ValueEnum};

/// Verbs of `admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Invite an administrator and show the set-up link, which is good for 24 hours.
    Add {
        /// Sign in by this name.
        login: String,
        /// Show this name in words.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        name: String,
        /// Mail the link to this address, and notices later.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// What the administrator may do, and where.
        #[command(flatten)]
        rights: Rights,
    },
    /// Change an administrator; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args([
        "name", "email", "no_email", "role", "resource", "all_resources", "lock", "unlock",
    ]))]
    Set {
        /// Name the administrator by login.
        login: String,
        /// Show this name in words.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Send notices to this address.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "no_email")]
        email: Option<String>,
        /// Take the address away.
        #[arg(long)]
        no_email: bool,
        /// Give this role; the last owner stays one.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Limit to these resources, all of them; may be repeated.
        #[arg(long, value_name = "NAME", conflicts_with = "all_resources")]
        resource: Vec<String>,
        /// Limit to no resource.
        #[arg(long)]
        all_resources: bool,
        /// Lock the administrator out; all sessions end.
        #[arg(long, conflicts_with = "unlock")]
        lock: bool,
        /// Let the administrator sign in again.
        #[arg(long)]
        unlock: bool,
    },
    /// Show a new set-up link: password, app and recovery codes are set anew, and all sessions end.
    Reset {
        /// Name the administrator by login.
        login: String,
    },
    /// List all administrators.
    List,
    /// Delete an administrator; the last owner stays.
    Remove {
        /// Name the administrator by login.
        login: String,
    },
    /// Show a set-up link for the first administrator; refused once there is one.
    SetupLink,
}

/// Verbs of `api-key`.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key for programs and show its secret once.
    Add {
        /// Call the key this.
        name: String,
        /// What the key may do, and where.
        #[command(flatten)]
        rights: Rights,
        /// End after this many days; otherwise it has no end.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
        days: Option<u32>,
    },
    /// List all keys, without their secrets.
    List,
    /// Delete a key; requests with it are refused from then on.
    Remove {
        /// Name the key.
        name: String,
    },
}

/// What somebody may do.
#[derive(Debug, Args)]
pub struct Rights {
    /// Give this role.
    #[arg(long, value_enum)]
    pub role: Role,
    /// Limit to this resource; may be repeated; otherwise all.
    #[arg(long, value_name = "NAME")]
    pub resource: Vec<String>,
}

/// Roles of administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but administrators, keys, and settings of the whole such as mail.
    Admin,
    /// See users, unlock them, let them in for a while.
    Helpdesk,
}

impl Role {
    /// As the daemon names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Helpdesk => "helpdesk",
        }
    }
}
