//! A new password.

use std::sync::Arc;

use otpost_core::ids::Reference;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::settings::Action;
use otpost_core::portal::verification::Act;
use otpost_core::user::User;
use otpost_ipc::Secret;
use otpost_ipc::portal::PortalReply;
use zeroize::Zeroizing;

use super::{allowed, done};
use crate::portal::error::PortalError;
use crate::portal::factors::{password_closed, wrong_password};
use crate::portal::request::{Out, read, run};
use crate::portal::session::holder;
use crate::portal::user::Who;
use crate::portal::{proof, step_up};
use crate::state::Daemon;

/// The action that setting a password is.
pub(super) fn password_action(user: &User) -> Action {
    match user.password {
        Some(_) => Action::ChangePassword,
        None => Action::CreatePassword,
    }
}

/// A new password: the old one is checked and the new one hashed before the transaction.
pub(super) async fn password(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): Who,
    (current, new): (Option<Secret>, Secret),
) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    let (wanted, kept) = (address.clone(), cookie.clone());
    let old = read(daemon, move |read| {
        let holder = holder(read, &wanted, &kept, now)?;
        allowed(&holder, password_action(&holder.user))?;
        // Guessing it here is guessing it at the sign-in.
        if let Some(wait) = password_closed(read, holder.user.id, &holder.session.source, now)? {
            return Err(PortalError::Busy {
                word: "current",
                retry_after: Some(wait),
            });
        }
        Ok(holder.user.password)
    })
    .await?;
    let length = new.expose().chars().count();
    if !(6..=128).contains(&length) {
        let rule = "a password has 6 to 128 characters";
        return Err(PortalError::invalid("new", rule));
    }
    if let Some(old) = &old {
        let typed = Zeroizing::new(current.map_or_else(String::new, |c| c.expose().to_owned()));
        let _turn = proof::turn()?;
        if !daemon.passwords.verify(typed, Some(old.0.clone())).await? {
            let (address, cookie) = (address.clone(), cookie.clone());
            run(daemon, reference, move |tx, ctx| {
                let holder = holder(tx, &address, &cookie, ctx.now)?;
                wrong_password(tx, holder.user.id, &holder.session.source, ctx.now)?;
                let event = holder
                    .about()
                    .event(ctx, "deny", Reason::WrongPassword, "password");
                Ok(Out {
                    events: vec![event],
                    ..Out::from(done(""))
                })
            })
            .await?;
            return Err(PortalError::invalid(
                "current",
                "the present password is not right",
            ));
        }
    }
    let new = Zeroizing::new(new.expose().to_owned());
    let turn = proof::turn()?;
    let hash = daemon.passwords.hash(new, daemon.rng()).await?;
    drop(turn);
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        // Changed since: the old one that was checked is not the present one.
        if holder.user.password != old {
            return Err(PortalError::conflict(
                "current",
                "the password was changed meanwhile",
            ));
        }
        step_up::begin(tx, ctx, &holder, Act::Password(hash.clone()))
    })
    .await
}
