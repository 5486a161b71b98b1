//! Sign-in by password, and what follows a first factor.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::{Reference, UserId};
use otpost_core::limits::{Counter, HOUR, LOGIN_WINDOW, MONTH, network_closed};
use otpost_core::login::First;
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::portal::factors::Factors;
use otpost_core::portal::invite::Invite;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::{PortalSession, Stage, Who, fingerprint};
use otpost_core::portal::sign_in::{self, Entry, Failures, Knocking};
use otpost_core::portal::verification::{For, Owner};
use otpost_core::resource::Resource;
use otpost_core::user::User;
use otpost_ipc::Secret;
use otpost_ipc::portal::{Browser, Next, PortalReply};
use otpost_store::{CounterKey, Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::error::PortalError;
use super::factors::{self, counted};
use super::request::{About, Ctx, Out, read, run};
use super::{asks, by_mail, proof, session, site};
use crate::login::shown;
use crate::outbox::Job;
use crate::state::Daemon;

/// Under which id networks are kept from which anybody signed in: that of no user.
const ANYBODY: UserId = UserId([0; 16]);

/// What somebody typed.
#[derive(Clone)]
pub(crate) struct Knock {
    pub(crate) address: String,
    pub(crate) user: String,
    pub(crate) invite: Option<Secret>,
    pub(crate) browser: Browser,
}

/// Signs in by password.
pub(crate) async fn by_password(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    knock: Knock,
    password: Secret,
) -> Result<PortalReply, PortalError> {
    let name = LoginName::parse(&knock.user).ok();
    let (asked, wanted) = (knock.clone(), name.clone());
    let now = daemon.now();
    let (stored, closed) = read(daemon, move |read| {
        let resource = site::find(read, &asked.address)?;
        let rows = Rows::load(read, &resource, (wanted.as_ref(), &asked), now)?;
        // A network that tries many names is not told that it is closed, not even by the time it takes.
        if rows.network.closed(now) {
            return Ok((None, false));
        }
        let closed = sign_in::closed(&rows.knocking(&resource), now).is_some();
        Ok((rows.user.and_then(|u| u.password).map(|hash| hash.0), closed))
    })
    .await?;
    // Nothing is hashed where it is said that nothing is looked at; otherwise the work is the same for users that do not exist.
    let passed = if closed {
        false
    } else {
        let typed = Zeroizing::new(password.expose().to_owned());
        let _turn = proof::turn()?;
        daemon.passwords.verify(typed, stored.clone()).await?
    };
    run(daemon, reference, move |tx, ctx| {
        let resource = site::find(tx, &knock.address)?;
        let rows = Rows::load(tx, &resource, (name.as_ref(), &knock), ctx.now)?;
        let kept = rows.user.as_ref().and_then(|u| u.password.as_ref());
        let first = First::confirmed(passed, stored.as_ref().map(|hash| hash.as_str()), kept);
        let (entry, reason) = if rows.network.closed(ctx.now) {
            let unsaid = Entry::Refused {
                retry_after: None,
                counts: false,
            };
            (unsaid, Reason::SourceClosed)
        } else {
            sign_in::by_password(&rows.knocking(&resource), first, ctx.now)
        };
        let named = rows
            .user
            .as_ref()
            .map_or_else(|| shown(&knock.user), |u| u.login.clone());
        let about = About::new(&named, &resource, &rows.source);
        let user = rows.user.as_ref();
        match (entry, user) {
            (Entry::Refused { retry_after, counts }, _) => {
                if counts {
                    rows.count(tx, reason, ctx)?;
                }
                Ok(refused(ctx, &about, reason, retry_after))
            }
            // Only a user that exists comes further.
            (_, None) => Ok(refused(ctx, &about, Reason::UnknownUser, None)),
            (entry, Some(user)) => {
                rows.passed(tx)?;
                let invited = invited(tx, knock.invite.as_ref(), user, &resource, ctx)?;
                let opening = session::Opening {
                    who: Who::User(user.id),
                    resource: &resource,
                    stage: Stage::Factor,
                    by_mail: false,
                    invited,
                    browser: &knock.browser,
                };
                let (session, cookie) = session::open(&opening, &mut ctx.rng, ctx.now);
                let further = Further {
                    resource: &resource,
                    user,
                    factors: &rows.factors,
                };
                further.enter(tx, (session, cookie), (entry, reason), ctx)
            }
        }
    })
    .await
}

/// The answer to whoever is not let in.
pub(crate) fn refused(ctx: &Ctx, about: &About, reason: Reason, retry_after: Option<u32>) -> Out {
    Out {
        reply: PortalReply::Refused {
            retry_after,
            reference: ctx.reference.to_string(),
        },
        job: None,
        events: vec![about.event(ctx, "deny", reason, "")],
    }
}

/// Whether the link that somebody came by is theirs and not used up.
pub(crate) fn invited(
    read: &mut dyn Read,
    secret: Option<&Secret>,
    user: &User,
    resource: &Resource,
    ctx: &Ctx,
) -> Result<bool, StoreError> {
    let invite: Option<Invite> = match secret {
        Some(secret) => document::by_key(read, &fingerprint(secret.expose()))?,
        None => None,
    };
    Ok(invite.is_some_and(|invite| invite.holds(user.id, resource.id, ctx.now)))
}

/// A person whose first factor passed.
pub(crate) struct Further<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) user: &'a User,
    pub(crate) factors: &'a Factors,
}

impl Further<'_> {
    /// Asks for the second factor, or signs in. `session` is fresh, with its cookie, and not stored yet.
    pub(crate) fn enter(
        &self,
        tx: &mut dyn Tx,
        (session, cookie): (PortalSession, Secret),
        (entry, reason): (Entry, Reason),
        ctx: &mut Ctx,
    ) -> Result<Out, PortalError> {
        let about = About::new(&self.user.login, self.resource, &session.source);
        session::make_room(tx, self.user.id, &session.source, ctx.now)?;
        if session.by_mail && !matches!(entry, Entry::Refused { .. }) {
            by_mail::came_in(tx, self.user.id, &session.source, ctx.now)?;
        }
        match entry {
            Entry::Refused { retry_after, .. } => {
                document::delete::<PortalSession>(tx, &session.id.0)?;
                Ok(refused(ctx, &about, reason, retry_after))
            }
            Entry::Full => {
                let (session, cookie) = session::rotate(&session, Stage::Full, &mut ctx.rng, ctx.now);
                document::put(tx, &session)?;
                let network = session.source.key();
                tx.delete_counter(CounterKey::PasswordsFromSource(self.user.id, &network))?;
                if session.source.address.is_some() {
                    stamp(tx, ANYBODY, &network, ctx.now)?;
                }
                let mut out = self.signed(&session, cookie, (Next::Home, None), ctx);
                out.events.push(about.event(ctx, "sign-in", reason, ""));
                Ok(out)
            }
            Entry::Factor(ways) => {
                let (mut session, cookie) = (
                    PortalSession {
                        stage: Stage::Factor,
                        ..session
                    },
                    cookie,
                );
                let beginning = asks::Beginning {
                    session: session.id,
                    owner: Some(Owner::User(self.user.id)),
                    resource: self.resource,
                    purpose: For::SignIn,
                    source: &session.source,
                    name: "",
                };
                let verification = asks::begin(beginning, ctx);
                session.verification = Some(verification.id);
                // The text's language is the session's: it must be there before.
                document::put(tx, &session)?;
                let (verification, job) = asks::first(tx, verification, (&ways, self.factors), None, ctx)?;
                let ask = asks::view(tx, &verification, &ways, ctx.now)?;
                let mut out = self.signed(&session, cookie, (Next::Factor(ask), job), ctx);
                out.events.push(about.event(ctx, "challenge", reason, ""));
                Ok(out)
            }
        }
    }

    fn signed(
        &self,
        session: &PortalSession,
        cookie: Secret,
        (next, job): (Next, Option<Job>),
        ctx: &Ctx,
    ) -> Out {
        Out {
            reply: PortalReply::Signed {
                session: cookie,
                max_age: ctx.now.seconds_until(session.ends),
                next,
                lang: self.user.profile.lang.clone(),
                codes: Vec::new(),
            },
            job,
            events: Vec::new(),
        }
    }
}

/// Whether somebody came in from there within 30 days.
pub(crate) fn recent(
    read: &mut dyn Read,
    user: UserId,
    source: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let last = read.source_success(user, source)?;
    Ok(last.is_some_and(|at| now < at.plus(MONTH)))
}

/// Somebody came in from there. It counts for 30 days, so the hour is not worth a row changed each time.
pub(crate) fn stamp(tx: &mut dyn Tx, user: UserId, source: &str, now: Timestamp) -> Result<(), StoreError> {
    let last = tx.source_success(user, source)?;
    if last.is_none_or(|at| now < at || now >= at.plus(HOUR)) {
        tx.put_source_success(user, source, now)?;
    }
    Ok(())
}

/// Wrong passwords of all names from one source network. Without an address there is none: one person's mistakes would close
/// everybody's way.
struct Network {
    /// Name of the counter, and how it stands.
    failures: Option<(String, Counter)>,
    /// Whether anybody signed in from there lately.
    known: bool,
}

impl Network {
    fn load(read: &mut dyn Read, source: &Source, now: Timestamp) -> Result<Self, StoreError> {
        let Some(network) = source.network() else {
            return Ok(Self {
                failures: None,
                known: false,
            });
        };
        let name = counted("passwords-from", "", Some(source));
        let counter = read.counter(CounterKey::Portal(&name))?;
        Ok(Self {
            failures: Some((name, counter)),
            known: recent(read, ANYBODY, &network, now)?,
        })
    }

    fn closed(&self, now: Timestamp) -> bool {
        let failures = self.failures.as_ref();
        failures.is_some_and(|(_, counter)| network_closed(counter, self.known, now))
    }

    fn count(&self, tx: &mut dyn Tx, now: Timestamp) -> Result<(), StoreError> {
        match &self.failures {
            Some((name, counter)) => {
                tx.put_counter(CounterKey::Portal(name), &counter.hit(now, LOGIN_WINDOW))
            }
            None => Ok(()),
        }
    }
}

/// What is known of a name that was typed with a password.
struct Rows {
    user: Option<User>,
    guard: otpost_core::limits::Guard,
    factors: Factors,
    source: Source,
    network: Network,
    typed: Failures,
    own: Failures,
    known_source: bool,
    /// Names under which failures of the typed name count.
    names: (String, String),
}

impl Rows {
    fn load(
        read: &mut dyn Read,
        resource: &Resource,
        (name, knock): (Option<&LoginName>, &Knock),
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let user = match name {
            Some(name) => read.user_by_name(name)?,
            None => None,
        };
        let source = session::source(&knock.browser.source, resource);
        let typed = name.map_or_else(|| shown(&knock.user), ToString::to_string);
        let names = (
            counted("password", &typed, Some(&source)),
            counted("passwords", &typed, None),
        );
        let around = Network::load(read, &source, now)?;
        let typed = Failures {
            source: read.counter(CounterKey::Portal(&names.0))?,
            all: read.counter(CounterKey::Portal(&names.1))?,
        };
        let Some(user) = user else {
            return Ok(Self {
                user: None,
                network: around,
                guard: otpost_core::limits::Guard::default(),
                factors: Factors::default(),
                typed,
                own: Failures::default(),
                known_source: false,
                source,
                names,
            });
        };
        let network = source.key();
        Ok(Self {
            known_source: recent(read, user.id, &network, now)?,
            network: around,
            guard: read.guard(user.id)?,
            factors: factors::at(read, user.id, resource.id)?,
            typed,
            own: Failures {
                source: read.counter(CounterKey::PasswordsFromSource(user.id, &network))?,
                all: read.counter(CounterKey::PasswordsOfUser(user.id))?,
            },
            user: Some(user),
            source,
            names,
        })
    }

    fn knocking<'a>(&'a self, resource: &'a Resource) -> Knocking<'a> {
        Knocking {
            resource,
            user: self.user.as_ref(),
            guard: &self.guard,
            factors: &self.factors,
            source: &self.source,
            typed: &self.typed,
            own: &self.own,
            known_source: self.known_source,
        }
    }

    /// One more failure of the name from the source, of the network, and of the person, where their password was looked at.
    fn count(&self, tx: &mut dyn Tx, reason: Reason, ctx: &Ctx) -> Result<(), StoreError> {
        self.network.count(tx, ctx.now)?;
        let counter = self.typed.source.failed_password(ctx.now);
        tx.put_counter(CounterKey::Portal(&self.names.0), &counter)?;
        let counter = self.typed.all.hit(ctx.now, HOUR);
        tx.put_counter(CounterKey::Portal(&self.names.1), &counter)?;
        match &self.user {
            Some(user) if reason != Reason::SourceClosed => {
                factors::wrong_password(tx, user.id, &self.source, ctx.now)
            }
            _ => Ok(()),
        }
    }

    /// The password was right: who mistyped it before is not told to wait later. What counts for the person stays until they are in.
    fn passed(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        tx.delete_counter(CounterKey::Portal(&self.names.0))
    }
}
