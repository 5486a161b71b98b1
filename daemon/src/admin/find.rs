//! Looking for users and tokens. A request looks at so many users at most and says where to go on, so that it is quick among
//! hundreds of thousands. Where to go on is sealed: it may be the name of somebody whom the administrator does not see.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use otpost_core::Timestamp;
use otpost_core::ids::ResourceId;
use otpost_core::name::LoginName;
use otpost_core::user::User;
use otpost_ipc::admin::{AdminReply, TokenView};
use otpost_store::{Read, StoreError};

use super::page::Page;
use super::view::{self, Beside, Names};
use super::{Act, AdminError, find_resource, read};
use crate::portal::factors;
use crate::portal::site::by_mail;
use crate::state::Daemon;

/// Users looked at for one answer.
const LOOKED_AT: usize = 10_000;
/// Users read at once.
const CHUNK: u32 = 500;
/// Longest text to look for, in characters.
const LONGEST: usize = 200;

/// What an administrator looks for.
pub(super) struct Wanted {
    pub(super) search: String,
    pub(super) resource: Option<String>,
    pub(super) state: Option<String>,
    pub(super) after: Option<String>,
    pub(super) limit: u32,
}

/// States to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Any,
    Locked,
    Bypassed,
    NoToken,
    NoWayIn,
}

fn wants(word: Option<&str>) -> Result<Wants, AdminError> {
    Ok(match word {
        None | Some("") => Wants::Any,
        Some("locked") => Wants::Locked,
        Some("bypassed") => Wants::Bypassed,
        Some("no-token") => Wants::NoToken,
        Some("no-way-in") => Wants::NoWayIn,
        Some(_) => {
            return Err(AdminError::Invalid(
                "state is locked, bypassed, no-token or no-way-in".to_owned(),
            ));
        }
    })
}

fn search(text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err(AdminError::Invalid(format!(
            "look for at most {LONGEST} characters"
        )));
    }
    Ok(text.to_lowercase())
}

/// What a sealed place is sealed for.
const PLACE: &[u8] = b"otpost/place-in-list/1";
/// Places are filled up to multiples of this, so that they do not tell how long a name is.
const FILL: usize = 64;

/// The place behind `name`, as a page gives it.
fn place(daemon: &Daemon, name: &LoginName) -> String {
    let mut plain = name.as_str().as_bytes().to_vec();
    // No name has this octet.
    plain.resize(plain.len().next_multiple_of(FILL), 0);
    let sealed = daemon.keys.seal(&plain, PLACE, &mut daemon.rng());
    BASE64URL_NOPAD.encode(&sealed)
}

/// The name behind which a page begins, as [`place`] gave it.
fn after(daemon: &Daemon, place: Option<&str>) -> Result<Option<LoginName>, AdminError> {
    let Some(place) = place else { return Ok(None) };
    let name = || {
        let sealed = BASE64URL_NOPAD.decode(place.as_bytes()).ok()?;
        let plain = daemon.keys.open(&sealed, PLACE).ok()?;
        LoginName::parse(std::str::from_utf8(&plain).ok()?.trim_end_matches('\0')).ok()
    };
    match name() {
        Some(name) => Ok(Some(name)),
        None => Err(AdminError::Invalid(
            "`after` is no place in this list; take it from the page before, or leave it out to begin anew"
                .to_owned(),
        )),
    }
}

/// Where a text is looked for.
#[derive(Debug, Clone, Copy)]
enum By {
    /// In logins.
    Login,
    /// In logins, aliases, names and addresses.
    Words,
}

/// Users in order, read in chunks, at most [`LOOKED_AT`].
struct Scan<'s> {
    after: Option<LoginName>,
    search: &'s str,
    by: By,
    chunk: std::vec::IntoIter<User>,
    left: usize,
    /// Whether there are none behind the chunk.
    last: bool,
}

impl<'s> Scan<'s> {
    fn new(after: Option<LoginName>, search: &'s str, by: By) -> Self {
        Self {
            after,
            search,
            by,
            chunk: Vec::new().into_iter(),
            left: LOOKED_AT,
            last: false,
        }
    }

    /// The next user; `None` at the end, or when enough were looked at.
    fn next(&mut self, read: &mut dyn Read) -> Result<Option<User>, StoreError> {
        loop {
            if self.left == 0 {
                return Ok(None);
            }
            if let Some(user) = self.chunk.next() {
                self.left = self.left.saturating_sub(1);
                return Ok(Some(user));
            }
            if self.last {
                return Ok(None);
            }
            let after = self.after.as_ref();
            let chunk = match self.by {
                By::Words if !self.search.is_empty() => read.users_about(after, self.search, CHUNK)?,
                By::Words | By::Login => read.users(after, self.search, CHUNK)?,
            };
            self.last = chunk.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
            if let Some(user) = chunk.last() {
                self.after = Some(user.name.clone());
            }
            self.chunk = chunk.into_iter();
        }
    }

    /// Whether all were looked at.
    fn ended(&self) -> bool {
        self.last && self.chunk.as_slice().is_empty()
    }
}

fn fits(
    read: &mut dyn Read,
    user: &User,
    (wants, resource, by_mail): (Wants, Option<ResourceId>, bool),
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(match wants {
        Wants::Any => true,
        Wants::Locked => user.locked.is_some() || read.guard(user.id)?.lock_at(now).is_some(),
        Wants::Bypassed => user.bypassed(now),
        Wants::NoToken => {
            let own = factors::load(read, user.id)?;
            match resource {
                Some(resource) => !own.guard(resource),
                None => own.sms.is_empty() && own.totp.is_empty(),
            }
        }
        Wants::NoWayIn => !view::way_in(user, by_mail),
    })
}

pub(super) async fn users(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let limit = usize::try_from(wanted.limit.clamp(1, 200)).unwrap_or(200);
    let search = search(&wanted.search)?;
    let after = after(daemon, wanted.after.as_deref())?;
    let wants = wants(wanted.state.as_deref())?;
    let (users, last) = read(daemon, move |read| {
        let names = Names::load(read, &act.scope)?;
        let resource = resource(read, wanted.resource.as_deref())?;
        let by_mail = by_mail(read)?;
        let mut page = Page::default();
        let mut taken = 0;
        let mut seen = None;
        let mut scan = Scan::new(after.clone(), &search, By::Words);
        while let Some(user) = scan.next(read)? {
            let within = resource.is_none_or(|id| user.resources.contains(&id));
            let found = within
                && names.sees(&user.resources)
                && fits(read, &user, (wants, resource, by_mail), act.now)?;
            if found {
                // One more than fits would be lost: the next page begins with it.
                let full = taken == limit || {
                    let beside = Beside::brief(read, &user, by_mail)?;
                    !page.push(view::user(&user, &beside, &names, act.now))
                };
                if full {
                    return Ok((page.rows(), seen));
                }
                taken += 1;
            }
            seen = Some(user.name);
        }
        Ok((page.rows(), seen.filter(|_| !scan.ended())))
    })
    .await?;
    Ok(AdminReply::Users {
        users,
        more: last.is_some(),
        after: last.map(|name| place(daemon, &name)),
    })
}

fn resource(read: &mut dyn Read, name: Option<&str>) -> Result<Option<ResourceId>, AdminError> {
    name.map(|name| Ok(find_resource(read, name)?.id)).transpose()
}

pub(super) async fn tokens(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let limit = usize::try_from(wanted.limit.clamp(1, 200)).unwrap_or(200);
    let search = search(&wanted.search)?;
    let after = after(daemon, wanted.after.as_deref())?;
    let (tokens, last) = read(daemon, move |read| {
        let names = Names::load(read, &act.scope)?;
        let resource = resource(read, wanted.resource.as_deref())?;
        // All tokens of an owner, or none: pages are cut between owners.
        let mut page: Page<Vec<TokenView>> = Page::default();
        let mut owners = 0;
        let mut seen = None;
        let mut scan = Scan::new(after.clone(), &search, By::Login);
        while let Some(user) = scan.next(read)? {
            if names.sees(&user.resources) && resource.is_none_or(|id| user.resources.contains(&id)) {
                let mut own = factors::load(read, user.id)?;
                if let Some(id) = resource {
                    own.sms.retain(|token| token.resources.contains(&id));
                    own.totp.retain(|token| token.resources.contains(&id));
                }
                let tokens = view::tokens(&own, &user.login, &names);
                if !tokens.is_empty() {
                    if owners == limit || !page.push(tokens) {
                        return Ok((page.rows(), seen));
                    }
                    owners += 1;
                }
            }
            seen = Some(user.name);
        }
        Ok((page.rows(), seen.filter(|_| !scan.ended())))
    })
    .await?;
    Ok(AdminReply::TokensFound {
        tokens: tokens.into_iter().flatten().collect(),
        after: last.map(|name| place(daemon, &name)),
    })
}
