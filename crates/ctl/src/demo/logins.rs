//! The logins that the demonstration performs, with their transcript.

use std::time::Duration;

use otpost_ipc::client::Deadline;

use super::{
    DemoError,
    inbox::{Inbox, Text},
    setup::{PASSWORD, USER},
    signals::Signals,
};
use crate::{
    CtlError,
    radius::{Answer, Direction, Reply, Server, Transcript, millis, short_hex},
    sys::Stopwatch,
};

/// How long a text may take from the challenge to the inbox.
const TEXT_WAIT: Duration = Duration::from_secs(10);

/// What the logins need.
pub(super) struct Stage<'a> {
    pub(super) server: &'a Server,
    pub(super) inbox: &'a mut Inbox,
    pub(super) signals: &'a Signals,
}

impl Stage<'_> {
    /// Performs all logins; an error says what did not go as it should.
    pub(super) fn run(&mut self, transcript: &mut Transcript<'_>) -> Result<(), CtlError> {
        transcript.heading("1. A VPN login: password, then the code from the text")?;
        let state = self.begin(transcript)?;
        let text = self.text(transcript)?;
        let code = code_of(&text)?;
        let reply = self.answer(transcript, code, &state)?;
        expect("Access-Accept", &reply)?;

        transcript.heading("2. A wrong password: rejected, and no text is sent")?;
        self.request(transcript, "wrong horse", None)?;
        let reply = self.server.login(USER, "wrong horse", None)?;
        show(transcript, &reply)?;
        expect("Access-Reject", &reply)?;

        transcript.heading("3. A mistyped code: asked again, the same text counts")?;
        let state = self.begin(transcript)?;
        let text = self.text(transcript)?;
        let code = code_of(&text)?;
        let reply = self.answer(transcript, &mistyped(code), &state)?;
        let state = expect_challenge(reply)?;
        let reply = self.answer(transcript, code, &state)?;
        expect("Access-Accept", &reply)?;

        // A text too many would have been on its way for a while now.
        self.signals.pause(Duration::ZERO)?;
        self.inbox.read()?;
        match self.inbox.count() {
            2 => Ok(()),
            got => Err(DemoError::Texts { expected: 2, got }.into()),
        }
    }

    /// The first request of a login, up to its challenge.
    fn begin(&mut self, transcript: &mut Transcript<'_>) -> Result<Vec<u8>, CtlError> {
        self.request(transcript, PASSWORD, None)?;
        let reply = self.server.login(USER, PASSWORD, None)?;
        show(transcript, &reply)?;
        expect_challenge(reply)
    }

    /// A code in answer to a challenge.
    fn answer(&self, transcript: &mut Transcript<'_>, code: &str, state: &[u8]) -> Result<Reply, CtlError> {
        self.request(transcript, code, Some(state))?;
        let reply = self.server.login(USER, code, Some(state))?;
        show(transcript, &reply)?;
        Ok(reply)
    }

    fn request(
        &self,
        transcript: &mut Transcript<'_>,
        password: &str,
        state: Option<&[u8]>,
    ) -> Result<(), CtlError> {
        let mut attributes = format!("User-Name={USER}  User-Password=\"{password}\"");
        if let Some(state) = state {
            attributes.push_str(&format!("  State={}", short_hex(state)));
        }
        attributes.push_str("  Message-Authenticator");
        transcript.line(Direction::Request, "Access-Request", None, &[attributes])?;
        Ok(())
    }

    /// Waits for the text of the login.
    fn text(&mut self, transcript: &mut Transcript<'_>) -> Result<Text, CtlError> {
        let since = Stopwatch::start();
        let deadline = Deadline::after(TEXT_WAIT);
        loop {
            if let Some(text) = self.inbox.read()?.pop() {
                let took = millis(since.elapsed());
                let details = [format!("to {}, {took} after the challenge", text.to)];
                transcript.line(Direction::Text, &text.text, None, &details)?;
                return Ok(text);
            }
            if deadline.remaining().is_none() {
                return Err(DemoError::NoText(TEXT_WAIT).into());
            }
            self.signals.pause(Duration::from_millis(2))?;
        }
    }
}

fn show(transcript: &mut Transcript<'_>, reply: &Reply) -> Result<(), CtlError> {
    let state = match &reply.answer {
        Answer::Challenge { state, .. } => format!("State={}", short_hex(state)),
        Answer::Accept | Answer::Reject => String::new(),
    };
    let details = [reply.message.clone(), state];
    transcript.line(Direction::Reply, name(&reply.answer), Some(reply.took), &details)?;
    Ok(())
}

const fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accept => "Access-Accept",
        Answer::Reject => "Access-Reject",
        Answer::Challenge { .. } => "Access-Challenge",
    }
}

fn expect(expected: &'static str, reply: &Reply) -> Result<(), DemoError> {
    let got = name(&reply.answer);
    if got == expected {
        return Ok(());
    }
    Err(DemoError::Answer {
        expected,
        got,
        message: reply.message.clone(),
    })
}

fn expect_challenge(reply: Reply) -> Result<Vec<u8>, CtlError> {
    expect("Access-Challenge", &reply)?;
    match reply.answer {
        Answer::Challenge { state, .. } => Ok(state),
        Answer::Accept | Answer::Reject => Ok(Vec::new()),
    }
}

fn code_of(text: &Text) -> Result<&str, DemoError> {
    text.code()
        .and_then(|range| text.text.get(range))
        .ok_or(DemoError::NoCode)
}

/// The code with its last digit one up.
fn mistyped(code: &str) -> String {
    let mut digits: Vec<char> = code.chars().collect();
    if let Some(last) = digits.last_mut() {
        *last = match *last {
            '9' => '0',
            digit => char::from_u32(u32::from(digit) + 1).unwrap_or('0'),
        };
    }
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_code_differs_and_is_as_long() {
        assert_eq!(mistyped("012345"), "012346");
        assert_eq!(mistyped("000009"), "000000");
    }
}
