//! An enrolment that an administrator began.

use std::io::{self, Write};

use otpost_ipc::{
    Secret,
    portal::{EnrolState, EnrolmentView},
};

use super::{dash, fields, once};
use crate::text::{clean, span};

pub(super) fn enrolment(out: &mut dyn Write, view: &EnrolmentView) -> io::Result<()> {
    let mut pairs = vec![
        ("Enrolment", view.id.clone()),
        ("State", state(view.state).to_owned()),
        ("Kind", view.kind.clone()),
        ("Name", dash(&view.name)),
    ];
    if !view.phone.is_empty() {
        pairs.push(("Phone", view.phone.clone()));
    }
    if view.state == EnrolState::Open {
        pairs.extend(waiting(view));
    }
    if !view.why.is_empty() {
        pairs.push(("Last code", why(&view.why)));
    }
    if let Some(token) = &view.token {
        pairs.push(("Token", token.id.clone()));
    }
    fields(out, &pairs)?;
    if let Some(secret) = view.uri.as_ref().or(view.totp.as_ref()) {
        let secret = clean(Secret::expose(secret));
        writeln!(
            out,
            "\nSecret of the app, shown this once; add it to the user's app:\n{secret}"
        )?;
    }
    if view.state == EnrolState::Open {
        writeln!(
            out,
            "\nEnter the code that the user reads out with: otpostctl enrol finish {}",
            clean(&view.id)
        )?;
    }
    if !view.codes.is_empty() {
        writeln!(out)?;
        once::recovery_codes(out, &view.codes)?;
    }
    Ok(())
}

/// What is known of the code that is waited for.
fn waiting(view: &EnrolmentView) -> Vec<(&'static str, String)> {
    let ask = &view.ask;
    let mut pairs = Vec::new();
    if ask.sent {
        let label = if ask.label.is_empty() {
            String::new()
        } else {
            format!(", labelled {}", ask.label)
        };
        pairs.push(("Code", format!("{} digits{label}", ask.digits)));
    }
    if !ask.trouble.is_empty() {
        pairs.push(("Trouble", trouble(&ask.trouble)));
    }
    pairs.push(("Code ends in", span(ask.expires_in.into())));
    pairs.push(("Tries left", ask.left.to_string()));
    pairs
}

const fn state(state: EnrolState) -> &'static str {
    match state {
        EnrolState::Open => "waits for the code",
        EnrolState::Done => "done; the token works",
        EnrolState::TriesUsed => "ended: too many wrong codes; start again",
        EnrolState::Expired => "ended: the time is over; start again",
        EnrolState::Cancelled => "taken back",
        EnrolState::NumberTaken => "ended: the number is on another token; see otpostctl token find",
    }
}

fn why(word: &str) -> String {
    match word {
        "wrong" => "wrong",
        "too-few" => "too few digits",
        "too-many-digits" => "too many digits",
        "not-digits" => "not only digits",
        "expired" => "too late",
        "tries-used" => "wrong, and no tries are left",
        "locked" => "not taken: the user is locked",
        "used" => "used before",
        other => other,
    }
    .to_owned()
}

fn trouble(word: &str) -> String {
    match word {
        "failed" => "no provider took the text; see otpostctl sms messages",
        "unknown" => "whether the text was sent is not known; see otpostctl sms messages",
        "budget" => "too many texts were sent; see otpostctl sms limits",
        "country" => "texts to that country are not allowed; see otpostctl sms countries",
        "paused" => "sending is paused; see otpostctl sms resume",
        other => other,
    }
    .to_owned()
}
