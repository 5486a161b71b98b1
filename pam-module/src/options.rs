//! Module arguments. A typo must not silently change policy, so whatever is not understood is an error.

use std::path::PathBuf;
use std::time::Duration;

use crate::text;

/// What to answer when the daemon cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailMode {
    /// Deny: PAM_AUTHINFO_UNAVAIL.
    Secure,
    /// Leave it to the rest of the stack: PAM_IGNORE. For the console only.
    Safe,
}

/// The module arguments of one line in `/etc/pam.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `socket=PATH`: the daemon's pam.sock; absolute, at most 107 octets (unix(7)).
    pub socket: PathBuf,
    /// `timeout=SECONDS`, 1..=300: bounds each exchange with the daemon, connecting included.
    pub timeout: Duration,
    /// `failmode=secure|safe`.
    pub fail_mode: FailMode,
    /// `prompt=TEXT`: shown instead of the daemon's prompts.
    pub prompt: Option<String>,
    /// `retries=N`, 1..=100: how often to prompt at most, repeats of the text included.
    pub retries: u32,
    /// `decoy`: the first factor failed; ask the same questions and let nobody in.
    pub decoy: bool,
    /// `quiet`: show the user nothing but prompts.
    pub quiet: bool,
    /// `debug`: log each step, never an answer.
    pub debug: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            socket: PathBuf::from("/run/otpost/pam.sock"),
            timeout: Duration::from_secs(10),
            fail_mode: FailMode::Secure,
            prompt: None,
            retries: 8,
            decoy: false,
            quiet: false,
            debug: false,
        }
    }
}

/// What is wrong with a module argument, for the log; the administrator is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionError {
    /// No such option.
    Unknown(String),
    /// An option without the value it needs, or with one that it refuses.
    Value {
        /// The option.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// The same option twice.
    Twice(&'static str),
    /// Not UTF-8.
    NotText,
}

impl std::fmt::Display for OptionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "unknown option \"{name}\"; known are socket=, timeout=, failmode=, prompt=, retries=, decoy, quiet, debug"
            ),
            Self::Value { name, takes } => write!(f, "option {name} takes {takes}"),
            Self::Twice(name) => write!(f, "option {name} is given twice; remove one"),
            Self::NotText => f.write_str("an option is not UTF-8 text"),
        }
    }
}

impl std::error::Error for OptionError {}

const SOCKET: &str = "an absolute path of at most 107 octets, for example socket=/run/otpost/pam.sock";
const TIMEOUT: &str = "whole seconds from 1 to 300, for example timeout=10";
const FAILMODE: &str = "secure or safe";
const PROMPT: &str = "a text, for example [prompt=Code: ]";
const RETRIES: &str = "a number from 1 to 100, for example retries=8";
const NOTHING: &str = "no value";

impl Options {
    /// Reads module arguments as libpam passes them.
    ///
    /// # Errors
    /// The first [`OptionError`].
    pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, OptionError> {
        let mut options = Self::default();
        let mut seen: Vec<&'static str> = Vec::new();
        for argument in arguments {
            let argument = std::str::from_utf8(argument).map_err(|_| OptionError::NotText)?;
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument, None),
            };
            let name = options.set(name, value)?;
            if seen.contains(&name) {
                return Err(OptionError::Twice(name));
            }
            seen.push(name);
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<&'static str, OptionError> {
        match (name, value) {
            ("socket", value) => {
                let path = value.filter(|path| path.starts_with('/') && path.len() <= 107);
                self.socket = path
                    .ok_or(OptionError::Value {
                        name: "socket",
                        takes: SOCKET,
                    })?
                    .into();
                Ok("socket")
            }
            ("timeout", value) => {
                let seconds = number(value, 300).ok_or(OptionError::Value {
                    name: "timeout",
                    takes: TIMEOUT,
                })?;
                self.timeout = Duration::from_secs(seconds.into());
                Ok("timeout")
            }
            ("failmode", value) => {
                self.fail_mode = match value {
                    Some("secure") => FailMode::Secure,
                    Some("safe") => FailMode::Safe,
                    _ => {
                        return Err(OptionError::Value {
                            name: "failmode",
                            takes: FAILMODE,
                        });
                    }
                };
                Ok("failmode")
            }
            ("prompt", value) => {
                let shown = value.map(text::clean).filter(|text| !text.is_empty());
                self.prompt = Some(shown.ok_or(OptionError::Value {
                    name: "prompt",
                    takes: PROMPT,
                })?);
                Ok("prompt")
            }
            ("retries", value) => {
                self.retries = number(value, 100).ok_or(OptionError::Value {
                    name: "retries",
                    takes: RETRIES,
                })?;
                Ok("retries")
            }
            ("decoy", value) => flag(&mut self.decoy, "decoy", value),
            ("quiet", value) => flag(&mut self.quiet, "quiet", value),
            ("debug", value) => flag(&mut self.debug, "debug", value),
            (name, _) => Err(OptionError::Unknown(
                text::clip(&text::clean(name), 40).to_owned(),
            )),
        }
    }
}

/// 1..=`most`, in digits alone.
fn number(value: Option<&str>, most: u32) -> Option<u32> {
    let value = value?;
    if value.is_empty() || !value.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    value.parse().ok().filter(|number| (1..=most).contains(number))
}

fn flag(flag: &mut bool, name: &'static str, value: Option<&str>) -> Result<&'static str, OptionError> {
    if value.is_some() {
        return Err(OptionError::Value { name, takes: NOTHING });
    }
    *flag = true;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, OptionError> {
        Options::parse(arguments.iter().map(|a| a.as_bytes()))
    }

    #[test]
    fn no_argument_gives_the_secure_defaults() {
        let options = parse(&[]).unwrap();
        assert_eq!(options, Options::default());
        assert_eq!(options.fail_mode, FailMode::Secure);
        assert_eq!(options.socket, PathBuf::from("/run/otpost/pam.sock"));
        assert_eq!((options.timeout, options.retries), (Duration::from_secs(10), 8));
    }

    #[test]
    fn every_option_is_read() {
        let options = parse(&[
            "socket=/x/y.sock",
            "timeout=3",
            "failmode=safe",
            "prompt=Code \u{1b}[2J= ",
            "retries=1",
            "decoy",
            "quiet",
            "debug",
        ]);
        let expected = Options {
            socket: PathBuf::from("/x/y.sock"),
            timeout: Duration::from_secs(3),
            fail_mode: FailMode::Safe,
            prompt: Some("Code [2J= ".to_owned()),
            retries: 1,
            decoy: true,
            quiet: true,
            debug: true,
        };
        assert_eq!(options, Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for argument in [
            "fail_mode=safe",
            "failmod=safe",
            "Debug",
            "",
            "=",
            "nullok",
            "use_first_pass",
        ] {
            assert!(
                matches!(parse(&[argument]), Err(OptionError::Unknown(_))),
                "{argument}"
            );
        }
        for argument in [
            "failmode",
            "failmode=",
            "failmode=Safe",
            "failmode=safe ",
            "failmode=open",
            "timeout",
            "timeout=0",
            "timeout=301",
            "timeout=-1",
            "timeout=+5",
            "timeout=1s",
            "timeout=99999999999999999999",
            "retries=0",
            "retries=101",
            "socket",
            "socket=",
            "socket=run/x",
            "prompt",
            "prompt=",
            "prompt=\u{7}",
            "debug=1",
            "quiet=no",
            "decoy=",
        ] {
            assert!(
                matches!(parse(&[argument]), Err(OptionError::Value { .. })),
                "{argument}"
            );
        }
        let long = format!("socket=/{}", "x".repeat(200));
        assert!(matches!(
            parse(&[&long]),
            Err(OptionError::Value { name: "socket", .. })
        ));
        assert_eq!(parse(&["debug", "debug"]), Err(OptionError::Twice("debug")));
        assert_eq!(
            parse(&["failmode=secure", "failmode=safe"]),
            Err(OptionError::Twice("failmode"))
        );
        assert_eq!(Options::parse([&b"\xff"[..]]), Err(OptionError::NotText));
    }

    #[test]
    fn an_error_names_the_fix_and_is_one_clean_short_line() {
        let long = format!("bad\n\u{1b}]0;x\u{7}{}", "y".repeat(1 << 20));
        let error = parse(&[&long]).unwrap_err().to_string();
        assert!(error.contains("failmode="), "{error}");
        assert!(error.len() < 300 && !error.contains(char::is_control), "{error}");
        let error = parse(&["failmode=open"]).unwrap_err().to_string();
        assert_eq!(error, "option failmode takes secure or safe");
    }
}
