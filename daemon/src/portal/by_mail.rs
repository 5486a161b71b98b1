//! Sign-in by a code from an e-mail. The pages behave alike for all names, also for those of nobody.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::{Reference, UserId};
use otpost_core::limits::{Counter, HOUR};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::portal::factors::{Factors, Method, Way};
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::{Stage, Who};
use otpost_core::portal::sign_in::{self, MailCounters};
use otpost_core::portal::verification::{For, Owner};
use otpost_core::user::User;
use otpost_ipc::portal::{Next, PortalReply};
use otpost_store::{CounterKey, Read, StoreError, Tx, document};

use super::error::PortalError;
use super::factors::{counted, mail_shut};
use super::request::{About, Out, run};
use super::sign_in::{Knock, invited, recent, refused, stamp};
use super::{asks, mails, session, site};
use crate::login::shown;
use crate::state::Daemon;

/// The way that is offered.
pub(crate) fn ways() -> [Way; 1] {
    [Way::plain(Method::Mail)]
}

/// Begins a sign-in by e-mail.
pub(crate) async fn begin(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    knock: Knock,
) -> Result<PortalReply, PortalError> {
    let name = LoginName::parse(&knock.user).ok();
    run(daemon, reference, move |tx, ctx| {
        let resource = site::find(tx, &knock.address)?;
        let source = session::source(&knock.browser.source, &resource);
        let user = match &name {
            Some(name) => tx.user_by_name(name)?,
            None => None,
        };
        let typed = name
            .as_ref()
            .map_or_else(|| shown(&knock.user), ToString::to_string);
        let named = user.as_ref().map_or_else(|| typed.clone(), |u| u.login.clone());
        let about = About::new(&named, &resource, &source);
        if !site::by_mail(tx)? {
            return Ok(refused(ctx, &about, Reason::EmailOff, None));
        }
        let keys = MailKeys::new(&typed, &source);
        let counters = keys.load(tx)?;
        if let Err((wait, reason)) = sign_in::may_mail(&counters, &source, ctx.now) {
            return Ok(refused(ctx, &about, reason, Some(wait)));
        }
        keys.hit(tx, &counters, ctx.now)?;
        let address = match &user {
            Some(user) => {
                let email = user.email.as_deref().unwrap_or_default();
                (mailed_to(tx, email)?, known(tx, user.id, &source, ctx.now)?)
            }
            None => Default::default(),
        };
        let shut = match &user {
            Some(user) => mail_shut(tx, user.id, &source, ctx.now)?,
            None => false,
        };
        let may = match sign_in::by_mail(&resource, user.as_ref(), (&address.0, address.1), ctx.now) {
            Ok(_) if shut => Err(Reason::EmailClosed),
            other => other,
        };
        let reason = may.err().unwrap_or(Reason::MailAsked);
        let (who, owner, invited) = match may {
            Ok((user, _)) => (
                Who::User(user.id),
                Some(Owner::User(user.id)),
                invited(tx, knock.invite.as_ref(), user, &resource, ctx)?,
            ),
            Err(_) => (Who::Nobody, None, false),
        };
        let opening = session::Opening {
            who,
            resource: &resource,
            stage: Stage::Mail,
            by_mail: true,
            invited,
            browser: &knock.browser,
        };
        let (mut session, cookie) = session::open(&opening, &mut ctx.rng, ctx.now);
        let beginning = asks::Beginning {
            session: session.id,
            owner,
            resource: &resource,
            purpose: For::Mail,
            source: &source,
            name: &typed,
        };
        let verification = asks::begin(beginning, ctx);
        session.verification = Some(verification.id);
        document::put(tx, &session)?;
        let to = may.ok().map(|(user, email)| mails::To {
            address: email.to_owned(),
            user,
            resource: &resource,
            lang: lang(user, &session.lang),
        });
        if let Some(to) = &to {
            count_address(tx, &to.address, ctx.now)?;
        }
        let none = Factors::default();
        let (verification, job) = asks::first(tx, verification, (&ways(), &none), to.as_ref(), ctx)?;
        let ask = asks::view(tx, &verification, &ways(), ctx.now)?;
        Ok(Out {
            reply: PortalReply::Signed {
                session: cookie,
                max_age: ctx.now.seconds_until(session.ends),
                next: Next::Mail(ask),
                // The choice of a person would tell that there is one.
                lang: String::new(),
                codes: Vec::new(),
            },
            job,
            events: vec![about.event(ctx, "challenge", reason, "")],
        })
    })
    .await
}

/// Language of mails: the chosen one, else that of the pages.
pub(crate) fn lang<'a>(user: &'a User, pages: &'a str) -> &'a str {
    if user.profile.lang.is_empty() {
        pages
    } else {
        &user.profile.lang
    }
}

/// Counter of codes mailed to an address.
fn address_key(email: &str) -> String {
    format!("mail-to {}", email.to_lowercase())
}

/// One more code to this address.
pub(crate) fn count_address(tx: &mut dyn Tx, email: &str, now: Timestamp) -> Result<(), StoreError> {
    let key = address_key(email);
    let counter = tx.counter(CounterKey::Portal(&key))?.hit(now, HOUR);
    tx.put_counter(CounterKey::Portal(&key), &counter)
}

/// Codes mailed to this address.
fn mailed_to(read: &mut dyn Read, email: &str) -> Result<Counter, StoreError> {
    read.counter(CounterKey::Portal(&address_key(email)))
}

/// A network as [`known`] finds it after a mailed code. Mails know each other only: for texts a second factor has to pass.
fn mail_source(network: &str) -> String {
    format!("mail {network}")
}

/// A mailed code of the person was right in this network.
pub(crate) fn came_in(
    tx: &mut dyn Tx,
    user: UserId,
    source: &Source,
    now: Timestamp,
) -> Result<(), StoreError> {
    match source.network() {
        Some(network) => stamp(tx, user, &mail_source(&network), now),
        None => Ok(()),
    }
}

/// Whether the person came in from this network within 30 days, by a mailed code or a second factor. Strangers cannot use up what is
/// kept for such networks. Without an address nothing tells networks apart.
fn known(read: &mut dyn Read, user: UserId, source: &Source, now: Timestamp) -> Result<bool, StoreError> {
    let Some(network) = source.network() else {
        return Ok(false);
    };
    Ok(recent(read, user, &network, now)? || recent(read, user, &mail_source(&network), now)?)
}

/// Whether one more code may be mailed to `email` for a request of the person from `source`.
pub(crate) fn room(
    read: &mut dyn Read,
    (user, email): (UserId, &str),
    source: &Source,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = known(read, user, source, now)?;
    Ok(sign_in::mail_room(&mailed_to(read, email)?, known, now))
}

/// Whether somebody who is signed in may have one more code mailed to the address.
pub(crate) fn may_send(
    read: &mut dyn Read,
    (user, email): (UserId, &str),
    source: &Source,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = known(read, user, source, now)?;
    let address = mailed_to(read, email)?;
    let network = MailKeys::new("", source).load(read)?.network;
    Ok(sign_in::may_mail_to((&address, known), &network, source, now))
}

/// One more code mailed for somebody who is signed in.
pub(crate) fn sent(tx: &mut dyn Tx, email: &str, source: &Source, now: Timestamp) -> Result<(), StoreError> {
    count_address(tx, email, now)?;
    let key = MailKeys::new("", source).network;
    let counter = tx.counter(CounterKey::Portal(&key))?.hit(now, HOUR);
    tx.put_counter(CounterKey::Portal(&key), &counter)
}

/// Counters of the mails that one may ask for.
pub(crate) struct MailKeys {
    name: String,
    network: String,
    failures: String,
}

impl MailKeys {
    pub(crate) fn new(name: &str, source: &Source) -> Self {
        Self {
            // One of each network's own: what strangers elsewhere ask for turns nobody away.
            name: counted("mail-name", name, Some(source)),
            network: counted("mail-from", "", Some(source)),
            failures: counted("mail-wrong", name, Some(source)),
        }
    }

    pub(crate) fn load(&self, read: &mut dyn Read) -> Result<MailCounters, StoreError> {
        Ok(MailCounters {
            name: read.counter(CounterKey::Portal(&self.name))?,
            network: read.counter(CounterKey::Portal(&self.network))?,
            failures: read.counter(CounterKey::Portal(&self.failures))?,
        })
    }

    /// One more code asked for.
    pub(crate) fn hit(
        &self,
        tx: &mut dyn Tx,
        counters: &MailCounters,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tx.put_counter(CounterKey::Portal(&self.name), &counters.name.hit(now, HOUR))?;
        tx.put_counter(
            CounterKey::Portal(&self.network),
            &counters.network.hit(now, HOUR),
        )
    }
}
