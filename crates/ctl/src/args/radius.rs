use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use otpost_ipc::radius::MessageAuthenticator;

/// Verbs of `radius`.
#[derive(Debug, Subcommand)]
pub enum RadiusCommand {
    /// Manage the VPNs that may ask.
    #[command(subcommand)]
    Client(ClientCommand),
    /// List the connections that VPNs account for.
    Sessions {
        /// Only of this user.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// List those that ended too.
        #[arg(long)]
        ended: bool,
        /// List at most so many, 1 to 200.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Log in over RADIUS from here, as a VPN would, and show what comes back.
    Test(RadiusTest),
}

/// Verbs of `radius client`.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client and show its shared secret, which is generated unless given.
    Add {
        /// Call the client this; people see the name in their texts.
        name: String,
        /// Accept its packets from this address or network; may be repeated.
        #[arg(long, value_name = "ADDRESS[/BITS]", required = true)]
        network: Vec<String>,
        /// Name the resource it protects.
        #[arg(long, value_name = "NAME")]
        resource: String,
        /// Its settings.
        #[command(flatten)]
        options: Box<ClientOptions>,
    },
    /// Change a client; what is not named stays.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args([
        "network", "resource", "secret", "secret_file", "message_authenticator", "first_factor",
        "nas", "flow", "separator", "no_separator", "limit_proxy_state", "hide_first_factor", "echo", "prompt_length", "source", "eap",
        "accounting", "reply", "no_reply",
    ]))]
    Set {
        /// Name the client.
        name: String,
        /// Replace its networks; may be repeated.
        #[arg(long, value_name = "ADDRESS[/BITS]")]
        network: Vec<String>,
        /// Name the resource it protects from now on.
        #[arg(long, value_name = "NAME")]
        resource: Option<String>,
        /// Its settings.
        #[command(flatten)]
        options: Box<ClientOptions>,
    },
    /// Show all settings of a client, and whether it sends Message-Authenticator.
    Show {
        /// Name the client.
        name: String,
    },
    /// List all clients, without their secrets, and which of them send no Message-Authenticator.
    List,
    /// Delete a client; its packets get no answer from then on.
    Remove {
        /// Name the client.
        name: String,
    },
}

/// Settings of a RADIUS client.
#[derive(Debug, Default, Args)]
pub struct ClientOptions {
    /// Ask for a shared secret twice on the terminal.
    #[arg(long, conflicts_with = "secret_file")]
    pub secret: bool,
    /// Read the shared secret from the first line of this file, or with `-` from standard input.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Accept a shared secret of fewer than 16 characters.
    #[arg(long)]
    pub weak_secret: bool,
    /// Drop requests without Message-Authenticator (require), from the first on that has one (auto), or never (off).
    #[arg(long, value_enum, value_name = "RULE")]
    pub message_authenticator: Option<MacRule>,
    /// Let otpost check the password (local), trust that the VPN did (stack), or ask sources in order (`local,ldap:corp`).
    #[arg(long, value_name = "WHO")]
    pub first_factor: Option<String>,
    /// Take over the habits of a product; `none` forgets it.
    #[arg(long, value_name = "PRODUCT", value_parser = [
        "fortigate", "paloalto", "asa", "openvpn", "strongswan", "ocserv", "mikrotik", "pfsense", "netscaler", "none",
    ])]
    pub nas: Option<String>,
    /// Ask for the code in a challenge, or in the password field.
    #[arg(long, value_name = "FLOW", value_parser = ["challenge", "append", "two-pass", "code-only"])]
    pub flow: Option<String>,
    /// Expect this character between password and code.
    #[arg(long, value_name = "CHARACTER", conflicts_with = "no_separator")]
    pub separator: Option<String>,
    /// Expect the code right behind the password.
    #[arg(long)]
    pub no_separator: bool,
    /// Drop requests that came through a proxy without Message-Authenticator.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub limit_proxy_state: Option<bool>,
    /// Answer a wrong password with a challenge too, without a text.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub hide_first_factor: Option<bool>,
    /// Let the code be seen while it is typed.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub echo: Option<bool>,
    /// Keep prompts within this many octets, 20 to 253.
    #[arg(long, value_name = "OCTETS", value_parser = clap::value_parser!(u16).range(20..=253))]
    pub prompt_length: Option<u16>,
    /// Trust this attribute to hold the address of the person's device.
    #[arg(long, value_name = "ATTRIBUTE", value_parser = [
        "none", "calling-station-id", "tunnel-client-endpoint", "framed-ip-address",
    ])]
    pub source: Option<String>,
    /// Answer EAP-GTC, which IKEv2 needs.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub eap: Option<bool>,
    /// Store and answer accounting.
    #[arg(long, value_name = "yes|no", value_parser = super::yes_no())]
    pub accounting: Option<bool>,
    /// Send this attribute with every Access-Accept, such as `Class = staff`; may be repeated.
    #[arg(long, value_name = "ATTRIBUTE = VALUE", conflicts_with = "no_reply")]
    pub reply: Vec<String>,
    /// Send no attributes of this client's own.
    #[arg(long)]
    pub no_reply: bool,
}

/// What a client must do about Message-Authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MacRule {
    /// A request without it gets no answer.
    Require,
    /// It may be absent until the first that has one.
    Auto,
    /// It may be absent; a wrong one still gets no answer.
    Off,
}

impl From<MacRule> for MessageAuthenticator {
    fn from(rule: MacRule) -> Self {
        match rule {
            MacRule::Require => Self::Require,
            MacRule::Auto => Self::Auto,
            MacRule::Off => Self::Off,
        }
    }
}

/// How a password or code goes over RADIUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// User-Password, hidden with the shared secret.
    Pap,
    /// CHAP-Password: a proof, which a server can only check against what it knows in clear.
    Chap,
    /// MS-CHAP2-Response: the same, and the server proves itself in turn.
    Mschapv2,
    /// EAP with Generic Token Card, as IKEv2 servers send it.
    EapGtc,
}

/// A login over RADIUS from the command line.
#[derive(Debug, Args)]
pub struct RadiusTest {
    /// Log in as this user.
    #[arg(required_unless_present = "status")]
    pub user: Option<String>,
    /// Only ask whether the server is there.
    #[arg(long, conflicts_with_all = ["user", "method", "password_file", "without_message_authenticator"])]
    pub status: bool,
    /// Send password and code this way.
    #[arg(long, value_enum, value_name = "METHOD", default_value = "pap")]
    pub method: Method,
    /// Send to this server; the port is 1812 unless given.
    #[arg(long, value_name = "HOST[:PORT]", default_value = "127.0.0.1")]
    pub server: String,
    /// Read the shared secret from this file, or with `-` from standard input; otherwise it is asked for.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Read the password from this file, or with `-` from standard input; otherwise it is asked for.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Send this as Calling-Station-Id, the address of the person's device.
    #[arg(long, value_name = "TEXT")]
    pub calling_station_id: Option<String>,
    /// Send this as NAS-Identifier.
    #[arg(long, value_name = "TEXT", default_value = "otpostctl")]
    pub nas_identifier: String,
    /// Wait this long for an answer before sending again.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = timeout)]
    pub timeout: u32,
    /// Send each request at most this many times.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub tries: u32,
    /// Send no Message-Authenticator and demand none, as old equipment does.
    #[arg(long)]
    pub without_message_authenticator: bool,
}

fn timeout(text: &str) -> Result<u32, String> {
    super::seconds_within(text, 1, 60)
}
