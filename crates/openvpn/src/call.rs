//! What OpenVPN hands over in the environment, and the files in which it waits for the verdict.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

use crate::HelperError;

/// Here OpenVPN waits for `1` or `0`.
const CONTROL: &str = "auth_control_file";
/// Here it looks for what the client is told when it was `0`.
const REASON: &str = "auth_failed_reason_file";
/// The client's address; the second for IPv6.
const STATION: [&str; 2] = ["untrusted_ip", "untrusted_ip6"];

/// Longest reason, in octets. OpenVPN's control channel takes 1,024 with its own words around.
pub(crate) const LONGEST_REASON: usize = 960;

/// One login as OpenVPN began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    control: PathBuf,
    reason: PathBuf,
    /// Where the client connects from, for Calling-Station-Id.
    pub(crate) station: Option<String>,
}

impl Call {
    /// Reads it from the environment, which `get` looks into.
    pub(crate) fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, HelperError> {
        if get("password").is_some() {
            return Err(HelperError::ViaEnv);
        }
        let file = |name: &'static str| {
            let path = get(name).filter(|path| !path.is_empty());
            path.map(PathBuf::from).ok_or(HelperError::NotOpenvpn(name))
        };
        let address = |name: &str| get(name)?.into_string().ok().filter(|text| !text.is_empty());
        Ok(Self {
            control: file(CONTROL)?,
            reason: file(REASON)?,
            station: STATION.into_iter().find_map(address),
        })
    }

    /// The same as variables, for a process with nothing else in its environment.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut all = vec![
            (CONTROL, self.control.clone().into_os_string()),
            (REASON, self.reason.clone().into_os_string()),
        ];
        let [station, _] = STATION;
        all.extend(self.station.clone().map(|address| (station, address.into())));
        all
    }

    /// Lets the client in. `false`: OpenVPN does not wait any more.
    pub(crate) fn accept(&self) -> Result<bool, HelperError> {
        write(&self.control, "1")
    }

    /// Keeps the client out and says why. `false`: OpenVPN does not wait any more.
    pub(crate) fn fail(&self, reason: &str) -> Result<bool, HelperError> {
        // In this order: OpenVPN may look the moment that the verdict is there.
        let waits = write(&self.reason, reason)?;
        Ok(write(&self.control, "0")? && waits)
    }
}

/// Writes into a file that OpenVPN has made. One that is gone is not made again: the client has left.
fn write(path: &Path, text: &str) -> Result<bool, HelperError> {
    let opened = OpenOptions::new()
        .write(true)
        .truncate(true)
        // Others may leave links in the directory for temporary files once OpenVPN has taken its own away.
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path);
    let failed = |kind| HelperError::File {
        path: path.to_owned(),
        kind,
    };
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error.kind())),
    };
    file.write_all(text.as_bytes())
        .map_err(|error| failed(error.kind()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(all: &[(&str, &str)]) -> Result<Call, HelperError> {
        Call::read(|name| {
            let found = all.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_environment_of_openvpn_is_understood_and_handed_on() {
        let files = [(CONTROL, "/tmp/acf"), (REASON, "/tmp/afr")];
        let call = from(&[files[0], files[1], ("untrusted_ip6", "2001:db8::1")]).unwrap();
        assert_eq!(call.station.as_deref(), Some("2001:db8::1"));
        let variables = call.variables();
        let again = Call::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone())
        });
        assert_eq!(again, Ok(call));
    }

    #[test]
    fn an_old_openvpn_and_passwords_in_the_environment_are_refused() {
        assert_eq!(from(&[]), Err(HelperError::NotOpenvpn(CONTROL)));
        assert_eq!(from(&[(CONTROL, "x")]), Err(HelperError::NotOpenvpn(REASON)));
        let all = [(CONTROL, "x"), (REASON, "y"), ("password", "z")];
        assert_eq!(from(&all), Err(HelperError::ViaEnv));
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_again() {
        let path = std::env::temp_dir().join(format!("otpost-openvpn-gone-{}", std::process::id()));
        assert_eq!(write(&path, "1"), Ok(false));
        assert!(!path.exists());
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let refused = write(&path, "1");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(refused, Err(HelperError::File { .. })), "{refused:?}");
    }
}
