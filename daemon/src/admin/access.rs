//! Rules of a resource between the core's types and the words of administrators.

use std::str::FromStr;

use otpost_core::access::{Access, Hours, ReplyRule, Subject};
use otpost_core::name::LoginName;
use otpost_core::net::Network;
use otpost_ipc::admin::AccessSet;
use otpost_radius_wire::dictionary::Dictionary;
use otpost_radius_wire::value::Entry;

use super::AdminError;

/// `own` with what is there.
pub(super) fn changed(
    mut own: Access,
    set: &AccessSet,
    dictionary: &Dictionary,
) -> Result<Access, AdminError> {
    if let Some(networks) = &set.allowed_networks {
        own.allowed_networks = all::<Network>(networks)?;
    }
    if let Some(hours) = &set.hours {
        own.hours = all::<Hours>(hours)?;
    }
    if let Some(zone) = &set.time_zone {
        let zone = zone.trim();
        crate::sys::time_zone(zone).map_err(|unknown| {
            AdminError::Invalid(format!(
                "{unknown}; write a zone such as Europe/Berlin, or leave it empty for the daemon's own"
            ))
        })?;
        zone.clone_into(&mut own.time_zone);
    }
    if let Some(networks) = &set.exempt_networks {
        own.exempt_networks = all::<Network>(networks)?;
    }
    if let Some(users) = &set.exempt_users {
        own.exempt_users = users
            .iter()
            .map(|user| LoginName::parse(user).map_err(AdminError::invalid))
            .collect::<Result<_, _>>()?;
    }
    if let Some(groups) = &set.exempt_groups {
        own.exempt_groups = groups.iter().map(|group| group.trim().to_owned()).collect();
    }
    own.remember_minutes = set.remember_minutes.unwrap_or(own.remember_minutes);
    if let Some(reply) = &set.reply {
        own.reply = reply
            .iter()
            .map(|rule| reply_rule(rule))
            .collect::<Result<_, _>>()?;
        for rule in &own.reply {
            attribute(dictionary, &rule.attribute)?;
        }
    }
    own.check().map_err(AdminError::invalid)?;
    Ok(own)
}

/// All rules in the words that [`changed`] takes.
pub(super) fn shown(own: &Access) -> AccessSet {
    AccessSet {
        allowed_networks: Some(words(&own.allowed_networks)),
        hours: Some(words(&own.hours)),
        time_zone: Some(own.time_zone.clone()),
        exempt_networks: Some(words(&own.exempt_networks)),
        exempt_users: Some(own.exempt_users.iter().map(|u| u.as_str().to_owned()).collect()),
        exempt_groups: Some(own.exempt_groups.clone()),
        remember_minutes: Some(own.remember_minutes),
        reply: Some(own.reply.iter().map(said).collect()),
    }
}

/// Whether a reply attribute can be sent.
pub(super) fn attribute(dictionary: &Dictionary, text: &str) -> Result<Entry, AdminError> {
    Entry::parse(dictionary, text).map_err(AdminError::invalid)
}

fn all<T>(raw: &[String]) -> Result<Vec<T>, AdminError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    raw.iter()
        .map(|text| text.trim().parse().map_err(AdminError::invalid))
        .collect()
}

fn words<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// `NAME = VALUE`, `user alice: NAME = VALUE` or `group staff: NAME = VALUE`.
fn reply_rule(raw: &str) -> Result<ReplyRule, AdminError> {
    let raw = raw.trim();
    let (head, attribute) = match raw.split_once(':') {
        // A colon behind the equals sign belongs to the value, one in the name to a tag.
        Some((head, rest)) if head.contains(' ') && !head.contains('=') => (Some(head), rest),
        _ => (None, raw),
    };
    let subject = match head.and_then(|head| head.split_once(' ')) {
        None => Subject::All,
        Some(("user", name)) => Subject::User(LoginName::parse(name.trim()).map_err(AdminError::invalid)?),
        Some(("group", group)) => {
            let group = group.trim();
            otpost_core::access::check_group(group).map_err(AdminError::invalid)?;
            Subject::Group(group.to_owned())
        }
        Some(_) => {
            return Err(AdminError::Invalid(format!(
                "`{raw}` begins with neither `user NAME:` nor `group NAME:`"
            )));
        }
    };
    Ok(ReplyRule {
        subject,
        attribute: attribute.trim().to_owned(),
    })
}

fn said(rule: &ReplyRule) -> String {
    match &rule.subject {
        Subject::All => rule.attribute.clone(),
        Subject::User(name) => format!("user {}: {}", name.as_str(), rule.attribute),
        Subject::Group(group) => format!("group {group}: {}", rule.attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Dictionary {
        Dictionary::shipped().unwrap()
    }

    #[test]
    fn what_is_shown_can_be_set_again() {
        let words = |all: &[&str]| Some(all.iter().map(|w| (*w).to_owned()).collect());
        let set = AccessSet {
            allowed_networks: words(&["192.0.2.0/24"]),
            hours: words(&["mon,tue,wed,thu,fri 07:00-19:00"]),
            time_zone: Some(String::new()),
            exempt_networks: words(&["2001:db8::/32"]),
            exempt_users: words(&["alice"]),
            exempt_groups: words(&["Domain Admins"]),
            remember_minutes: Some(60),
            reply: words(&[
                "Class = staff",
                "user alice: Framed-IP-Address = 192.0.2.9",
                "group Domain Admins: Tunnel-Type:1 = VLAN",
            ]),
        };
        let access = changed(Access::default(), &set, &shipped()).unwrap();
        assert_eq!(shown(&access), set);
        assert_eq!(
            changed(Access::default(), &shown(&access), &shipped()).unwrap(),
            access
        );
        assert_eq!(
            changed(access.clone(), &AccessSet::default(), &shipped()).unwrap(),
            access
        );
    }

    #[test]
    fn nonsense_is_named() {
        let set = |set: AccessSet| {
            changed(Access::default(), &set, &shipped())
                .unwrap_err()
                .to_string()
        };
        let bad = set(AccessSet {
            hours: Some(vec!["always".to_owned()]),
            ..AccessSet::default()
        });
        assert!(bad.contains("mon-fri 07:00-19:00"), "{bad}");
        let bad = set(AccessSet {
            time_zone: Some("Mars/Olympus".to_owned()),
            ..AccessSet::default()
        });
        assert!(bad.contains("Europe/Berlin"), "{bad}");
    }
}
