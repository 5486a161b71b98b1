use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use crate::{
    error::ConfigError,
    message::Text,
    redact::Detail,
    segment::segments,
    transport::{Class, Submission, SubmitFuture, Transport},
};

/// Tells the time; the caller owns the clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What an installation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// Real people log in.
    Production,
    /// A demonstration or a developer's machine.
    Development,
}

/// The development inbox: every text becomes a line of a local file.
///
/// A line is a JSON object with `at` (RFC 3339, UTC), `to`, `text` and `reference`. The file is created with mode
/// 0600 and opened anew for each text, so it may be moved away at any time. The text in it is readable: never for
/// production.
pub struct FileInbox {
    path: PathBuf,
    clock: Clock,
}

impl fmt::Debug for FileInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileInbox")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    to: &'a str,
    text: &'a str,
    reference: &'a str,
}

impl FileInbox {
    /// An inbox at `path`, which is created now if it does not exist. `clock` dates the lines.
    ///
    /// # Errors
    /// [`ConfigError::FileInProduction`]; [`ConfigError::BadInbox`] when the path is a symbolic link or not a regular
    /// file, is not owned by the user of this process, is accessible to group or others, or cannot be opened.
    pub fn new(
        path: impl Into<PathBuf>,
        environment: Environment,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        if environment == Environment::Production {
            return Err(ConfigError::FileInProduction);
        }
        let inbox = Self {
            path: path.into(),
            clock,
        };
        inbox.open().map_err(|reason| ConfigError::BadInbox {
            path: inbox.path.clone(),
            reason,
        })?;
        Ok(inbox)
    }

    /// Opens and checks the file. What was opened is checked, not the path, so there is no moment between.
    fn open(&self) -> Result<File, String> {
        // O_NONBLOCK: opening a FIFO without a reader must not hang; a regular file does not care. std sets O_CLOEXEC.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits())
            .open(&self.path)
            .map_err(|error| match error.raw_os_error() {
                Some(code) if code == nix::errno::Errno::ELOOP as i32 => {
                    "is a symbolic link; name the file itself".to_owned()
                }
                _ => format!("cannot be opened: {error}"),
            })?;
        let meta = file
            .metadata()
            .map_err(|error| format!("cannot be checked: {error}"))?;
        if !meta.is_file() {
            return Err("is not a regular file; remove it or name another".to_owned());
        }
        let user = nix::unistd::geteuid().as_raw();
        if meta.uid() != user {
            return Err(format!(
                "belongs to user {}, not to {user}; remove it or change its owner",
                meta.uid()
            ));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(format!(
                "is accessible to others (mode {:04o}); chmod 600 it, codes stand in it",
                meta.mode() & 0o7777
            ));
        }
        Ok(file)
    }

    fn append(&self, msg: &Text) -> Result<(), String> {
        let at = jiff::Timestamp::try_from((self.clock)())
            .map_err(|_| "the clock shows a time outside the years 1 to 9999".to_owned())?;
        let line = Line {
            at: at.to_string(),
            to: msg.to.expose(),
            text: msg.body.expose(),
            reference: msg.reference.as_str(),
        };
        let mut line =
            serde_json::to_vec(&line).map_err(|_| "the text cannot be written as JSON".to_owned())?;
        line.push(b'\n');
        let mut file = self.open()?;
        // One write with O_APPEND: lines of several writers do not mix.
        let written = loop {
            match file.write(&line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| format!("cannot be written: {error}"))?,
            }
        };
        if written == line.len() {
            Ok(())
        } else {
            Err("took only a part of the line; is the disk full?".to_owned())
        }
    }
}

impl Transport for FileInbox {
    fn submit<'a>(&'a self, msg: &'a Text) -> SubmitFuture<'a> {
        // A line of a local file takes microseconds: not worth a blocking thread.
        Box::pin(async move {
            match self.append(msg) {
                Ok(()) => Submission::Accepted {
                    provider_id: None,
                    parts: u8::try_from(segments(msg.body.expose()).parts).unwrap_or(u8::MAX),
                },
                Err(reason) => {
                    Submission::rejected(Class::Transient, Detail::own(format!("the inbox file {reason}")))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::message::{MessageRef, Recipient};

    /// A private folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!(
                "otpost-inbox-{}-{}",
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed)
            );
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn join(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn clock() -> Clock {
        Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_250))
    }

    fn text(body: &str) -> Text {
        Text {
            reference: MessageRef::new("ref-1").unwrap(),
            to: Recipient::new("+491701234567").unwrap(),
            body: body.into(),
            sender: None,
            ttl: Duration::from_secs(300),
            want_receipt: false,
        }
    }

    fn inbox(path: &Path) -> Result<FileInbox, ConfigError> {
        FileInbox::new(path, Environment::Development, clock())
    }

    fn refusal(path: &Path) -> String {
        match inbox(path) {
            Err(ConfigError::BadInbox { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn submit(inbox: &FileInbox, msg: &Text) -> Submission {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(inbox.submit(msg))
    }

    #[test]
    fn each_text_is_one_json_line_in_a_0600_file() {
        let folder = Folder::new();
        let path = folder.join("inbox");
        let inbox = inbox(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let nasty = "a \"quote\"\nand a line, 🔒";
        assert_eq!(
            submit(&inbox, &text("first")),
            Submission::Accepted {
                provider_id: None,
                parts: 1
            }
        );
        assert_eq!(
            submit(&inbox, &text(nasty)),
            Submission::Accepted {
                provider_id: None,
                parts: 1
            }
        );
        let content = fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = content
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1],
            serde_json::json!({
                "at": "2026-09-21T14:13:20.25Z", "to": "+491701234567", "text": nasty, "reference": "ref-1"
            })
        );
        assert_eq!(lines[0]["text"], "first");
    }

    #[test]
    fn production_is_refused_and_no_file_appears() {
        let folder = Folder::new();
        let path = folder.join("inbox");
        let error = FileInbox::new(&path, Environment::Production, clock()).unwrap_err();
        assert_eq!(error, ConfigError::FileInProduction);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_others_may_touch_is_refused() {
        let folder = Folder::new();
        let path = folder.join("inbox");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let reason = refusal(&path);
            assert!(reason.contains("chmod 600"), "{reason}");
        }
    }

    #[test]
    fn a_file_that_is_opened_to_others_later_is_refused_later() {
        let folder = Folder::new();
        let path = folder.join("inbox");
        let inbox = inbox(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        match submit(&inbox, &text("secret")) {
            Submission::Rejected {
                class: Class::Transient,
                detail,
                ..
            } => {
                assert!(detail.as_str().contains("chmod 600"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn links_fifos_folders_and_devices_are_refused() {
        let folder = Folder::new();
        let real = folder.join("real");
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.join("link");
        symlink(&real, &link).unwrap();
        assert!(refusal(&link).contains("symbolic link"));
        let fifo = folder.join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(!refusal(&fifo).is_empty());
        assert!(refusal(&folder.0).contains("cannot be opened"));
        assert!(refusal(Path::new("/dev/null")).contains("not a regular file"));
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = Folder::new();
        let path = folder.join("inbox");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let other = nix::unistd::Uid::from_raw(65_534);
        match nix::unistd::chown(&path, Some(other), None) {
            Ok(()) => assert!(refusal(&path).contains("belongs to user 65534")),
            // Only root can give a file away; to anybody else the files of root serve as well.
            Err(_) => assert!(refusal(Path::new("/etc/passwd")).contains("cannot be opened")),
        }
    }
}
