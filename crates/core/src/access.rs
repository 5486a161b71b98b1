//! Rules of a resource besides the code: from where and when logins are let in at all, who needs no code, and for how long a code
//! that was given holds (domain decision 9). A rule that cannot be evaluated denies.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::challenge::{Challenge, Channel};
use crate::ids::{ResourceId, UserId};
use crate::name::LoginName;
use crate::net::Network;
use crate::resource::Resource;
use crate::token::{Status, Token};
use crate::user::User;

/// Longest time for which a code holds, in minutes.
pub const REMEMBER_MINUTES: u32 = 24 * 60;
/// Most entries of one list.
pub const ENTRIES: usize = 256;
/// Longest name of a group, in characters.
pub const GROUP: usize = 100;

/// Rules of a resource. All are off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Access {
    /// Networks that logins must come from; none: from everywhere.
    pub allowed_networks: Vec<Network>,
    /// Times at which logins are let in; none: always.
    pub hours: Vec<Hours>,
    /// Time zone of `hours`; empty: the daemon's.
    pub time_zone: String,
    /// Networks that need no code.
    pub exempt_networks: Vec<Network>,
    /// Users that need no code.
    pub exempt_users: Vec<LoginName>,
    /// Groups whose members need no code.
    pub exempt_groups: Vec<String>,
    /// Minutes for which a code given from a source holds there; 0: not at all.
    pub remember_minutes: u32,
    /// Reply attributes.
    pub reply: Vec<ReplyRule>,
}

/// Whose a reply attribute is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Everybody's.
    All,
    /// One group's.
    Group(String),
    /// One person's.
    User(LoginName),
}

/// A reply attribute as the administrator wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReplyRule {
    /// Whose.
    pub subject: Subject,
    /// `NAME = VALUE`.
    pub attribute: String,
}

/// Days and time of day: `mon-fri 07:00-19:00`, `sat,sun 10:00-16:00`, `daily 22:00-06:00` (into the next morning).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    /// Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    from: u16,
    /// Minutes after midnight, not included; not after `from`: of the next day.
    to: u16,
}

/// A moment as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// 0 is Monday.
    pub weekday: u8,
    /// Minutes after midnight.
    pub minute: u16,
}

/// Text that names no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no hours; write mon-fri 07:00-19:00, sat,sun 10:00-16:00 or daily 00:00-24:00")]
pub struct BadHours(String);

/// Why rules are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAccess {
    /// More than a day.
    #[error("remember-minutes is at most {REMEMBER_MINUTES} (24 hours), not {0}")]
    Remember(u32),
    /// More than [`ENTRIES`].
    #[error("a list holds at most {ENTRIES} entries, not {0}")]
    Entries(usize),
    /// The whole internet needs no code.
    #[error("the exempt network {0} is everybody; switch the resource's second factor off in another way")]
    Everybody(Network),
    /// Empty, too long, or with control characters.
    #[error("a group has 1 to {GROUP} characters and no control characters or commas")]
    Group,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u16 = 24 * 60;

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let bad = || BadHours(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let (days, times) = lower.split_once(' ').ok_or_else(bad)?;
        let (from, to) = times.trim().split_once('-').ok_or_else(bad)?;
        let (from, to) = (minute(from).ok_or_else(bad)?, minute(to).ok_or_else(bad)?);
        if from == to || from == DAY {
            return Err(bad());
        }
        Ok(Self {
            days: weekdays(days).ok_or_else(bad)?,
            from,
            to,
        })
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let all = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && all <= DAY).then_some(all)
}

fn weekdays(text: &str) -> Option<[bool; 7]> {
    if text == "daily" {
        return Some([true; 7]);
    }
    let place = |day: &str| DAYS.iter().position(|known| *known == day);
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        // `fri-mon` goes over the weekend.
        let length = (last + 7 - first) % 7;
        for day in (0..=length).map(|step| (first + step) % 7) {
            *days.get_mut(day)? = true;
        }
    }
    Some(days)
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

impl TryFrom<String> for Hours {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        text.parse()
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.days == [true; 7] {
            f.write_str("daily")?;
        } else {
            let named = DAYS.iter().zip(self.days).filter(|(_, on)| *on);
            for (at, (day, _)) in named.enumerate() {
                write!(f, "{}{day}", if at == 0 { "" } else { "," })?;
            }
        }
        let (from, to) = (self.from, self.to);
        write!(
            f,
            " {:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

impl Hours {
    /// Whether `at` lies within.
    #[must_use]
    pub fn contain(&self, at: Local) -> bool {
        let on = |day: u8| self.days.get(usize::from(day % 7)).copied().unwrap_or_default();
        let minute = at.minute;
        if self.from < self.to {
            return on(at.weekday) && (self.from..self.to).contains(&minute);
        }
        // Into the next morning: the day is the one it began on.
        (on(at.weekday) && minute >= self.from) || (on(at.weekday + 6) && minute < self.to)
    }
}

/// A source where a code was given, and holds for a while. Never for sudo or su.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Remembered {
    /// Made of user, resource, service and address: one entry each.
    pub id: [u8; 16],
    /// Who gave the code.
    pub user: UserId,
    /// For what.
    pub resource: ResourceId,
    /// RADIUS client or PAM service.
    pub group: String,
    /// Where from.
    pub address: IpAddr,
    /// [`mark`] of what stood behind the code.
    pub mark: [u8; 32],
    /// When.
    pub since: Timestamp,
    /// End.
    pub until: Timestamp,
}

/// The id of the entry for a source.
#[must_use]
pub fn remembered_id(user: UserId, resource: ResourceId, group: &str, address: IpAddr) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new()
        .chain_update(user.0)
        .chain_update(resource.0)
        .chain_update(address.to_canonical().to_string())
        .chain_update([0])
        .chain_update(group)
        .finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

/// What a remembered code stands on: another password, token or number makes another mark, and ends what is remembered.
#[must_use]
pub fn mark(user: &User, token: &Token) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let password = user.password.as_ref().map_or("", |hash| hash.0.as_str());
    Sha256::new()
        .chain_update(user.id.0)
        .chain_update(password.len().to_be_bytes())
        .chain_update(password)
        .chain_update(token.id.0)
        .chain_update(token.created.0.to_be_bytes())
        .chain_update(token.phone.expose())
        .chain_update([u8::from(token.status == Status::Active)])
        .finalize()
        .into()
}

/// The entry for a code that was given now, where the resource remembers codes and the source can be trusted.
#[must_use]
pub fn remember(
    challenge: &Challenge,
    resource: &Resource,
    (user, token): (&User, &Token),
    now: Timestamp,
) -> Option<Remembered> {
    let minutes = resource.access.remember_minutes;
    let address = challenge.origin.trusted?.to_canonical();
    (minutes > 0 && challenge.channel == Channel::Radius).then(|| Remembered {
        id: remembered_id(user.id, resource.id, &challenge.group, address),
        user: user.id,
        resource: resource.id,
        group: challenge.group.clone(),
        address,
        mark: mark(user, token),
        since: now,
        until: now.plus(std::time::Duration::from_secs(u64::from(minutes) * 60)),
    })
}

/// What of a login the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Login as it is compared.
    pub name: &'a LoginName,
    /// Groups, local and of a directory; `None`: they could not be looked up.
    pub groups: Option<&'a [String]>,
    /// Address that may be trusted; `None`: there is none.
    pub address: Option<IpAddr>,
    /// The wall's clock; `None`: the time zone is not known.
    pub local: Option<Local>,
    /// The entry for this source, where there is one.
    pub remembered: Option<&'a Remembered>,
    /// Now.
    pub now: Timestamp,
}

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing: a code is needed.
    Code,
    /// No code is needed: the network is exempt.
    ExemptNetwork,
    /// No code is needed: the user is exempt.
    ExemptUser,
    /// No code is needed: a group of the user is exempt.
    ExemptGroup,
    /// No code is needed: one was given from there a while ago.
    Remembered,
    /// Not from there.
    NetworkRefused,
    /// Not at this time.
    HourRefused,
    /// A rule could not be evaluated.
    Doubt,
}

impl Access {
    /// Checks every limit.
    ///
    /// # Errors
    /// [`BadAccess`] names the field and its limit.
    pub fn check(&self) -> Result<(), BadAccess> {
        if self.remember_minutes > REMEMBER_MINUTES {
            return Err(BadAccess::Remember(self.remember_minutes));
        }
        let lengths = [
            self.allowed_networks.len(),
            self.hours.len(),
            self.exempt_networks.len(),
            self.exempt_users.len(),
            self.exempt_groups.len(),
            self.reply.len(),
        ];
        if let Some(many) = lengths.into_iter().find(|n| *n > ENTRIES) {
            return Err(BadAccess::Entries(many));
        }
        if let Some(all) = self.exempt_networks.iter().find(|n| n.prefix() == 0) {
            return Err(BadAccess::Everybody(*all));
        }
        self.exempt_groups.iter().try_for_each(|group| check_group(group))
    }

    /// What these rules say of a login whose first factor passed. Refusals come first, so that an exemption never opens a door
    /// that another rule closes.
    #[must_use]
    pub fn rule(&self, asking: &Asking<'_>) -> Ruling {
        let within = |networks: &[Network]| {
            asking
                .address
                .is_some_and(|address| networks.iter().any(|n| n.contains(address)))
        };
        if !self.allowed_networks.is_empty() && !within(&self.allowed_networks) {
            return Ruling::NetworkRefused;
        }
        if !self.hours.is_empty() {
            match asking.local {
                None => return Ruling::Doubt,
                Some(local) if !self.hours.iter().any(|h| h.contain(local)) => {
                    return Ruling::HourRefused;
                }
                Some(_) => {}
            }
        }
        if within(&self.exempt_networks) {
            return Ruling::ExemptNetwork;
        }
        if self.exempt_users.contains(asking.name) {
            return Ruling::ExemptUser;
        }
        if !self.exempt_groups.is_empty() {
            match asking.groups {
                None => return Ruling::Doubt,
                Some(groups) => {
                    let exempt = |g: &String| self.exempt_groups.iter().any(|e| same_group(e, g));
                    if groups.iter().any(exempt) {
                        return Ruling::ExemptGroup;
                    }
                }
            }
        }
        let holds = |r: &Remembered| {
            // A window that was shortened holds for those that were given before too.
            let minutes = std::time::Duration::from_secs(u64::from(self.remember_minutes) * 60);
            asking.address == Some(r.address) && asking.now < r.until.min(r.since.plus(minutes))
        };
        if self.remember_minutes > 0 && asking.remembered.is_some_and(holds) {
            return Ruling::Remembered;
        }
        Ruling::Code
    }

    /// The reply attributes of a person, the particular before the general. An attribute that a person's or group's rule sets is not
    /// taken from a more general one.
    #[must_use]
    pub fn reply_of(&self, name: &LoginName, groups: &[String]) -> Vec<&str> {
        let concerns = |rule: &&ReplyRule, level: usize| match (&rule.subject, level) {
            (Subject::User(user), 0) => user == name,
            (Subject::Group(group), 1) => groups.iter().any(|g| same_group(g, group)),
            (Subject::All, 2) => true,
            _ => false,
        };
        let mut chosen: Vec<&str> = Vec::new();
        for level in 0..3 {
            let set: Vec<String> = chosen.iter().map(|a| attribute_name(a)).collect();
            chosen.extend(
                self.reply
                    .iter()
                    .filter(|rule| concerns(rule, level))
                    .map(|rule| rule.attribute.as_str())
                    .filter(|attribute| !set.contains(&attribute_name(attribute))),
            );
        }
        chosen
    }
}

/// Whether two spellings name one group: directories do not tell case apart.
#[must_use]
pub fn same_group(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Checks the name of a group.
///
/// # Errors
/// [`BadAccess::Group`].
pub fn check_group(group: &str) -> Result<(), BadAccess> {
    let length = group.chars().count();
    let fits = (1..=GROUP).contains(&length) && !group.chars().any(|c| c.is_control() || c == ',');
    if fits { Ok(()) } else { Err(BadAccess::Group) }
}

/// The name in `NAME = VALUE`, as it is compared.
#[must_use]
pub fn attribute_name(attribute: &str) -> String {
    attribute
        .split_once('=')
        .map_or(attribute, |(name, _)| name)
        .trim_end_matches('+')
        .trim()
        .to_lowercase()
}

#[cfg(test)]
mod tests;
