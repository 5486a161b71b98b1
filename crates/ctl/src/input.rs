//! Secrets and numbers from prompts, files and standard input; never from arguments.

use std::{
    fs::File,
    io::{self, BufRead, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use otpost_ipc::Secret;
use zeroize::Zeroizing;

use crate::{AskError, CtlError, Io};

/// Longest secret, in octets.
const SECRET_LIMIT: u64 = 4096;

/// Longest description of a provider, in octets; a frame to the daemon takes no more.
const FILE_LIMIT: u64 = 64 * 1024;

/// Longest table of users, in octets: some 100,000 lines.
const TABLE_LIMIT: u64 = 16 * 1024 * 1024;

/// A secret, and how to ask for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// What people call it.
    pub(crate) what: &'static str,
    /// The option that takes a file.
    pub(crate) option: &'static str,
}

/// A user's password.
pub(crate) const PASSWORD: Wanted = Wanted {
    what: "password",
    option: "--password-file",
};

/// The password at a mail server.
pub(crate) const MAIL_PASSWORD: Wanted = Wanted {
    what: "password of the mail server",
    option: "--password-file",
};

/// A RADIUS client's shared secret.
pub(crate) const SHARED_SECRET: Wanted = Wanted {
    what: "shared secret",
    option: "--secret-file",
};

impl Wanted {
    /// A new secret: from `file`, else asked for twice where `ask` says so, else none.
    pub(crate) fn new_one(
        self,
        io: &mut Io<'_>,
        file: Option<&Path>,
        ask: bool,
    ) -> Result<Option<Secret>, CtlError> {
        match file {
            Some(file) => self.read_from(io, file).map(Some),
            None if ask => self.twice(io).map(Some),
            None => Ok(None),
        }
    }

    /// A new secret that may be left out: from `file`, else asked for twice, where nothing typed means none.
    pub(crate) fn new_or_none(
        self,
        io: &mut Io<'_>,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, CtlError> {
        if let Some(file) = file {
            return self.read_from(io, file).map(Some);
        }
        let first = self.typed(io, &format!("New {} (empty for none): ", self.what))?;
        if first.expose().is_empty() {
            return Ok(None);
        }
        self.again(io, first).map(Some)
    }

    /// An existing secret: from `file`, else asked for once.
    pub(crate) fn existing(self, io: &mut Io<'_>, file: Option<&Path>) -> Result<Secret, CtlError> {
        match file {
            Some(file) => self.read_from(io, file),
            None => self.ask(io, &format!("{}: ", capital(self.what))),
        }
    }

    fn twice(self, io: &mut Io<'_>) -> Result<Secret, CtlError> {
        let first = self.ask(io, &format!("New {}: ", self.what))?;
        self.again(io, first)
    }

    /// Asks a second time, because nobody sees what is typed.
    fn again(self, io: &mut Io<'_>, first: Secret) -> Result<Secret, CtlError> {
        let second = self.ask(io, &format!("Again, the new {}: ", self.what))?;
        if first == second {
            Ok(first)
        } else {
            Err(CtlError::Mismatch { what: self.what })
        }
    }

    fn ask(self, io: &mut Io<'_>, prompt: &str) -> Result<Secret, CtlError> {
        let secret = self.typed(io, prompt)?;
        self.not_empty(secret, || "nothing was typed".to_owned())
    }

    fn typed(self, io: &mut Io<'_>, prompt: &str) -> Result<Secret, CtlError> {
        io.terminal.ask(prompt, false).map_err(|error| match error {
            AskError::Absent => CtlError::NoTerminal {
                what: self.what,
                option: self.option,
            },
            AskError::Cancelled => CtlError::Cancelled,
        })
    }

    fn read_from(self, io: &mut Io<'_>, path: &Path) -> Result<Secret, CtlError> {
        if path == Path::new("-") {
            let secret = line(io.input, SECRET_LIMIT)?;
            return self.not_empty(secret, || "standard input has no line".to_owned());
        }
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
        let mode = meta.mode() & 0o7777;
        // A pipe, as `<(command)` makes one, is private already.
        if meta.is_file() && mode & 0o077 != 0 {
            return Err(CtlError::OpenSecret {
                path: path.to_owned(),
                mode,
            });
        }
        let text = read(path, file, SECRET_LIMIT)?;
        let secret = Secret::from(text.lines().next().unwrap_or_default());
        self.not_empty(secret, || format!("{} has an empty first line", path.display()))
    }

    fn not_empty(self, secret: Secret, from: impl FnOnce() -> String) -> Result<Secret, CtlError> {
        if secret.expose().is_empty() {
            return Err(CtlError::Empty {
                what: self.what,
                from: from(),
            });
        }
        Ok(secret)
    }
}

/// A phone number as typed: the argument, or with `-` the next line of standard input.
pub(crate) fn phone(io: &mut Io<'_>, argument: String) -> Result<Secret, CtlError> {
    let phone = if argument == "-" {
        line(io.input, SECRET_LIMIT)?
    } else {
        Secret::new(argument)
    };
    if phone.expose().trim().is_empty() {
        return Err(CtlError::Empty {
            what: "phone number",
            from: "write it with + and the country code".to_owned(),
        });
    }
    Ok(phone)
}

/// The code that a challenge asks for; empty asks for the text again. Without a terminal the next line of standard
/// input.
pub(crate) fn code(io: &mut Io<'_>, prompt: &str, echo: bool) -> Result<Secret, CtlError> {
    match io.terminal.ask(prompt, echo) {
        Err(AskError::Absent) => {
            if io.input.fill_buf().is_ok_and(<[u8]>::is_empty) {
                return Err(CtlError::NoCode);
            }
            line(io.input, SECRET_LIMIT)
        }
        other => Ok(other?),
    }
}

/// A whole text file, or with `-` all of standard input.
pub(crate) fn file(io: &mut Io<'_>, path: &Path) -> Result<Zeroizing<String>, CtlError> {
    up_to(io, path, FILE_LIMIT)
}

/// As [`file`], for a table of users.
pub(crate) fn table(io: &mut Io<'_>, path: &Path) -> Result<Zeroizing<String>, CtlError> {
    up_to(io, path, TABLE_LIMIT)
}

fn up_to(io: &mut Io<'_>, path: &Path, limit: u64) -> Result<Zeroizing<String>, CtlError> {
    if path == Path::new("-") {
        return read(&standard_input(), &mut *io.input, limit);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read(path, file, limit)
}

/// What errors call standard input.
fn standard_input() -> PathBuf {
    PathBuf::from("standard input")
}

fn line(input: &mut dyn BufRead, limit: u64) -> Result<Secret, CtlError> {
    let path = standard_input();
    let mut octets = Zeroizing::new(Vec::with_capacity(capacity(limit)));
    input
        .take(limit + 1)
        .read_until(b'\n', &mut octets)
        .map_err(|error| unreadable(&path, &error))?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > limit) {
        return Err(CtlError::TooLong { path, limit });
    }
    let text = std::str::from_utf8(&octets).map_err(|_| CtlError::NotText { path })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::from(text.strip_suffix('\r').unwrap_or(text)))
}

fn read(path: &Path, from: impl Read, limit: u64) -> Result<Zeroizing<String>, CtlError> {
    let mut octets = Zeroizing::new(Vec::with_capacity(capacity(limit)));
    from.take(limit + 1)
        .read_to_end(&mut octets)
        .map_err(|error| unreadable(path, &error))?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > limit) {
        return Err(CtlError::TooLong {
            path: path.to_owned(),
            limit,
        });
    }
    let text = std::str::from_utf8(&octets).map_err(|_| CtlError::NotText {
        path: path.to_owned(),
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Full capacity at once: growing would leave copies of a secret behind.
fn capacity(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or_default().saturating_add(64)
}

fn unreadable(path: &Path, error: &io::Error) -> CtlError {
    let kind = match error.kind() {
        ErrorKind::InvalidData => {
            return CtlError::NotText {
                path: path.to_owned(),
            };
        }
        kind => kind,
    };
    CtlError::Unreadable {
        path: path.to_owned(),
        kind,
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
