//! libpam: the entry points, and the few functions that the binding lacks. The only file with unsafe code.
#![expect(unsafe_code, reason = "libpam is a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::sync::Once;

use otpost_ipc::Secret;
use pam::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SILENT, PamFlag, PamResultCode,
};
use pam::conv::Conv;
use pam::items::{RHost, RUser, Service, Tty};
use pam::module::{PamHandle, PamHooks};

use crate::flow::{Answer, ConversationFailed, Host, Item, Level, UserError, Verdict, authenticate};

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_fail_delay(pamh: *mut PamHandle, usec: c_uint) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// Delay of a failed login, in microseconds; libpam varies it and takes the longest that a module asks for.
const FAIL_DELAY: c_uint = 1_000_000;

struct Module;

pam::pam_hooks!(Module);

impl PamHooks for Module {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        silence_panics();
        let mut host = Application {
            pamh,
            silent: flags & PAM_SILENT != 0,
        };
        match authenticate(&mut host, args.into_iter().map(CStr::to_bytes)) {
            Verdict::Success => PamResultCode::PAM_SUCCESS,
            Verdict::AuthErr => PamResultCode::PAM_AUTH_ERR,
            Verdict::MaxTries => PamResultCode::PAM_MAXTRIES,
            Verdict::AuthInfoUnavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
            Verdict::Ignore => PamResultCode::PAM_IGNORE,
            Verdict::ServiceErr => PamResultCode::PAM_SERVICE_ERR,
            Verdict::ConvErr => PamResultCode::PAM_CONV_ERR,
        }
    }

    /// There are no credentials to set; PAM_IGNORE would break a stack that holds this module alone.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// Keeps the default hook from writing to the application's stderr, and from reading its RUST_BACKTRACE. The
/// standard library is private to this object, so its hook is too.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

/// The program that loaded the module, for one call.
struct Application<'a> {
    pamh: &'a mut PamHandle,
    silent: bool,
}

fn lossy(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

impl Application<'_> {
    fn converse(&self, style: c_int, text: &str) -> Result<Answer, ConversationFailed> {
        let conversation = self
            .pamh
            .get_item::<Conv<'_>>()
            .ok()
            .flatten()
            .ok_or(ConversationFailed)?;
        let answer = conversation.send(style, text).map_err(|_| ConversationFailed)?;
        Ok(answer.map(|octets| match octets.as_str() {
            Ok(text) => Secret::from(text),
            // No code holds the replacement character, so what is not text stays wrong.
            Err(_) => Secret::new(String::from_utf8_lossy(octets.as_bytes()).into_owned()),
        }))
    }
}

impl Host for Application<'_> {
    fn user(&mut self) -> Result<String, UserError> {
        self.pamh.get_user(None).map_err(|code| match code {
            PamResultCode::PAM_CONV_ERR | PamResultCode::PAM_CONV_AGAIN => UserError::Conversation,
            _ => UserError::NotText,
        })
    }

    fn item(&self, item: Item) -> String {
        let text = match item {
            Item::Service => self
                .pamh
                .get_item::<Service<'_>>()
                .map(|item| item.map(|text| lossy(text.0))),
            Item::Tty => self
                .pamh
                .get_item::<Tty<'_>>()
                .map(|item| item.map(|text| lossy(text.0))),
            Item::Rhost => self
                .pamh
                .get_item::<RHost<'_>>()
                .map(|item| item.map(|text| lossy(text.0))),
            Item::Ruser => self
                .pamh
                .get_item::<RUser<'_>>()
                .map(|item| item.map(|text| lossy(text.0))),
        };
        text.ok().flatten().unwrap_or_default()
    }

    fn silent(&self) -> bool {
        self.silent
    }

    fn prompt(&mut self, text: &str, echo: bool) -> Result<Answer, ConversationFailed> {
        self.converse(
            if echo {
                PAM_PROMPT_ECHO_ON
            } else {
                PAM_PROMPT_ECHO_OFF
            },
            text,
        )
    }

    fn error(&mut self, text: &str) {
        // An application that cannot show it is no reason to change the verdict.
        let _ = self.converse(PAM_ERROR_MSG, text);
    }

    fn log(&self, level: Level, line: &str) {
        // Values of <syslog.h>; pam_syslog adds the facility LOG_AUTHPRIV.
        let priority = match level {
            Level::Alert => 1,
            Level::Error => 3,
            Level::Notice => 5,
            Level::Info => 6,
            Level::Debug => 7,
        };
        let Ok(line) = CString::new(line) else { return };
        // SAFETY: the handle is the live one of this call; both strings end in NUL and outlive the call, and "%s"
        // takes exactly the one argument that follows.
        unsafe { pam_syslog(&raw const *self.pamh, priority, c"%s".as_ptr(), line.as_ptr()) };
    }

    fn delay_failure(&mut self) {
        // SAFETY: the handle is the live one of this call, borrowed mutably.
        unsafe { pam_fail_delay(&raw mut *self.pamh, FAIL_DELAY) };
    }
}
