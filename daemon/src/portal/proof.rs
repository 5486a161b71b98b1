//! What was typed, compared with what is kept as a hash. That takes time and threads, so it happens before the transaction, which
//! then checks that the hash is still the one.

use otpost_core::portal::answer::Proof;
use otpost_core::portal::factors::{Factors, Method, helpdesk_code};
use otpost_core::recovery;
use otpost_core::user::User;
use otpost_ipc::Secret;
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use super::error::PortalError;
use crate::passwords::PasswordError;
use crate::state::Daemon;

/// Hashes that pages of portal and console ask for at once. Logins of VPNs and hosts wait for the same threads, and strangers can
/// send pages passwords: what is more than these is told to come back.
const AT_ONCE: usize = 64;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The right to have one hash made or compared.
pub(crate) fn turn() -> Result<SemaphorePermit<'static>, PasswordError> {
    TURNS.try_acquire().map_err(|_| PasswordError::Busy)
}

/// The hash that `typed` is of; one hash a try, whatever there is to compare with.
pub(crate) async fn of(
    daemon: &Daemon,
    (method, typed): (Method, &Secret),
    (user, factors): (Option<&User>, &Factors),
) -> Result<Option<Proof>, PortalError> {
    let typed = typed.expose();
    match method {
        Method::Recovery => {
            let Some((index, secret)) = recovery::parse(typed) else {
                return Ok(None);
            };
            let kept = factors.recovery.as_ref().and_then(|r| r.set.find(index));
            let hash = kept.map(|code| Zeroizing::new(code.hash.clone()));
            let _turn = turn()?;
            let right = daemon.passwords.verify(secret, hash.clone()).await?;
            Ok(hash
                .filter(|_| right)
                .map(|hash| Proof::Recovery(index, hash.as_str().to_owned())))
        }
        Method::Helpdesk => {
            let Some(code) = helpdesk_code(typed) else {
                return Ok(None);
            };
            let hash = factors.helpdesk.as_ref().map(|h| h.hash.clone());
            let _turn = turn()?;
            let right = daemon.passwords.verify(code, hash.clone()).await?;
            Ok(hash.filter(|_| right).map(Proof::Helpdesk))
        }
        Method::Password => {
            let hash = user.and_then(|u| u.password.as_ref()).map(|hash| hash.0.clone());
            let typed = Zeroizing::new(typed.to_owned());
            let _turn = turn()?;
            let right = daemon.passwords.verify(typed, hash.clone()).await?;
            Ok(hash.filter(|_| right).map(Proof::Password))
        }
        Method::Sms | Method::Totp | Method::Mail => Ok(None),
    }
}
