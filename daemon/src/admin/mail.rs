//! How mail leaves. The password is never shown again.

use std::sync::Arc;

use otpost_core::ids::MailId;
use otpost_core::mail::queue::Outcome;
use otpost_core::mail::settings::Security;
use otpost_core::mail::{Address, By, Context, Lang, Letter, Sender, Settings, render};
use otpost_ipc::admin::{AdminReply, MailSet, MailView};
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, document};
use zeroize::Zeroizing;

use super::{Act, AdminError, done, read, write};
use crate::mail::Mail;
use crate::postman;
use crate::state::Daemon;

fn stored(read: &mut dyn Read) -> Result<Option<MailSetup>, AdminError> {
    Ok(document::get::<MailSetup>(read, &ONLY)?)
}

fn view(read: &mut dyn Read) -> Result<AdminReply, AdminError> {
    let (waiting, trouble) = postman::summary(read)?;
    let mut view = MailView {
        waiting,
        trouble,
        ..MailView::default()
    };
    if let Some(MailSetup { settings, password }) = stored(read)? {
        view.port = settings.port();
        view.security = settings.security.as_str().to_owned();
        view.user = settings.user.unwrap_or_default();
        view.password = password.is_some();
        view.from = settings.from.to_string();
        view.ca = settings.ca.is_some();
        view.host = settings.host;
    }
    Ok(AdminReply::Mail(view))
}

/// `new` where it was given; empty takes a value away.
fn changed(new: Option<&str>, old: Option<String>) -> Option<String> {
    match new.map(str::trim) {
        None => old,
        Some("") => None,
        Some(new) => Some(new.to_owned()),
    }
}

/// The settings with what `set` changes; `None`: mail is off.
fn merged(before: Option<MailSetup>, set: &MailSet) -> Result<Option<MailSetup>, AdminError> {
    let host = match (set.host.as_deref().map(str::trim), &before) {
        (Some(""), _) => return Ok(None),
        (Some(host), _) => host.to_owned(),
        (None, Some(before)) => before.settings.host.clone(),
        (None, None) => {
            return Err(AdminError::Invalid(
                "name the mail server first: host, such as mail.example.com".to_owned(),
            ));
        }
    };
    let from = match (&set.from, &before) {
        (Some(from), _) => Sender::parse(from).map_err(AdminError::invalid)?,
        (None, Some(before)) => before.settings.from.clone(),
        (None, None) => {
            return Err(AdminError::Invalid(
                "name the sender of mails: from, such as otpost <otpost@example.com>".to_owned(),
            ));
        }
    };
    let security = match (&set.security, &before) {
        (Some(word), _) => word.parse::<Security>().map_err(AdminError::invalid)?,
        (None, Some(before)) => before.settings.security,
        (None, None) => Security::default(),
    };
    let (port, user, ca, password) = match before {
        Some(before) => {
            // A password is for the server it was given for: another one, or one that is asked without TLS, must not get it.
            let same = before.settings.host == host && before.settings.security == security;
            let password = before.password.filter(|_| same);
            (
                before.settings.port,
                before.settings.user,
                before.settings.ca,
                password,
            )
        }
        None => (0, None, None, None),
    };
    let settings = Settings {
        host,
        port: set.port.unwrap_or(port),
        security,
        user: changed(set.user.as_deref(), user),
        from,
        ca: changed(set.ca.as_deref(), ca),
    };
    settings.check().map_err(AdminError::invalid)?;
    let password = match &set.password {
        None => password,
        Some(new) if new.expose().is_empty() => None,
        Some(new) => Some(Zeroizing::new(new.expose().to_owned())),
    };
    Ok(Some(MailSetup { settings, password }))
}

pub(super) async fn show(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, view).await
}

pub(super) async fn set(daemon: &Arc<Daemon>, act: Act, set: MailSet) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let after = merged(stored(tx)?, &set)?;
        let detail = match &after {
            Some(setup) => {
                document::put(tx, setup)?;
                format!(
                    "{}:{} {}",
                    setup.settings.host,
                    setup.settings.port(),
                    setup.settings.security.as_str()
                )
            }
            None => {
                document::delete::<MailSetup>(tx, &ONLY)?;
                "off".to_owned()
            }
        };
        act.record_detail(tx, "mail-set", ("", ""), detail)?;
        view(tx)
    })
    .await?;
    daemon.postman.wake();
    Ok(reply)
}

pub(super) async fn test(daemon: &Arc<Daemon>, act: Act, to: String) -> Result<AdminReply, AdminError> {
    let to = Address::parse(&to).map_err(AdminError::invalid)?;
    let setup = read(daemon, stored)
        .await?
        .ok_or_else(|| AdminError::Conflict("mail is switched off; set the mail server first".to_owned()))?;
    let context = Context {
        service: "otpost".to_owned(),
        login: act.actor.clone(),
        at: act.now,
        by: By::Administrator,
    };
    let letter = Letter::Test {
        reference: act.reference.as_str(),
    };
    let words = render(&letter, Lang::default(), &context);
    let posted = Mail {
        id: MailId::random(&mut daemon.rng()),
        to: &to,
        words: &words,
        at: act.now,
    };
    let outcome = postman::hand_over(&setup, &posted).await;
    let answer = match &outcome {
        Outcome::Sent => "taken by the server".to_owned(),
        Outcome::Later(why) | Outcome::Refused(why) => why.clone(),
    };
    let masked = to.masked();
    let detail = format!("{masked}: {answer}");
    write(daemon, move |tx| {
        act.record_detail(tx, "mail-test", ("", ""), detail.clone())?;
        Ok(())
    })
    .await?;
    match outcome {
        Outcome::Sent => Ok(done(format!("the server took the test mail to {to}"))),
        Outcome::Later(why) | Outcome::Refused(why) => {
            Err(AdminError::Refused(format!("the test mail did not leave: {why}")))
        }
    }
}
