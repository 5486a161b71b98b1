//! The dialogue between user and daemon, without libpam.

use std::time::Duration;

use otpost_ipc::pam::{PamBegin, PamOp};
use otpost_ipc::{AllowReason, DenyKind, LoginReply, Secret};

use crate::daemon::{AskError, Patience, ask};
use crate::options::{FailMode, Options};
use crate::text;

/// Longest user name, in octets; four for each of 64 characters.
const USER: usize = 256;

/// Longest answer that is passed on. No code is longer; the rest is cut off, and what is left is still wrong.
const ANSWER: usize = 512;

/// Longest wait for the daemon when the user has gone already.
const CANCEL: Duration = Duration::from_secs(2);

/// What the module tells libpam.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// PAM_SUCCESS: the daemon let the user in.
    Success,
    /// PAM_AUTH_ERR: it did not.
    AuthErr,
    /// PAM_MAXTRIES: the last try was used.
    MaxTries,
    /// PAM_AUTHINFO_UNAVAIL: nobody could decide.
    AuthInfoUnavailable,
    /// PAM_IGNORE: the module has no say in this login.
    Ignore,
    /// PAM_SERVICE_ERR: the module's arguments are wrong.
    ServiceErr,
    /// PAM_CONV_ERR: the user could not be asked.
    ConvErr,
}

/// Attributes of the login that the application has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// PAM_SERVICE.
    Service,
    /// PAM_TTY.
    Tty,
    /// PAM_RHOST.
    Rhost,
    /// PAM_RUSER.
    Ruser,
}

/// Urgency of a log line, as syslog(3) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// LOG_ALERT: logins pass without a second factor, or somebody poses as the daemon.
    Alert,
    /// LOG_ERR: an administrator has to mend something.
    Error,
    /// LOG_NOTICE: a login was denied.
    Notice,
    /// LOG_INFO: a login was allowed.
    Info,
    /// LOG_DEBUG: only with the option `debug`.
    Debug,
}

/// Why there is no user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserError {
    /// The user could not be asked for it.
    Conversation,
    /// It is not UTF-8, or the application gave none.
    NotText,
}

/// The application could not ask, or the user went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationFailed;

/// What the user typed; `None` where the application returned no answer.
pub type Answer = Option<Secret>;

/// The application and the system around the module.
pub trait Host {
    /// PAM_USER as of now; asks for it where it is not set.
    ///
    /// # Errors
    /// [`UserError`].
    fn user(&mut self) -> Result<String, UserError>;
    /// An item; empty where it is not set.
    fn item(&self, item: Item) -> String;
    /// Whether PAM_SILENT is set.
    fn silent(&self) -> bool;
    /// Shows `text` and reads an answer.
    ///
    /// # Errors
    /// [`ConversationFailed`].
    fn prompt(&mut self, text: &str, echo: bool) -> Result<Answer, ConversationFailed>;
    /// Shows an error message, if the application can.
    fn error(&mut self, text: &str);
    /// Writes a line to the system log.
    fn log(&self, level: Level, line: &str);
    /// Asks libpam to wait a moment before it reports the failure.
    fn delay_failure(&mut self);
}

/// Carries out one login. Never [`Verdict::Success`] unless the daemon said "allow".
pub fn authenticate<'a>(host: &mut dyn Host, arguments: impl IntoIterator<Item = &'a [u8]>) -> Verdict {
    match Options::parse(arguments) {
        Ok(options) => Login {
            host,
            options,
            user: String::new(),
        }
        .run(),
        Err(error) => {
            host.log(
                Level::Error,
                &format!("{error}; the login is refused until /etc/pam.d is corrected"),
            );
            Verdict::ServiceErr
        }
    }
}

struct Login<'a> {
    host: &'a mut dyn Host,
    options: Options,
    user: String,
}

impl Login<'_> {
    fn run(mut self) -> Verdict {
        let user = match self.host.user() {
            Ok(user) => user,
            Err(UserError::Conversation) => return Verdict::ConvErr,
            Err(UserError::NotText) => return self.bad_user("no UTF-8 text"),
        };
        self.user = text::name(&user, USER);
        if user.is_empty() {
            return self.bad_user("empty");
        }
        if user.len() > USER {
            return self.bad_user("too long");
        }
        if !text::is_clean(&user) {
            return self.bad_user("holding control characters");
        }
        let begin = PamOp::Begin(PamBegin {
            user,
            service: text::name(&self.host.item(Item::Service), 256),
            rhost: text::name(&self.host.item(Item::Rhost), 256),
            tty: text::name(&self.host.item(Item::Tty), 256),
            ruser: text::name(&self.host.item(Item::Ruser), 256),
            decoy: self.options.decoy,
        });
        let mut reply = self.ask(&begin, Patience::None);
        let mut prompts = 0;
        loop {
            let (session, shown, echo) = match reply {
                Ok(LoginReply::Prompt {
                    session, text, echo, ..
                }) => (session, text, echo),
                Ok(LoginReply::Allow { reason, .. }) => return self.allowed(reason, prompts),
                Ok(LoginReply::Ignore) => {
                    self.debug("has no say in this login");
                    return Verdict::Ignore;
                }
                Ok(LoginReply::Deny {
                    text,
                    kind,
                    reference,
                }) => return self.denied(&text, kind, &reference),
                Err(error) => return self.not_decided(error),
            };
            if prompts >= self.options.retries {
                // The challenge stays open: the caller's next try (sudo has three) belongs to the same login.
                self.host.log(
                    Level::Notice,
                    &format!("denied {}: {prompts} prompts are used up", self.who()),
                );
                self.host.delay_failure();
                return Verdict::MaxTries;
            }
            prompts += 1;
            self.debug(&format!("prompts, time {prompts}"));
            let shown = self
                .options
                .prompt
                .clone()
                .unwrap_or_else(|| text::message(&shown));
            // No connection is open here: the user may take minutes.
            let Ok(Some(answer)) = self.host.prompt(&shown, echo) else {
                self.cancel(session);
                self.host
                    .log(Level::Notice, &format!("{}: no answer to the prompt", self.who()));
                return Verdict::ConvErr;
            };
            let answer = Secret::from(text::clip(answer.expose(), ANSWER));
            reply = self.ask(&PamOp::Answer { session, answer }, Patience::Restart);
        }
    }

    fn ask(&self, op: &PamOp, patience: Patience) -> Result<LoginReply, AskError> {
        ask(&self.options.socket, op, self.options.timeout, patience)
    }

    /// Tells the daemon that nobody will answer; it finds out by itself later if this fails.
    fn cancel(&self, session: String) {
        let timeout = self.options.timeout.min(CANCEL);
        let _ = ask(
            &self.options.socket,
            &PamOp::Cancel { session },
            timeout,
            Patience::None,
        );
    }

    fn bad_user(&mut self, why: &str) -> Verdict {
        let line = format!("denied {}: the user name is {why}", self.who());
        self.host.log(Level::Notice, &line);
        self.host.delay_failure();
        Verdict::AuthErr
    }

    fn allowed(&mut self, reason: AllowReason, prompts: u32) -> Verdict {
        // The daemon says neither; were it to, the first factor has failed, or no code has been given.
        let absurd = if self.options.decoy {
            Some("a decoy")
        } else if reason == AllowReason::Code && prompts == 0 {
            Some("a right code before any prompt")
        } else {
            None
        };
        if let Some(absurd) = absurd {
            let line = format!("denied {}: otpostd allowed {absurd}", self.who());
            self.host.log(Level::Alert, &line);
            self.host.delay_failure();
            return Verdict::AuthErr;
        }
        let reason = match reason {
            AllowReason::Code => "right code",
            AllowReason::Bypass => "bypass set by an administrator",
            AllowReason::Unenrolled => "no token, and the resource lets such users in",
            AllowReason::TokenDisabled => "token disabled, and the resource lets such users in",
            AllowReason::Exempt => "exempt",
            AllowReason::Remembered => "remembered",
            AllowReason::Totp => "totp",
            AllowReason::Recovery => "recovery code",
        };
        self.host
            .log(Level::Info, &format!("allowed {}: {reason}", self.who()));
        Verdict::Success
    }

    fn denied(&mut self, shown: &str, kind: DenyKind, reference: &str) -> Verdict {
        let reference = text::name(reference, 40);
        let mut shown = text::message(shown);
        if !reference.is_empty() && !shown.is_empty() && !shown.contains(&reference) {
            shown = format!("{shown} (ref {reference})");
        }
        let (verdict, level, why) = match kind {
            DenyKind::Denied => (Verdict::AuthErr, Level::Notice, "denied"),
            DenyKind::MaxTries => (Verdict::MaxTries, Level::Notice, "denied after the last try:"),
            // A verdict, so no fail mode: that is for a daemon that gives none.
            DenyKind::Unavailable => (Verdict::AuthInfoUnavailable, Level::Error, "not decided:"),
        };
        self.host
            .log(level, &format!("{why} {} (ref {reference})", self.who()));
        self.show(&shown);
        self.host.delay_failure();
        verdict
    }

    fn not_decided(&mut self, error: AskError) -> Verdict {
        match error {
            AskError::Unavailable(why) => {
                self.unavailable(&why, "The second factor cannot be checked at present.")
            }
            AskError::Refused(why) => {
                let line = format!(
                    "denied {}: otpostd refuses the request: {}",
                    self.who(),
                    text::name(&why, 400)
                );
                self.host.log(Level::Error, &line);
                self.host.delay_failure();
                Verdict::AuthErr
            }
            AskError::Impostor(why) => {
                let line = format!(
                    "denied {}: the socket is not otpostd's: {}",
                    self.who(),
                    text::name(&why, 400)
                );
                self.host.log(Level::Alert, &line);
                Verdict::AuthInfoUnavailable
            }
        }
    }

    fn unavailable(&mut self, why: &str, shown: &str) -> Verdict {
        let why = text::name(why, 400);
        match self.options.fail_mode {
            FailMode::Secure => {
                self.host
                    .log(Level::Error, &format!("denied {}: {why}", self.who()));
                self.show(shown);
                Verdict::AuthInfoUnavailable
            }
            FailMode::Safe => {
                let line = format!("SECOND FACTOR SKIPPED (failmode=safe) for {}: {why}", self.who());
                self.host.log(Level::Alert, &line);
                Verdict::Ignore
            }
        }
    }

    fn show(&mut self, shown: &str) {
        if !shown.is_empty() && !self.options.quiet && !self.host.silent() {
            self.host.error(shown);
        }
    }

    fn debug(&self, what: &str) {
        if self.options.debug {
            self.host.log(Level::Debug, &format!("{}: {what}", self.who()));
        }
    }

    /// The login, for a log line.
    fn who(&self) -> String {
        let rhost = text::name(&self.host.item(Item::Rhost), 256);
        if rhost.is_empty() {
            format!("user={}", self.user)
        } else {
            format!("user={} rhost={rhost}", self.user)
        }
    }
}

#[cfg(test)]
mod tests;
