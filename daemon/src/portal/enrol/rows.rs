//! What the rules of enrolment look at.

use otpost_core::gate::Policy;
use otpost_core::portal::enrolment::{Enrolment, Held, View};
use otpost_core::portal::factors::TotpToken;
use otpost_core::user::User;
use otpost_store::{Read, StoreError, document};

use super::Asker;

/// A user's tokens and enrolments, and what may be sent.
pub(super) struct Rows {
    pub(super) held: Vec<Held>,
    enrolments: Vec<Enrolment>,
    policy: Policy,
}

impl Rows {
    pub(super) fn load(read: &mut dyn Read, user: &User) -> Result<Self, StoreError> {
        let mut held: Vec<Held> = read.tokens_of(user.id)?.iter().map(Held::from).collect();
        let apps = document::of::<TotpToken>(read, &user.id.0)?;
        held.extend(apps.iter().map(Held::from));
        Ok(Self {
            held,
            enrolments: document::of(read, &user.id.0)?,
            policy: read.send_policy()?,
        })
    }

    pub(super) fn view<'a>(&'a self, asker: &'a Asker) -> View<'a> {
        View {
            resource: &asker.resource,
            user: &asker.user,
            held: &self.held,
            enrolments: &self.enrolments,
            policy: &self.policy,
        }
    }
}
