//! Users, bindings and phones from a table: what each line would do, and what is wrong with it.
//!
//! A shell splits the file into fields and looks rows up. [`Line::read`] checks a line by itself, [`conflicts`] compares the lines of
//! a file, [`decide`] compares a line with what is stored. Lines that contradict each other are all refused, so the order of lines
//! makes no difference; and what was imported is `same` when it is imported again. Empty fields change nothing.

mod columns;
mod conflicts;
mod decide;

use std::collections::BTreeMap;

use crate::gate::Policy;
use crate::ids::ResourceId;
use crate::name::{BadName, LoginName};
use crate::phone::{BadPhone, Phone};
use crate::resource::{Resource, key};
use crate::token::{self, BadTokenName};
use crate::user::{self, BadDetail};

pub use columns::{BadHeader, Column, Header};
pub use conflicts::conflicts;
pub use decide::{Found, Ids, Kind, Outcome, decide};

/// Most octets of a file.
pub const MAX_OCTETS: usize = 16 * 1024 * 1024;
/// Most lines of a file, without its header.
pub const MAX_LINES: usize = 100_000;
/// Longest field that is quoted in a message, in characters.
const SHOWN: usize = 64;

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
