//! Lines by user, and the user whose lines are being decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::import::{Found, Ids, Known, Line, Outcome, Problem, decide, turn};
use otpost_core::name::LoginName;
use otpost_core::resource::key;
use otpost_core::token::Token;
use otpost_core::user::User;
use otpost_store::{Read, StoreError};

use super::super::{AdminError, read};
use crate::state::Daemon;

/// Lines of a transaction, or of a read; a user's lines are never cut.
const CHUNK: usize = 250;

/// Lines that are decided together.
pub(super) type Lines = Arc<Vec<Arc<Line>>>;

/// What lines are checked against.
pub(super) async fn known(daemon: &Daemon) -> Result<Arc<Known>, AdminError> {
    let known = read(daemon, |read| {
        Ok(Known::new(read.resources()?, read.send_policy()?))
    })
    .await?;
    Ok(Arc::new(known))
}

/// In the order in which lines are decided: those of a user together.
pub(super) fn sorted(mut good: Vec<Arc<Line>>) -> Vec<Arc<Line>> {
    good.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| turn(a).cmp(&turn(b))));
    good
}

/// Cuts between users.
pub(super) fn chunks(lines: Vec<Arc<Line>>) -> Vec<Lines> {
    let mut chunks = Vec::new();
    let mut chunk: Vec<Arc<Line>> = Vec::new();
    for line in lines {
        let same = chunk.last().is_some_and(|last| last.name == line.name);
        if chunk.len() >= CHUNK && !same {
            chunks.push(Arc::new(std::mem::take(&mut chunk)));
        }
        chunk.push(line);
    }
    if !chunk.is_empty() {
        chunks.push(Arc::new(chunk));
    }
    chunks
}

/// The user whose lines are being decided, as after the lines before.
#[derive(Default)]
pub(super) struct People {
    name: Option<LoginName>,
    /// Absent where there is none of the name yet.
    pub(super) user: Option<User>,
    pub(super) tokens: Vec<Token>,
}

impl People {
    pub(super) fn decide(
        &mut self,
        read: &mut dyn Read,
        line: &Line,
        (known, emails): (&Known, &BTreeMap<String, LoginName>),
        (ids, now): (Ids, Timestamp),
    ) -> Result<Result<Outcome, Problem>, StoreError> {
        if self.name.as_ref() != Some(&line.name) {
            self.user = read.user_by_name(&line.name)?;
            self.tokens = match &self.user {
                Some(user) => read.tokens_of(user.id)?,
                None => Vec::new(),
            };
            self.name = Some(line.name.clone());
        }
        let own = self.user.as_ref().map(|user| user.id);
        let phone_elsewhere = match &line.phone {
            Some(phone) => {
                let mut all = read.tokens_with_phone(phone)?.into_iter();
                all.any(|token| Some(token.user) != own)
            }
            None => false,
        };
        let email = line.email.as_deref().map(key);
        let email_elsewhere = email
            .and_then(|email| emails.get(&email))
            .is_some_and(|name| *name != line.name);
        let found = Found {
            user: self.user.as_ref(),
            tokens: &self.tokens,
            email_elsewhere,
            phone_elsewhere,
        };
        Ok(decide(line, &found, known, ids, now))
    }

    /// The next line sees what this one did.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        if let Some(user) = &outcome.user {
            self.user = Some(user.clone());
        }
        if let Some(token) = &outcome.token {
            self.tokens.retain(|own| own.id != token.id);
            self.tokens.push(token.clone());
        }
    }
}
