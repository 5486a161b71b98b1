//! What a line does to what is stored.

use super::{Column, Known, Line, Problem};
use crate::Timestamp;
use crate::code::Digits;
use crate::gate::{Refusal, reachable};
use crate::ids::{ResourceId, TokenId, UserId};
use crate::phone::Phone;
use crate::token::{self, Status, Token};
use crate::user::{Profile, User};

/// What is stored, as far as a line is about it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Who has the login, as login or alias.
    pub user: Option<&'a User>,
    /// The user's SMS tokens.
    pub tokens: &'a [Token],
    /// Whether somebody else has the e-mail address.
    pub email_elsewhere: bool,
    /// Whether somebody else has the phone number.
    pub phone_elsewhere: bool,
}

/// Fresh ids, used where something is made.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    /// Of the user.
    pub user: UserId,
    /// Of the token.
    pub token: TokenId,
}

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Makes the user.
    Add,
    /// Changes the user.
    Change,
    /// Nothing.
    Same,
}

impl Kind {
    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Same => "same",
        }
    }
}

/// What a line does, in rows and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it is.
    pub kind: Kind,
    /// The user after it, where that is new or changed.
    pub user: Option<User>,
    /// The token after it, where that is new or changed.
    pub token: Option<Token>,
    /// In words, numbers masked.
    pub text: String,
}

/// What a line does to what is stored.
///
/// # Errors
/// [`Problem`]: the line cannot be taken.
pub fn decide(
    line: &Line,
    found: &Found<'_>,
    known: &Known,
    ids: Ids,
    now: Timestamp,
) -> Result<Outcome, Problem> {
    if let Some(user) = found.user
        && user.name != line.name
    {
        return Err(Problem::Alias(user.login.clone()));
    }
    let mut said = Vec::new();
    let fresh = found.user.is_none();
    let mut user = found.user.cloned().unwrap_or_else(|| blank(line, ids.user, now));
    if let Some(email) = &line.email
        && user.email.as_ref() != Some(email)
    {
        if found.email_elsewhere {
            return Err(Problem::Taken(Column::Email.as_str()));
        }
        user.email = Some(email.clone());
        said.push(format!("e-mail {email}"));
    }
    for (field, wanted, own) in [
        ("first name", &line.first_name, &mut user.profile.first_name),
        ("last name", &line.last_name, &mut user.profile.last_name),
    ] {
        if let Some(wanted) = wanted
            && own != wanted
        {
            own.clone_from(wanted);
            said.push(format!("{field} {wanted}"));
        }
    }
    if let Some(resource) = line.resource
        && user.bind(resource, now)
    {
        said.push(format!("bound to {}", known.name(resource)));
    }
    let changed = !said.is_empty();
    let token = match &line.phone {
        Some(phone) => token(line, phone, (&user, found), known, (ids.token, now))?,
        None => None,
    };
    let token = token.map(|(token, words)| {
        said.push(words);
        token
    });
    let kind = match (fresh, said.is_empty()) {
        (true, _) => Kind::Add,
        (false, true) => Kind::Same,
        (false, false) => Kind::Change,
    };
    if fresh {
        said.insert(0, "new user".to_owned());
    }
    Ok(Outcome {
        kind,
        user: (fresh || changed).then_some(user),
        token,
        text: said.join("; "),
    })
}

fn blank(line: &Line, id: UserId, now: Timestamp) -> User {
    User {
        id,
        login: line.name.to_string(),
        name: line.name.clone(),
        aliases: Vec::new(),
        email: None,
        password: None,
        locked: None,
        bypass_until: None,
        resources: Vec::new(),
        profile: Profile::default(),
        created: now,
    }
}

/// The token of a line, where it is new or changes.
fn token(
    line: &Line,
    phone: &Phone,
    (user, found): (&User, &Found<'_>),
    known: &Known,
    (id, now): (TokenId, Timestamp),
) -> Result<Option<(Token, String)>, Problem> {
    let guards: Vec<ResourceId> = match line.resource {
        Some(resource) => vec![resource],
        None => user.resources.clone(),
    };
    if guards.is_empty() {
        return Err(Problem::Unbound);
    }
    // Where numbers are shared, a user may have it more than once: the one that guards most of it.
    let same = found.tokens.iter().rev().filter(|token| token.phone == *phone);
    let own = same.max_by_key(|token| guards.iter().filter(|id| token.resources.contains(id)).count());
    let missing: Vec<ResourceId> = guards
        .iter()
        .copied()
        .filter(|id| own.is_none_or(|own| !own.resources.contains(id)))
        .collect();
    let named = line
        .token
        .as_ref()
        .filter(|name| own.is_some_and(|own| own.name != **name));
    if own.is_some() && missing.is_empty() && named.is_none() {
        return Ok(None);
    }
    let other = |id: &&ResourceId| {
        let mut others = found.tokens.iter().filter(|token| token.phone != *phone);
        others.any(|token| token.resources.contains(*id))
    };
    if let Some(taken) = missing.iter().find(other) {
        return Err(Problem::HasToken(known.name(*taken)));
    }
    if !missing.is_empty() && found.phone_elsewhere && !known.shared(&guards) {
        return Err(Problem::Taken(Column::Phone.as_str()));
    }
    let names: Vec<String> = missing.iter().map(|id| known.name(*id)).collect();
    let token = match own {
        Some(own) => {
            let mut token = own.clone();
            token.resources.extend(&missing);
            if let Some(name) = &line.token {
                token.name.clone_from(name);
            }
            // Until its first right code it is as if it were made now: the longest code of all that it guards.
            if !token.verified {
                token.digits = longest(&token.resources, known, Some(token.digits));
            }
            token
        }
        None => {
            reachable(&known.policy, phone).map_err(|refusal| match refusal {
                Refusal::Country(region) => Problem::Country(region.to_string()),
                _ => Problem::NoTexts,
            })?;
            Token {
                id,
                user: user.id,
                name: token::name(line.token.as_deref().unwrap_or_default(), phone)
                    .map_err(Problem::Token)?,
                phone: phone.clone(),
                digits: longest(&guards, known, None),
                status: Status::Active,
                verified: false,
                resources: guards,
                created: now,
            }
        }
    };
    let masked = phone.masked();
    let words = match (own.is_some(), missing.is_empty()) {
        (false, _) => format!("SMS token {masked} for {}, unverified", names.join(", ")),
        (true, false) => format!("SMS token {masked} also for {}", names.join(", ")),
        (true, true) => format!("SMS token {masked} named {}", token.name),
    };
    Ok(Some((token, words)))
}

/// Length of the codes of a new token: the longest that one of its resources wants.
fn longest(ids: &[ResourceId], known: &Known, own: Option<Digits>) -> Digits {
    let wanted = ids.iter().filter_map(|id| known.of(*id)).map(|r| r.digits);
    wanted
        .chain(own)
        .max_by_key(|digits| digits.get())
        .unwrap_or(Digits::SIX)
}
