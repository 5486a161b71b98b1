//! The first factor on the portal: password, or a code by e-mail.

use crate::Timestamp;
use crate::limits::{Counter, DAY, Guard, HOUR, LOGIN_FAILURES, LOGIN_STORM, LOGIN_WINDOW};
use crate::login::First;
use crate::net::Source;
use crate::portal::factors::{Factors, Wanted, Way};
use crate::portal::reason::Reason;
use crate::resource::Resource;
use crate::user::User;

/// Mails with codes to one address an hour (domain decision 10).
pub const MAILS_TO_ADDRESS: u32 = 5;
/// Further mails to it for source networks from which the person came in within 30 days: strangers cannot use those up.
pub const MAILS_RESERVED: u32 = 2;
/// Mails with codes that one source network may ask for an hour.
pub const MAILS_FROM_NETWORK: u32 = 10;
/// Wrong recovery and helpdesk codes of one user an hour, over all sign-ins: beyond, none is looked at.
pub const SPARE_FAILURES: u32 = 10;

/// Wrong passwords of a name, or of a person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    /// From the source network (short window: [`LOGIN_WINDOW`]).
    pub source: Counter,
    /// From everywhere (short window: an hour).
    pub all: Counter,
}

/// What the store says of somebody who knocks.
#[derive(Debug, Clone, Copy)]
pub struct Knocking<'a> {
    /// The portal's resource.
    pub resource: &'a Resource,
    /// The named user.
    pub user: Option<&'a User>,
    /// Their failures of the second factor.
    pub guard: &'a Guard,
    /// Their second factors.
    pub factors: &'a Factors,
    /// Where from.
    pub source: &'a Source,
    /// On portals under the name as typed, whether it is somebody's or not.
    pub typed: &'a Failures,
    /// Of the person, under all their names and on all channels.
    pub own: &'a Failures,
    /// Whether the source succeeded for this user in the last 30 days.
    pub known_source: bool,
}

/// How far somebody comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Not in. All causes look the same.
    Refused {
        /// Seconds after which it may be tried again, where this network is closed for a while; the same for names of nobody.
        retry_after: Option<u32>,
        /// Whether it counts as one more failure of the name from the source network.
        counts: bool,
    },
    /// On to the second factor.
    Factor(Vec<Way>),
    /// In: no second factor guards this resource for them yet.
    Full,
}

impl Entry {
    fn refused() -> Self {
        Self::Refused {
            retry_after: None,
            counts: true,
        }
    }
}

/// Seconds for which the way in by password is closed for this name and source network, as the page says; `None` while it is open. It
/// goes by the name as typed: otherwise who uses up one name would learn from the answer to another that both are one person's.
#[must_use]
pub fn closed(knock: &Knocking<'_>, now: Timestamp) -> Option<u32> {
    over(knock.typed, knock, now)
}

/// Where there is no address, one person's mistakes would close everybody's way: there only the storm counts.
fn over(failures: &Failures, knock: &Knocking<'_>, now: Timestamp) -> Option<u32> {
    let short = &failures.source.short;
    if knock.source.address.is_some() && short.count_at(now, LOGIN_WINDOW) >= LOGIN_FAILURES {
        return Some(short.seconds_left(now, LOGIN_WINDOW).max(1));
    }
    let short = &failures.all.short;
    let storm = short.count_at(now, HOUR) >= LOGIN_STORM;
    (storm && !knock.known_source).then(|| short.seconds_left(now, HOUR).max(1))
}

/// Whether the person may be on this portal at all, whatever they prove.
///
/// # Errors
/// Why not.
pub fn standing(resource: &Resource, user: &User) -> Result<(), Reason> {
    if !user.resources.contains(&resource.id) {
        return Err(Reason::NotInResource);
    }
    if user.locked.is_some() {
        return Err(Reason::AdminLocked);
    }
    Ok(())
}

/// Decides a sign-in by password. The portal itself is known to be on.
#[must_use]
pub fn by_password(knock: &Knocking<'_>, first: First, now: Timestamp) -> (Entry, Reason) {
    if let Some(seconds) = closed(knock, now) {
        let entry = Entry::Refused {
            retry_after: Some(seconds),
            counts: false,
        };
        return (entry, Reason::SourceClosed);
    }
    let Some(user) = knock.user else {
        return (Entry::refused(), Reason::UnknownUser);
    };
    // By other names or on other channels: as for a wrong password, and the right one is none.
    if over(knock.own, knock, now).is_some() {
        return (Entry::refused(), Reason::SourceClosed);
    }
    match first {
        First::Passed => {}
        // The portal asks no sources; whoever passes such a result on lets nobody in.
        First::Failed | First::Unavailable | First::Expired | First::Locked | First::Unreadable => {
            return (Entry::refused(), Reason::WrongPassword);
        }
        First::NoPassword if user.email.is_none() => return (Entry::refused(), Reason::NoWayIn),
        First::NoPassword => return (Entry::refused(), Reason::NoPassword),
    }
    if let Err(reason) = standing(knock.resource, user) {
        return (Entry::refused(), reason);
    }
    second(knock.resource, user, (knock.factors, knock.guard), now)
}

/// What follows a first factor that passed. A bypass has no say here (domain decision 3).
#[must_use]
pub fn second(
    resource: &Resource,
    user: &User,
    (factors, guard): (&Factors, &Guard),
    now: Timestamp,
) -> (Entry, Reason) {
    let locked = guard.lock_at(now).is_some();
    if !factors.guard(resource.id) {
        // Nothing to lock out by, but who guessed codes elsewhere shall not begin anew here.
        return if locked {
            (Entry::refused(), Reason::OtpLocked)
        } else {
            (Entry::Full, Reason::FirstFactor)
        };
    }
    let ways = factors.ways(wanted(resource, user, locked), now);
    match (ways.is_empty(), locked) {
        (false, _) => (Entry::Factor(ways), Reason::FactorAsked),
        (true, true) => (Entry::refused(), Reason::OtpLocked),
        (true, false) => (Entry::refused(), Reason::NoUsableFactor),
    }
}

/// What ways are looked for at a sign-in.
#[must_use]
pub fn wanted(resource: &Resource, user: &User, locked: bool) -> Wanted {
    let mut preferred = user.profile.preferred.iter();
    Wanted {
        resource: resource.id,
        preferred: preferred
            .find(|(of, _)| *of == resource.id)
            .map(|(_, token)| *token),
        locked,
    }
}

/// Counters of mails and of wrong codes from them; the same for names of nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailCounters {
    /// Codes asked for under the typed name from the source network: others cannot use it up.
    pub name: Counter,
    /// Codes asked for by the source network.
    pub network: Counter,
    /// Wrong codes under the typed name from the source network (short window: [`LOGIN_WINDOW`]).
    pub failures: Counter,
}

/// Seconds for which codes from e-mails are not looked at, after so many failures from the source network.
#[must_use]
pub fn mail_shut(failures: &Counter, source: &Source, now: Timestamp) -> Option<u32> {
    let shut = source.address.is_some() && failures.short.count_at(now, LOGIN_WINDOW) >= LOGIN_FAILURES;
    shut.then(|| failures.short.seconds_left(now, LOGIN_WINDOW).max(1))
}

/// Seconds after which a code by e-mail may be asked for, and why not before.
///
/// # Errors
/// The wait and the reason.
pub fn may_mail(counters: &MailCounters, source: &Source, now: Timestamp) -> Result<(), (u32, Reason)> {
    let over = |counter: &Counter, length, limit| {
        (counter.short.count_at(now, length) >= limit).then(|| counter.short.seconds_left(now, length).max(1))
    };
    if let Some(wait) = mail_closed(counters, source, now) {
        return Err((wait, Reason::EmailClosed));
    }
    if let Some(wait) = over(&counters.name, HOUR, MAILS_TO_ADDRESS) {
        return Err((wait, Reason::EmailBudget));
    }
    if source.address.is_some()
        && let Some(wait) = over(&counters.network, HOUR, MAILS_FROM_NETWORK)
    {
        return Err((wait, Reason::EmailBudget));
    }
    Ok(())
}

/// Whether one more code may be mailed to an address. `known`: it is asked for by a source network from which the person came in
/// within 30 days.
#[must_use]
pub fn mail_room(address: &Counter, known: bool, now: Timestamp) -> bool {
    let hour = MAILS_TO_ADDRESS.saturating_add(if known { MAILS_RESERVED } else { 0 });
    address.short.count_at(now, HOUR) < hour && address.day.count_at(now, DAY) < hour.saturating_mul(6)
}

/// Whether somebody who is signed in may ask for one more code by e-mail: the limits of the address (`known` as at [`mail_room`])
/// and of the source network.
#[must_use]
pub fn may_mail_to(
    (address, known): (&Counter, bool),
    network: &Counter,
    source: &Source,
    now: Timestamp,
) -> bool {
    let shut = source.address.is_some() && network.short.count_at(now, HOUR) >= MAILS_FROM_NETWORK;
    mail_room(address, known, now) && !shut
}

/// Seconds for which codes from e-mails are not looked at for this name and network.
#[must_use]
pub fn mail_closed(counters: &MailCounters, source: &Source, now: Timestamp) -> Option<u32> {
    mail_shut(&counters.failures, source, now)
}

/// Decides whether a code is mailed to whom a name was typed of (`known` as at [`mail_room`]). The answer on the page does not depend
/// on it.
///
/// # Errors
/// Why none is mailed.
pub fn by_mail<'a>(
    resource: &Resource,
    user: Option<&'a User>,
    (sent_to_address, known): (&Counter, bool),
    now: Timestamp,
) -> Result<(&'a User, &'a str), Reason> {
    let user = user.ok_or(Reason::UnknownUser)?;
    standing(resource, user)?;
    if user.password.is_some() {
        return Err(Reason::HasPassword);
    }
    let email = user.email.as_deref().ok_or(Reason::NoWayIn)?;
    // Aliases have budgets of their own; the address has one in all.
    if !mail_room(sent_to_address, known, now) {
        return Err(Reason::EmailBudget);
    }
    Ok((user, email))
}
