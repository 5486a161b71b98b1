use clap::{Subcommand, ValueEnum};

/// Verbs of `token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Assign a phone to a user; it counts as unverified until its first right code.
    Add {
        /// Name the owner by login or alias.
        user: String,
        /// Write the number with + and country code, or `-` to read it from standard input; other users of this
        /// machine can see an argument in the process list.
        #[arg(allow_hyphen_values = true)]
        phone: String,
        /// Call the token this; otherwise it gets an automatic name.
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Send codes of this many digits; otherwise as the resource says.
        #[arg(long, value_parser = clap::value_parser!(u8).range(6..=8))]
        digits: Option<u8>,
        /// Guard this resource; may be repeated; otherwise all that the user is bound to.
        #[arg(long, value_name = "NAME")]
        resource: Vec<String>,
    },
    /// List the tokens of a user, with their ids.
    List {
        /// Name the owner by login or alias.
        user: String,
    },
    /// List the tokens of all users in order of login, with their ids.
    Find {
        /// Only those whose owner's login contains this text.
        search: Option<String>,
        /// Only those that guard this resource.
        #[arg(long, value_name = "NAME")]
        resource: Option<String>,
    },
    /// Change a token; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["name", "status"]))]
    Set {
        /// Name the token by its id.
        token: String,
        /// Call it this.
        #[arg(long)]
        name: Option<String>,
        /// Set its status.
        #[arg(long, value_enum)]
        status: Option<TokenStatus>,
    },
    /// Let a token give codes again.
    Enable {
        /// Name the token by its id.
        token: String,
    },
    /// Switch a token off; whether its user gets in then is the resource's choice.
    Disable {
        /// Name the token by its id.
        token: String,
    },
    /// Block a token; its user is denied.
    Block {
        /// Name the token by its id.
        token: String,
    },
    /// Delete a token.
    Remove {
        /// Name the token by its id.
        token: String,
    },
}

/// What a token may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenStatus {
    /// It guards its resources.
    Active,
    /// It is switched off.
    Disabled,
    /// Its user is denied.
    Blocked,
}

impl TokenStatus {
    /// As the daemon names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Blocked => "blocked",
        }
    }
}
