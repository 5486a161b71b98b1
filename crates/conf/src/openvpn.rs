//! openvpn.toml: the configuration of otpost-openvpn.

use std::time;

use serde::Deserialize;

use crate::{Duration, SecretFile, bounds, diagnostic::HELP};

/// Where the helper of an OpenVPN server asks, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OpenvpnFile")]
pub struct OpenvpnConfig {
    /// RADIUS servers in the order they are asked, each `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`.
    pub servers: Vec<String>,
    /// Where the secret is that is shared with all of them.
    pub secret_file: SecretFile,
    /// How long one packet waits for its reply.
    pub timeout: Duration,
    /// How many times each server is sent a request.
    pub tries: u32,
    /// NAS-Identifier of all requests; empty for none.
    pub nas_identifier: String,
}

/// OpenVPN gives up on a login after its `hand-window`, 60 seconds unless changed.
const LONGEST: time::Duration = time::Duration::from_secs(50);

/// The file as it is written, before its keys are checked against each other.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct OpenvpnFile {
    servers: Vec<String>,
    secret_file: SecretFile,
    #[serde(deserialize_with = "bounds::period")]
    timeout: Duration,
    #[serde(deserialize_with = "bounds::within::<_, _, 1, 10>")]
    tries: u32,
    nas_identifier: String,
}

impl Default for OpenvpnFile {
    fn default() -> Self {
        Self {
            servers: vec!["127.0.0.1".to_owned()],
            secret_file: SecretFile::new("/etc/otpost/openvpn.secret"),
            timeout: Duration::from_secs(3),
            tries: 3,
            nas_identifier: "openvpn".to_owned(),
        }
    }
}

impl Default for OpenvpnConfig {
    fn default() -> Self {
        OpenvpnFile::default().into_config()
    }
}

impl OpenvpnFile {
    fn into_config(self) -> OpenvpnConfig {
        OpenvpnConfig {
            servers: self.servers,
            secret_file: self.secret_file,
            timeout: self.timeout,
            tries: self.tries,
            nas_identifier: self.nas_identifier,
        }
    }
}

impl TryFrom<OpenvpnFile> for OpenvpnConfig {
    type Error = String;

    fn try_from(file: OpenvpnFile) -> Result<Self, String> {
        if file.servers.is_empty() || file.servers.iter().any(|server| server.trim().is_empty()) {
            return Err(format!(
                "servers has no address{HELP}name at least one RADIUS server, for example [\"127.0.0.1\"]"
            ));
        }
        let servers = u32::try_from(file.servers.len()).unwrap_or(u32::MAX);
        let longest = (file.timeout.get())
            .checked_mul(file.tries)
            .and_then(|each| each.checked_mul(servers));
        if longest.is_none_or(|longest| longest > LONGEST) {
            return Err(format!(
                "servers x tries x timeout is more than {} seconds, and OpenVPN waits no more than 60{HELP}lower tries or timeout",
                LONGEST.as_secs()
            ));
        }
        if file.nas_identifier.len() > 253 || file.nas_identifier.chars().any(char::is_control) {
            return Err(format!(
                "nas-identifier does not fit a RADIUS packet{HELP}use at most 253 octets and no control characters"
            ));
        }
        Ok(file.into_config())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parse;

    fn read(text: &str) -> Result<OpenvpnConfig, String> {
        parse(Path::new("openvpn.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_written_is_the_defaults() {
        assert_eq!(read(""), Ok(OpenvpnConfig::default()));
    }

    #[test]
    fn what_openvpn_would_not_wait_for_is_refused() {
        assert!(read("servers = [\"a\", \"b\"]\ntries = 5\ntimeout = \"5s\"").is_ok());
        let error = read("servers = [\"a\", \"b\"]\ntries = 6\ntimeout = \"5s\"").unwrap_err();
        assert!(error.contains("OpenVPN waits no more than 60"), "{error}");
        assert!(read("timeout = \"3650d\"\ntries = 10").is_err());
    }

    #[test]
    fn nonsense_names_its_fix() {
        for (text, part) in [
            ("servers = []", "name at least one RADIUS server"),
            ("servers = [\"\"]", "name at least one RADIUS server"),
            ("timeout = \"0s\"", "longer than nothing"),
            ("tries = 0", "from 1 to 10"),
            ("nas-identifier = \"a\\nb\"", "no control characters"),
            ("secret = \"x\"", "unknown key"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
