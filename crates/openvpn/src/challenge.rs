//! OpenVPN's challenge/response protocol, as its doc/management-notes.txt has it: `CRV1` and `SCRV1`.

use std::fmt;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::{HelperError, call::LONGEST_REASON};

/// What stands in the password field.
#[derive(PartialEq, Eq)]
pub(crate) enum Typed {
    /// A password; or a password with a code behind it, from a static challenge.
    Password(Zeroizing<String>),
    /// The answer to a dynamic challenge.
    Answer {
        /// Which server asked, counted from 0.
        server: u8,
        /// Its State.
        state: Vec<u8>,
        /// What the person typed; nothing asks for the text again.
        answer: Zeroizing<String>,
    },
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(..)")
    }
}

impl Typed {
    /// Understands a password field.
    pub(crate) fn read(field: &str) -> Result<Self, HelperError> {
        if let Some(rest) = field.strip_prefix("CRV1::") {
            let (id, answer) = rest.split_once("::").ok_or(HelperError::Garbled)?;
            let id = BASE64.decode(id.as_bytes()).map_err(|_| HelperError::Garbled)?;
            let (server, state) = id.split_first().ok_or(HelperError::Garbled)?;
            if state.is_empty() {
                return Err(HelperError::Garbled);
            }
            return Ok(Self::Answer {
                server: *server,
                state: state.to_vec(),
                answer: Zeroizing::new(answer.to_owned()),
            });
        }
        if let Some(rest) = field.strip_prefix("SCRV1:") {
            let (password, code) = rest.split_once(':').ok_or(HelperError::Garbled)?;
            let (password, code) = (decode(password)?, decode(code)?);
            // Room for both at once, so that no copy is left behind.
            let mut both = Zeroizing::new(String::with_capacity(password.len() + code.len()));
            both.push_str(&password);
            both.push_str(code.trim());
            return Ok(Self::Password(both));
        }
        Ok(Self::Password(Zeroizing::new(field.to_owned())))
    }
}

fn decode(part: &str) -> Result<Zeroizing<String>, HelperError> {
    let octets = Zeroizing::new(BASE64.decode(part.as_bytes()).map_err(|_| HelperError::Garbled)?);
    let text = std::str::from_utf8(&octets).map_err(|_| HelperError::Garbled)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The reason that makes a client ask its user and come back.
pub(crate) fn dynamic(server: u8, state: &[u8], user: &str, echo: bool, prompt: &str) -> String {
    let mut id = vec![server];
    id.extend_from_slice(state);
    let flags = if echo { "R,E" } else { "R" };
    let head = format!(
        "CRV1:{flags}:{}:{}:",
        BASE64.encode(&id),
        BASE64.encode(user.as_bytes())
    );
    let prompt = match line(prompt) {
        empty if empty.is_empty() => "Code?".to_owned(),
        prompt => prompt,
    };
    let room = LONGEST_REASON.saturating_sub(head.len());
    format!("{head}{}", cut(&prompt, room))
}

/// What a client shows its user when a login was refused.
pub(crate) fn refusal(message: &str) -> String {
    let text = match line(message) {
        empty if empty.is_empty() => "Login failed.".to_owned(),
        text => text,
    };
    // These make a client do something else than show a text.
    let obeyed = ["CRV1:", "TEMP", "SESSION"];
    let text = if obeyed.iter().any(|word| text.starts_with(word)) {
        format!("Login failed: {text}")
    } else {
        text
    };
    cut(&text, LONGEST_REASON).to_owned()
}

/// One line without control characters.
fn line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    clean.trim().to_owned()
}

/// At most so many octets of a text.
fn cut(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(field: &str) -> (u8, Vec<u8>, String) {
        match Typed::read(field).unwrap() {
            Typed::Answer {
                server,
                state,
                answer,
            } => (server, state, answer.to_string()),
            Typed::Password(_) => panic!("{field}: a password"),
        }
    }

    #[test]
    fn a_challenge_comes_back_with_its_state() {
        let reason = dynamic(1, b"\0state:\xff", "alice", true, "Text K7: code?");
        let parts: Vec<&str> = reason.splitn(5, ':').collect();
        assert_eq!(
            (parts[0], parts[1], parts[3], parts[4]),
            ("CRV1", "R,E", "YWxpY2U=", "Text K7: code?")
        );
        assert!(!parts[2].contains(':'));
        let field = format!("CRV1::{}::493817", parts[2]);
        assert_eq!(answer(&field), (1, b"\0state:\xff".to_vec(), "493817".to_owned()));
        // An answer may be empty, or hold colons itself.
        for typed in ["", "a::b"] {
            assert_eq!(answer(&format!("CRV1::{}::{typed}", parts[2])).2, typed);
        }
        assert!(dynamic(0, b"s", "alice", false, "?").starts_with("CRV1:R:"));
    }

    #[test]
    fn a_static_challenge_is_one_field() {
        for (field, typed) in [
            ("correct horse", "correct horse"),
            ("SCRV1:cGFzc3fDtnJ0:NDkzODE3", "passwört493817"),
            ("SCRV1:aHVudGVyMg==:", "hunter2"),
            ("SCRV1:aHVudGVyMg==:IA==", "hunter2"),
            ("", ""),
        ] {
            let password = Typed::Password(Zeroizing::new(typed.to_owned()));
            assert_eq!(Typed::read(field), Ok(password), "{field}");
        }
    }

    #[test]
    fn what_no_client_sends_is_garbled() {
        for field in [
            "CRV1::",
            "CRV1::AHN0YXRl",
            "CRV1::AA==::1",
            "CRV1::!::1",
            "CRV1::::1",
            "SCRV1:",
            "SCRV1:aHVudGVyMg==",
            "SCRV1:!:NDkzODE3",
            "SCRV1:/w==:NDkzODE3",
        ] {
            assert_eq!(Typed::read(field), Err(HelperError::Garbled), "{field}");
        }
    }

    #[test]
    fn reasons_are_one_short_line_that_no_client_obeys() {
        assert_eq!(refusal(" "), "Login failed.");
        assert_eq!(refusal("Wrong\ncode\u{1b}"), "Wrong code");
        assert_eq!(refusal("TEMP[backoff 1]: x"), "Login failed: TEMP[backoff 1]: x");
        assert_eq!(refusal("CRV1:R::x:y"), "Login failed: CRV1:R::x:y");
        assert_eq!(refusal(&"ä".repeat(900)).len(), LONGEST_REASON);
        let long = dynamic(0, &[7; 253], &"u".repeat(253), true, &"ä".repeat(900));
        assert!(long.len() <= LONGEST_REASON && long.ends_with('ä'));
        assert!(dynamic(0, b"s", "alice", true, "").ends_with(":Code?"));
    }
}
