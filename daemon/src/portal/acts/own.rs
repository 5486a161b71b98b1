//! Tokens of a person, of either kind; somebody else's are not there.

use otpost_core::ids::TokenId;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::settings::Kind;
use otpost_core::token::{Status, Token};
use otpost_store::{Read, StoreError, Tx, document};

use crate::portal::error::PortalError;
use crate::portal::session::Holder;

/// A token of theirs.
pub(super) enum Own {
    Sms(Token),
    Totp(TotpToken),
}

impl Own {
    pub(super) fn id(&self) -> TokenId {
        match self {
            Self::Sms(token) => token.id,
            Self::Totp(token) => token.id,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Sms(token) => &token.name,
            Self::Totp(token) => &token.name,
        }
    }

    pub(super) fn here(&self, holder: &Holder) -> bool {
        match self {
            Self::Sms(token) => token.resources.contains(&holder.resource.id),
            Self::Totp(token) => token.resources.contains(&holder.resource.id),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Sms(_) => Kind::Sms,
            Self::Totp(_) => Kind::Totp,
        }
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::Sms(token) => token.status,
            Self::Totp(token) => token.status,
        }
    }

    pub(super) fn put(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        match self {
            Self::Sms(token) => tx.put_token(token),
            Self::Totp(token) => document::put(tx, token),
        }
    }
}

/// A token of theirs, wherever it is bound; somebody else's is not there.
pub(super) fn own(read: &mut dyn Read, holder: &Holder, id: TokenId) -> Result<Own, PortalError> {
    if let Some(token) = read.token(id)?.filter(|t| t.user == holder.user.id) {
        return Ok(Own::Sms(token));
    }
    let apps = document::of::<TotpToken>(read, &holder.user.id.0)?;
    let app = apps.into_iter().find(|app| app.id == id);
    app.map(Own::Totp).ok_or(PortalError::NotFound)
}

/// A token of theirs that guards this resource.
pub(super) fn here(read: &mut dyn Read, holder: &Holder, id: &str) -> Result<Own, PortalError> {
    let id = id.parse().map_err(|_| PortalError::NotFound)?;
    let token = own(read, holder, id)?;
    if token.here(holder) {
        Ok(token)
    } else {
        Err(PortalError::NotFound)
    }
}

/// A token of theirs that may guard this resource too: not yet there, active, and none of its kind there.
pub(super) fn assignable(read: &mut dyn Read, holder: &Holder, id: TokenId) -> Result<Own, PortalError> {
    let token = own(read, holder, id)?;
    if token.here(holder) || token.status() != Status::Active {
        return Err(PortalError::NotFound);
    }
    // What may not be set up here does not come in by another door.
    if !holder.resource.self_service.offers(token.kind()) {
        return Err(PortalError::Forbidden);
    }
    let resource = holder.resource.id;
    let taken = match &token {
        Own::Sms(_) => {
            let all = read.tokens_of(holder.user.id)?;
            all.iter().any(|t| t.resources.contains(&resource))
        }
        Own::Totp(_) => {
            let all = document::of::<TotpToken>(read, &holder.user.id.0)?;
            all.iter().any(|t| t.resources.contains(&resource))
        }
    };
    if taken {
        return Err(PortalError::conflict(
            "has-token",
            "you have a token of this kind here already; replace it instead",
        ));
    }
    Ok(token)
}
