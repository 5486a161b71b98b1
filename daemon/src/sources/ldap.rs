//! A directory: finds the user's entry, signs in under its name, looks its groups up.
//!
//! The protocol is our own and small, because its peer is not trusted: before TLS anybody on the way can answer, and a panic ends this
//! process. Deliberately absent: referrals, SASL, changes of any kind.

mod ber;
mod connection;
mod message;
mod pool;
mod trouble;

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::source::filter::{Filter, Value};
use otpost_core::source::{
    BadSource, Bind, Checked, Group, Groups, Ldap, Link, Scheme, Server, Upn, common_name, fill_dn, fill_upn,
};
use tokio::sync::OnceCell;
use tokio_rustls::rustls::ClientConfig;

use super::Answered;
use super::order::Order;
use crate::sys;
use connection::Connection;
use message::{Depth, Entry, Outcome, Query};
use pool::{Pool, Taken};
use trouble::Trouble;

/// invalidCredentials (RFC 4511 appendix A.1).
const INVALID_CREDENTIALS: u32 = 49;
/// Most groups of one person.
const GROUPS: u32 = 2000;
/// Most values of one attribute, and longest value in octets.
const VALUES: usize = 100;
const VALUE: usize = 1024;
/// How long a server that did not answer is asked last.
const DEAD: std::time::Duration = std::time::Duration::from_secs(30);

/// A directory in use.
#[derive(Debug)]
pub(super) struct Directory {
    link: Link,
    ldap: Ldap,
    /// What finds the user's entry.
    person: Option<Filter>,
    /// What finds groups.
    groups: Option<Filter>,
    tls: OnceCell<Arc<ClientConfig>>,
    order: Order,
    /// Connections on which the searching account is signed in, by server.
    searching: Pool,
    /// Connections on which users sign in, by server.
    signing: Pool,
}

impl Directory {
    /// Makes what `ldap` describes.
    ///
    /// # Errors
    /// [`BadSource`].
    pub(super) fn new(link: Link, ldap: Ldap) -> Result<Self, BadSource> {
        ldap.check()?;
        if let Some(pem) = &ldap.ca {
            connection::authorities(pem).map_err(|_| BadSource::Ca)?;
        }
        let parse = |what, text: &str| Filter::parse(text).map_err(|e| BadSource::Filter(what, e));
        let person = match &ldap.bind {
            Bind::Search(search) => Some(parse("bind", &search.filter)?),
            Bind::Dn(_) | Bind::Upn(_) => None,
        };
        let groups = match &ldap.groups {
            Some(Groups::Search(group)) => Some(parse("groups", &group.filter)?),
            Some(Groups::Attribute(_)) | None => None,
        };
        let servers = ldap.urls.len();
        Ok(Self {
            link,
            person,
            groups,
            tls: OnceCell::new(),
            order: Order::new(servers),
            searching: Pool::new(servers),
            signing: Pool::new(servers),
            ldap,
        })
    }

    /// How long all of it may take.
    pub(super) fn whole(&self) -> std::time::Duration {
        let servers = u32::try_from(self.ldap.urls.len()).unwrap_or(1);
        self.ldap.timeout() * servers
    }

    /// Checks a password: at the first server that can say.
    pub(super) async fn check(&self, user: &str, password: &str, now: Timestamp) -> Answered {
        let mut last = (String::new(), Trouble::Deadline);
        for at in self.order.of(now) {
            let Some(server) = self.ldap.urls.get(at) else {
                continue;
            };
            let attempt = Attempt {
                directory: self,
                server,
                at,
                user,
                now,
            };
            let trouble = match sys::timeout(self.ldap.timeout(), attempt.check(password)).await {
                Some(Ok(checked)) => {
                    self.order.lives(at);
                    return Answered::new(checked, server.to_string());
                }
                Some(Err(trouble)) => trouble,
                None => Trouble::Deadline,
            };
            let go_on = trouble.is_elsewhere();
            last = (server.to_string(), trouble);
            if !go_on {
                break;
            }
            self.order.fails(at, now.plus(DEAD));
        }
        let (server, trouble) = last;
        Answered::unavailable(&self.link, format!("{server}: {trouble}"), server)
    }

    async fn tls(&self, server: &Server) -> Result<Option<&Arc<ClientConfig>>, Trouble> {
        if server.scheme == Scheme::Ldap && !self.ldap.start_tls {
            return Ok(None);
        }
        let make = || connection::trusting(self.ldap.ca.as_deref());
        self.tls.get_or_try_init(make).await.map(Some)
    }
}

/// One user at one server.
struct Attempt<'a> {
    directory: &'a Directory,
    server: &'a Server,
    at: usize,
    user: &'a str,
    now: Timestamp,
}

impl Attempt<'_> {
    async fn check(&self, password: &str) -> Result<Checked, Trouble> {
        match &self.directory.ldap.bind {
            Bind::Search(_) => self.search_and_bind(password).await,
            Bind::Dn(template) => match fill_dn(template, self.user) {
                Some(dn) => self.bind(&dn, Some(&dn), password).await,
                None => Ok(Checked::UnknownUser),
            },
            Bind::Upn(upn) => match fill_upn(&upn.name, self.user) {
                Some(name) => self.bind(&name, None, password).await,
                None => Ok(Checked::UnknownUser),
            },
        }
    }

    async fn search_and_bind(&self, password: &str) -> Result<Checked, Trouble> {
        let (Bind::Search(search), Some(filter)) = (&self.directory.ldap.bind, &self.directory.person) else {
            return Ok(Checked::UnknownUser);
        };
        let attributes = self.attributes();
        let query = Query {
            base: &search.base,
            depth: Depth::Below,
            filter,
            user: self.user,
            dn: "",
            // One more than may be found.
            limit: 2,
            seconds: self.seconds(),
            attributes: &attributes,
        };
        let (entries, outcome) = self.searched(&query).await?;
        // sizeLimitExceeded: there are more than two.
        if entries.len() > 1 || outcome.code == 4 {
            return Err(Trouble::Ambiguous);
        }
        if outcome.code != 0 {
            return Err(Trouble::search(outcome));
        }
        let Some(entry) = entries.into_iter().next().filter(|entry| !entry.dn.is_empty()) else {
            return Ok(Checked::UnknownUser);
        };
        let (outcome, connection) = self.signed_in(&entry.dn, password).await?;
        self.directory.signing.give(self.at, connection, self.now);
        match judged(&outcome)? {
            Judged::Passed => {
                let groups = match (&self.directory.ldap.groups, &self.directory.groups) {
                    (Some(Groups::Search(group)), Some(filter)) => {
                        let query = self.group_query(group, filter, &entry.dn);
                        common_names(self.searched(&query).await?)?
                    }
                    _ => self.groups_of(&entry),
                };
                Ok(self.passed(groups, &entry))
            }
            Judged::No(checked) => Ok(checked),
        }
    }

    /// Signs in under `name`, and looks up as that user what is wanted.
    async fn bind(&self, name: &str, dn: Option<&str>, password: &str) -> Result<Checked, Trouble> {
        let (outcome, mut connection) = self.signed_in(name, password).await?;
        let judged = judged(&outcome)?;
        let checked = match judged {
            Judged::Passed if self.directory.ldap.looks_up() => {
                let entry = self.own_entry(&mut connection, name, dn).await?;
                let groups = match (&self.directory.ldap.groups, &self.directory.groups) {
                    (Some(Groups::Search(group)), Some(filter)) => {
                        let query = self.group_query(group, filter, &entry.dn);
                        common_names(connection.search(&query).await?)?
                    }
                    _ => self.groups_of(&entry),
                };
                self.passed(groups, &entry)
            }
            Judged::Passed => Checked::passed(self.directory.link.clone()),
            Judged::No(checked) => checked,
        };
        self.directory.signing.give(self.at, connection, self.now);
        Ok(checked)
    }

    /// The entry of the user who is signed in.
    async fn own_entry(
        &self,
        connection: &mut Connection,
        name: &str,
        dn: Option<&str>,
    ) -> Result<Entry, Trouble> {
        let equal = |attribute: &str, value: &str| Filter::Equal(attribute.to_owned(), Value::literal(value));
        let base = match &self.directory.ldap.bind {
            Bind::Upn(Upn { base: Some(base), .. }) => base.as_str(),
            _ => dn.unwrap_or_default(),
        };
        let (depth, filter) = match dn {
            Some(_) => (Depth::Entry, Filter::Present("objectClass".to_owned())),
            // Whoever signs in as USER@DOMAIN may have another name of that kind in the entry.
            None => (
                Depth::Below,
                Filter::Or(vec![
                    equal("userPrincipalName", name),
                    equal("sAMAccountName", self.user),
                ]),
            ),
        };
        let attributes = self.attributes();
        let query = Query {
            base,
            depth,
            filter: &filter,
            user: self.user,
            dn: "",
            limit: 2,
            seconds: self.seconds(),
            attributes: &attributes,
        };
        let (entries, outcome) = connection.search(&query).await?;
        match (outcome.code, entries.len()) {
            (4, _) | (0, 2..) => Err(Trouble::Ambiguous),
            (0, _) => entries.into_iter().next().ok_or(Trouble::NoEntry),
            _ => Err(Trouble::search(outcome)),
        }
    }

    fn group_query<'q>(&'q self, group: &'q Group, filter: &'q Filter, dn: &'q str) -> Query<'q> {
        Query {
            base: &group.base,
            depth: Depth::Below,
            filter,
            user: self.user,
            dn,
            limit: GROUPS,
            seconds: self.seconds(),
            attributes: &["cn"],
        }
    }

    /// Names of the groups that the entry's attribute lists, by their distinguished names or as they are.
    fn groups_of(&self, entry: &Entry) -> Vec<String> {
        let Some(Groups::Attribute(name)) = &self.directory.ldap.groups else {
            return Vec::new();
        };
        let values = entry.values(name).into_iter();
        let named = |value: String| match value.contains('=') {
            true => common_name(&value),
            false => Some(value),
        };
        values
            .filter_map(named)
            .take(usize::try_from(GROUPS).unwrap_or(usize::MAX))
            .collect()
    }

    fn passed(&self, groups: Vec<String>, entry: &Entry) -> Checked {
        let wanted = self.directory.ldap.attributes.iter();
        let attributes = wanted.map(|name| {
            let values = entry.values(name).into_iter();
            let values = values.filter(|value| value.len() <= VALUE).take(VALUES);
            (name.clone(), values.collect())
        });
        let attributes = attributes.filter(|(_, values): &(String, Vec<String>)| !values.is_empty());
        Checked::Passed {
            by: self.directory.link.clone(),
            groups,
            attributes: attributes.collect(),
            reply: Vec::new(),
            ms_chap2: None,
        }
    }

    /// What is asked of the user's entry; `1.1` for nothing (RFC 4511 section 4.5.1.8).
    fn attributes(&self) -> Vec<&str> {
        let ldap = &self.directory.ldap;
        let mut names: Vec<&str> = ldap.attributes.iter().map(String::as_str).collect();
        if let Some(Groups::Attribute(name)) = &ldap.groups {
            names.push(name);
        }
        if names.is_empty() {
            names.push("1.1");
        }
        names
    }

    fn seconds(&self) -> u32 {
        self.directory.ldap.timeout_ms.div_ceil(1000)
    }

    /// Searches as the account that is set for it.
    async fn searched(&self, query: &Query<'_>) -> Result<(Vec<Entry>, Outcome), Trouble> {
        let pool = &self.directory.searching;
        if let Some(Taken(mut connection)) = pool.take(self.at, self.now) {
            match connection.search(query).await {
                Ok(found) => {
                    pool.give(self.at, connection, self.now);
                    return Ok(found);
                }
                // It may have ended while nobody looked: a new one tells.
                Err(Trouble::HungUp | Trouble::Garbage) => {}
                Err(other) => return Err(other),
            }
        }
        let mut connection = self.open().await?;
        if let Bind::Search(search) = &self.directory.ldap.bind
            && let (Some(name), Some(password)) = (&search.bind_dn, &search.password)
        {
            let outcome = connection.bind(name, password.expose()).await?;
            match outcome.code {
                0 => {}
                8 | 13 => return Err(Trouble::Protection(outcome.code)),
                code => {
                    let data = active_directory(&outcome).map(str::to_owned);
                    return Err(Trouble::Account { code, data });
                }
            }
        }
        let found = connection.search(query).await?;
        pool.give(self.at, connection, self.now);
        Ok(found)
    }

    /// Signs a user in. The connection holds that sign-in until the next.
    async fn signed_in(&self, name: &str, password: &str) -> Result<(Outcome, Connection), Trouble> {
        if let Some(Taken(mut connection)) = self.directory.signing.take(self.at, self.now) {
            match connection.bind(name, password).await {
                Ok(outcome) => return Ok((outcome, connection)),
                Err(Trouble::HungUp | Trouble::Garbage) => {}
                Err(other) => return Err(other),
            }
        }
        let mut connection = self.open().await?;
        let outcome = connection.bind(name, password).await?;
        Ok((outcome, connection))
    }

    async fn open(&self) -> Result<Connection, Trouble> {
        let tls = self.directory.tls(self.server).await?;
        Connection::open(self.server, &self.directory.ldap, tls).await
    }
}

fn common_names((entries, outcome): (Vec<Entry>, Outcome)) -> Result<Vec<String>, Trouble> {
    // With a group too few, a rule on groups would be wrong: sizeLimitExceeded is a failure too.
    if outcome.code != 0 {
        return Err(Trouble::search(outcome));
    }
    let name = |entry: Entry| {
        entry
            .values("cn")
            .into_iter()
            .next()
            .or_else(|| common_name(&entry.dn))
    };
    Ok(entries.into_iter().filter_map(name).collect())
}

enum Judged {
    Passed,
    No(Checked),
}

/// What the answer to a sign-in means.
fn judged(outcome: &Outcome) -> Result<Judged, Trouble> {
    // Errors of a password policy: 0 passwordExpired, 1 accountLocked, 2 changeAfterReset.
    let no = match (outcome.code, outcome.policy) {
        (0 | INVALID_CREDENTIALS, Some(0 | 2)) => Checked::Expired,
        (0 | INVALID_CREDENTIALS, Some(1)) => Checked::Locked,
        (0, _) => return Ok(Judged::Passed),
        (INVALID_CREDENTIALS, _) => match active_directory(outcome) {
            Some("525") => Checked::UnknownUser,
            // The password has expired, or has to be changed.
            Some("532" | "773") => Checked::Expired,
            // Not at this time, not from here, disabled, ended, locked.
            Some("530" | "531" | "533" | "701" | "775") => Checked::Locked,
            _ => Checked::Failed,
        },
        // noSuchObject and invalidDNSyntax are about the name; inappropriateAuthentication: it has no password.
        (32 | 34, _) => Checked::UnknownUser,
        (48, _) => Checked::Failed,
        // constraintViolation and unwillingToPerform: how some servers say locked and inactive.
        (19 | 53, _) => Checked::Locked,
        (8 | 13, _) => return Err(Trouble::Protection(outcome.code)),
        (code, _) => return Err(Trouble::Result(code)),
    };
    Ok(Judged::No(no))
}

/// The code that Active Directory puts into its words: `... AcceptSecurityContext error, data 52e, v3839`.
fn active_directory(outcome: &Outcome) -> Option<&str> {
    let (_, rest) = outcome.text.split_once(", data ")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    rest.get(..end).filter(|data| (1..=8).contains(&data.len()))
}

#[cfg(test)]
mod tests;
