//! Recovery codes that come with a token. Hashing them is slow on purpose, so it is done before the transaction that takes the code,
//! and only for who has typed the right one.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::keys::Keyring;
use otpost_core::portal::enrolment::{By, Confirm, Confirmed, Enrolment, confirm};
use otpost_core::portal::settings::Kind;
use otpost_core::recovery::COUNT;
use otpost_store::{Read, StoreError};
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::rows::Rows;
use super::{Asker, find};
use crate::passwords::PasswordError;
use crate::portal::error::PortalError;
use crate::portal::factors::codes;
use crate::portal::recovery::{self, Fresh};
use crate::state::Daemon;

/// One set is made at a time: whoever sends the right code many times at once makes no more of them than one after the other.
static ONE: Mutex<()> = Mutex::const_new(());

/// Ten codes, hashed and in plain text.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(super) fresh: Fresh,
    // Held until the transaction that stores them has ended.
    _turn: Arc<MutexGuard<'static, ()>>,
}

/// Makes recovery codes where this very code would be taken and they come with the token; `None` otherwise. `asker` finds out who
/// asks, as the transaction will.
pub(crate) async fn prepare(
    daemon: &Daemon,
    asker: impl Fn(&mut dyn Read) -> Result<Asker, PortalError> + Clone + Send + 'static,
    (id, typed): (&str, &Zeroizing<String>),
) -> Result<Option<Prepared>, PortalError> {
    let look = || {
        let (keys, now) = (daemon.keys.clone(), daemon.now());
        let (id, typed, asker) = (id.to_owned(), typed.clone(), asker.clone());
        crate::portal::request::read(daemon, move |read| {
            let asker = asker(read)?;
            let enrolment = find(read, &asker, &id)?;
            Ok(comes(read, (&asker, &enrolment), &typed, &keys, now)?)
        })
    };
    if !look().await? {
        return Ok(None);
    }
    let turn = ONE.lock().await;
    if !look().await? {
        return Ok(None);
    }
    match recovery::make(daemon).await {
        Ok(fresh) => Ok(Some(Prepared {
            fresh,
            _turn: Arc::new(turn),
        })),
        // The token matters more; the codes can be made later.
        Err(PasswordError::Busy) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether recovery codes come with this code.
fn comes(
    read: &mut dyn Read,
    (asker, enrolment): (&Asker, &Enrolment),
    typed: &str,
    keys: &Keyring,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !offered(read, asker, enrolment)? {
        return Ok(false);
    }
    let rows = Rows::load(read, &asker.user)?;
    let code = Confirm {
        typed,
        by: asker.by,
        taken: taken(read, asker, enrolment)?,
        keys,
    };
    Ok(match confirm(enrolment, &code, &rows.view(asker), now) {
        Ok(Confirmed::Done { .. }) => true,
        Ok(Confirmed::Repeated { codes }) => codes,
        Ok(_) | Err(_) => false,
    })
}

/// Whether this enrolment may give out recovery codes: the user has none for here, or has those that it gave out, all unused.
pub(super) fn offered(read: &mut dyn Read, asker: &Asker, enrolment: &Enrolment) -> Result<bool, StoreError> {
    // An administrator would read somebody else's.
    if asker.by == By::Administrator || !asker.resource.self_service.offers(Kind::Recovery) {
        return Ok(false);
    }
    Ok(match codes(read, asker.user.id, asker.resource.id)? {
        None => true,
        Some(kept) => {
            let own = enrolment.confirmed.is_some_and(|_| enrolment.offered > 0);
            own && kept.set.left() == COUNT && kept.set.created >= enrolment.flow.created
        }
    })
}

/// Whether another token has the number, where numbers are not shared.
pub(super) fn taken(read: &mut dyn Read, asker: &Asker, enrolment: &Enrolment) -> Result<bool, StoreError> {
    if asker.resource.shared_phones {
        return Ok(false);
    }
    let Ok(Some(phone)) = enrolment.phone() else {
        return Ok(false);
    };
    let others = read.tokens_with_phone(&phone)?;
    Ok(others
        .iter()
        .any(|t| Some(t.id) != enrolment.replaces && t.id != enrolment.token))
}
