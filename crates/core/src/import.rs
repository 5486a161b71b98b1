//! Users, bindings and phones from a table: what each line would do, and what is wrong with it.
//!
//! A shell splits the file into fields and looks rows up. [`Line::read`] checks a line by itself, [`conflicts`] compares the lines of
//! a file, [`decide`] compares a line with what is stored. Lines that contradict each other are all refused, so the order of lines
//! makes no difference; and what was imported is `same` when it is imported again. Empty fields change nothing.

use std::collections::BTreeMap;

use crate::Timestamp;
use crate::code::Digits;
use crate::gate::{Policy, Refusal, reachable};
use crate::ids::{ResourceId, TokenId, UserId};
use crate::name::{BadName, LoginName};
use crate::phone::{BadPhone, Phone};
use crate::resource::{Resource, key};
use crate::token::{self, BadTokenName, Status, Token};
use crate::user::{self, BadDetail, Profile, User};

/// Most octets of a file.
pub const MAX_OCTETS: usize = 16 * 1024 * 1024;
/// Most lines of a file, without its header.
pub const MAX_LINES: usize = 100_000;
/// Longest field that is quoted in a message, in characters.
const SHOWN: usize = 64;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Login.
    Login,
    /// E-mail address.
    Email,
    /// Phone number as typed.
    Phone,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Resource to bind to.
    Resource,
    /// Token name.
    Token,
}

impl Column {
    /// Its name in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Resource => "resource",
            Self::Token => "token",
        }
    }

    /// The column of a name: ours, or the vendor's English one; case, blanks, `-` and `_` do not count.
    fn of(name: &str) -> Option<Self> {
        let folded: String = name
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        Some(match folded.as_str() {
            "login" => Self::Login,
            "email" => Self::Email,
            "phone" | "phonenumber" => Self::Phone,
            "firstname" => Self::FirstName,
            "lastname" | "secondname" => Self::LastName,
            "resource" | "resourcename" => Self::Resource,
            "token" | "tokenname" => Self::Token,
            _ => return None,
        })
    }
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(Vec<Column>);

/// Why a file is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// A column of no known name.
    #[error(
        "the column `{0}` is not known; the first line names the columns: \
         login,email,phone,first-name,last-name,resource,token"
    )]
    Unknown(String),
    /// A column that is there twice.
    #[error("the column {0} is there twice; keep one")]
    Twice(&'static str),
    /// No login.
    #[error(
        "the first line names no column login; it reads like: login,email,phone,first-name,last-name,resource,token"
    )]
    NoLogin,
}

impl Header {
    /// Reads the names of columns, in any order.
    ///
    /// # Errors
    /// [`BadHeader`] names the column.
    pub fn read<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Self, BadHeader> {
        let mut columns = Vec::new();
        for field in fields {
            let column = Column::of(field).ok_or_else(|| BadHeader::Unknown(shown(field)))?;
            if columns.contains(&column) {
                return Err(BadHeader::Twice(column.as_str()));
            }
            columns.push(column);
        }
        if columns.contains(&Column::Login) {
            Ok(Self(columns))
        } else {
            Err(BadHeader::NoLogin)
        }
    }
}

/// What is wrong with a line, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More fields than columns.
    #[error(
        "the line has {has} fields and the first line {columns} columns; put fields with commas in quotes"
    )]
    Fields {
        /// Fields.
        has: usize,
        /// Columns.
        columns: usize,
    },
    /// The login.
    #[error("login: {0}")]
    Login(BadName),
    /// The e-mail address.
    #[error("email: {0}")]
    Email(BadDetail),
    /// A name.
    #[error("{field}: {error}")]
    Name {
        /// Column.
        field: &'static str,
        /// Why.
        error: BadDetail,
    },
    /// The phone number.
    #[error("phone: {0}")]
    Phone(BadPhone),
    /// Texts to the number are not allowed.
    #[error("phone: texts to {0} are not allowed; allow the country first")]
    Country(String),
    /// The number takes no texts.
    #[error("phone: this is no mobile number, so it takes no texts")]
    NoTexts,
    /// The token's name.
    #[error("token: {0}")]
    Token(BadTokenName),
    /// A token name without a number.
    #[error("token: a token needs a phone number; fill in phone, or leave token empty")]
    TokenAlone,
    /// No such resource.
    #[error("resource: there is no resource `{0}`; make it first")]
    NoResource(String),
    /// A number, and nothing that its token could guard.
    #[error("phone: the user is bound to no resource; fill in resource")]
    Unbound,
    /// The login is another name of somebody.
    #[error("login: this is an alias of {0}; write {0}")]
    Alias(String),
    /// Another line says otherwise about the same user.
    #[error("{field}: line {line} says otherwise about the same user; keep one")]
    Differs {
        /// Column.
        field: &'static str,
        /// The other line.
        line: u64,
    },
    /// A user has one token in a resource.
    #[error("phone: line {0} gives the same user another number for the same resource; keep one")]
    TwoPhones(u64),
    /// Another line gives it to another user.
    #[error("{field}: line {line} gives it to another user; it must be unique")]
    TakenInFile {
        /// Column.
        field: &'static str,
        /// The other line.
        line: u64,
    },
    /// Another user has it.
    #[error("{0}: another user has it already; it must be unique")]
    Taken(&'static str),
    /// There is a token already.
    #[error("phone: the user has a token in {0} already; remove it first, or leave phone empty")]
    HasToken(String),
}

/// A line that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Login as far as it can be shown.
    pub login: String,
    /// Why.
    pub problem: Problem,
}

/// What lines are checked against.
#[derive(Debug, Clone, Default)]
pub struct Known {
    resources: BTreeMap<String, Resource>,
    policy: Policy,
}

impl Known {
    /// All resources, and what may be sent.
    #[must_use]
    pub fn new(resources: Vec<Resource>, policy: Policy) -> Self {
        Self {
            resources: resources.into_iter().map(|r| (r.key(), r)).collect(),
            policy,
        }
    }

    fn of(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.values().find(|r| r.id == id)
    }

    fn shared(&self, ids: &[ResourceId]) -> bool {
        ids.iter().all(|id| self.of(*id).is_some_and(|r| r.shared_phones))
    }

    fn name(&self, id: ResourceId) -> String {
        self.of(id).map_or_else(String::new, |r| r.name.clone())
    }
}

/// A line that is well by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number in the file, from 1; the header is 1.
    pub number: u64,
    /// Whose.
    pub name: LoginName,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// Token name.
    pub token: Option<String>,
    /// Resource to bind to.
    pub resource: Option<ResourceId>,
}

impl Line {
    /// Reads the fields of a line.
    ///
    /// # Errors
    /// [`Bad`] names the column and what mends it.
    pub fn read<'a>(
        header: &Header,
        number: u64,
        fields: impl IntoIterator<Item = &'a str>,
        known: &Known,
    ) -> Result<Self, Bad> {
        let fields: Vec<&str> = fields.into_iter().map(plain).collect();
        let get = |column| {
            let at = header.0.iter().position(|own| *own == column)?;
            fields.get(at).copied().filter(|field| !field.is_empty())
        };
        let login = get(Column::Login).unwrap_or_default();
        let bad = |problem| Bad {
            login: shown(login),
            problem,
        };
        if fields.len() > header.0.len() {
            return Err(bad(Problem::Fields {
                has: fields.len(),
                columns: header.0.len(),
            }));
        }
        let name = LoginName::parse(login).map_err(|e| bad(Problem::Login(e)))?;
        let email = get(Column::Email)
            .map(user::email)
            .transpose()
            .map_err(|e| bad(Problem::Email(e)))?
            .flatten();
        let person = |column: Column| {
            let field = column.as_str();
            let name = get(column).map(user::person_name).transpose();
            name.map_err(|error| bad(Problem::Name { field, error }))
        };
        let first_name = person(Column::FirstName)?;
        let last_name = person(Column::LastName)?;
        let resource = match get(Column::Resource) {
            Some(raw) => {
                let found = known.resources.get(&key(raw));
                Some(found.ok_or_else(|| bad(Problem::NoResource(shown(raw))))?)
            }
            None => None,
        };
        let phone = match get(Column::Phone) {
            Some(raw) => {
                let phone = Phone::parse(raw, resource.and_then(|r| r.region));
                Some(phone.map_err(|e| bad(Problem::Phone(e)))?)
            }
            None => None,
        };
        let token = get(Column::Token)
            .map(token::tidy)
            .transpose()
            .map_err(|e| bad(Problem::Token(e)))?;
        if token.is_some() && phone.is_none() {
            return Err(bad(Problem::TokenAlone));
        }
        Ok(Self {
            number,
            name,
            email,
            first_name,
            last_name,
            phone,
            token,
            resource: resource.map(|r| r.id),
        })
    }
}

/// The order in which lines are decided: those that only add a token to what the user is bound to come last.
#[must_use]
pub fn turn(line: &Line) -> (bool, u64) {
    (line.phone.is_some() && line.resource.is_none(), line.number)
}

/// A field without outer blanks, and without the apostrophe that keeps spreadsheets from reading it as a formula.
fn plain(field: &str) -> &str {
    let field = field.trim();
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => field,
    }
}

/// A field for a message: on one line and not endless.
fn shown(field: &str) -> String {
    let letters = field.chars().map(|c| if c.is_control() { '?' } else { c });
    letters.take(SHOWN).collect()
}

/// Which lines hold a value: the first line of each value.
type Values<'a> = BTreeMap<String, (u64, &'a LoginName)>;

/// Lines that contradict others of the file, by number. Of a contradiction every line is refused.
#[must_use]
pub fn conflicts(lines: &[Line], known: &Known) -> BTreeMap<u64, Problem> {
    let mut found = BTreeMap::new();
    let mut put = |number: u64, problem: Problem| {
        found.entry(number).or_insert(problem);
    };
    for (field, value) in [
        (
            Column::Email,
            (|line: &Line| line.email.as_deref().map(key)) as fn(&Line) -> Option<String>,
        ),
        (Column::FirstName, |line| line.first_name.clone()),
        (Column::LastName, |line| line.last_name.clone()),
    ] {
        let of = |line: &Line| Some((line.name.to_string(), value(line)?));
        differing(lines, of, |number, line| {
            put(
                number,
                Problem::Differs {
                    field: field.as_str(),
                    line,
                },
            );
        });
    }
    let token = |line: &Line| {
        let phone = line.phone.as_ref()?.expose();
        Some((format!("{} {phone}", line.name), line.token.clone()?))
    };
    differing(lines, token, |number, line| {
        let field = Column::Token.as_str();
        put(number, Problem::Differs { field, line });
    });
    let phone = |line: &Line| {
        let phone = line.phone.as_ref()?.expose().to_owned();
        let resource = line.resource.map_or_else(String::new, |id| id.to_string());
        Some((format!("{} {resource}", line.name), phone))
    };
    differing(lines, phone, |number, line| put(number, Problem::TwoPhones(line)));
    taken(
        lines,
        |line| line.email.as_deref().map(key),
        |line, other| {
            let field = Column::Email.as_str();
            put(line.number, Problem::TakenInFile { field, line: other });
        },
    );
    let number = |line: &Line| line.phone.as_ref().map(|phone| phone.expose().to_owned());
    taken(lines, number, |line, other| {
        let shared = line.resource.is_some_and(|id| known.shared(&[id]));
        if !shared {
            let field = Column::Phone.as_str();
            put(line.number, Problem::TakenInFile { field, line: other });
        }
    });
    found
}

/// Calls `put` for each line whose subject has different values in the file, with a line that has another.
fn differing(lines: &[Line], of: impl Fn(&Line) -> Option<(String, String)>, mut put: impl FnMut(u64, u64)) {
    let mut seen: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines {
        if let Some((subject, value)) = of(line) {
            let first = seen
                .entry(subject)
                .or_default()
                .entry(value)
                .or_insert(line.number);
            *first = (*first).min(line.number);
        }
    }
    for line in lines {
        let Some((subject, value)) = of(line) else {
            continue;
        };
        let others = seen.get(&subject).into_iter().flatten();
        if let Some(other) = others
            .filter(|(own, _)| **own != value)
            .map(|(_, line)| *line)
            .min()
        {
            put(line.number, other);
        }
    }
}

/// Calls `put` for each line whose value another user has in the file, with the first line of such a user.
fn taken<'a>(lines: &'a [Line], of: impl Fn(&Line) -> Option<String>, mut put: impl FnMut(&'a Line, u64)) {
    // The first line of the first user, and the first line of any other.
    let mut first: Values<'_> = BTreeMap::new();
    let mut second: Values<'_> = BTreeMap::new();
    for line in lines {
        let Some(value) = of(line) else { continue };
        match first.get(&value) {
            None => {
                first.insert(value, (line.number, &line.name));
            }
            Some((_, name)) if **name != line.name => {
                second.entry(value).or_insert((line.number, &line.name));
            }
            Some(_) => {}
        }
    }
    for line in lines {
        let Some(value) = of(line) else { continue };
        let (Some((one, name)), Some((two, _))) = (first.get(&value), second.get(&value)) else {
            continue;
        };
        put(line, if **name == line.name { *two } else { *one });
    }
}

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
        && bind(&mut user, resource, now)
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

/// Binds the user; false where that was so.
pub fn bind(user: &mut User, resource: ResourceId, now: Timestamp) -> bool {
    if user.resources.contains(&resource) {
        return false;
    }
    user.resources.push(resource);
    user.profile.bound.retain(|(id, _)| *id != resource);
    user.profile.bound.push((resource, now));
    true
}

/// Takes the user out; false where it was not bound.
pub fn unbind(user: &mut User, resource: ResourceId) -> bool {
    let before = user.resources.len();
    user.resources.retain(|id| *id != resource);
    user.profile.bound.retain(|(id, _)| *id != resource);
    user.profile.preferred.retain(|(id, _)| *id != resource);
    user.resources.len() != before
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
