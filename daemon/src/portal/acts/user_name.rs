//! Which user names people may not take.
//!
//! A person's name decides whose logins they guard. Who could take that of an account of this system (`root`, a colleague who is
//! not enrolled yet) would get that account's codes, so such names are an administrator's to give.

use std::sync::Arc;
use std::time::Duration;

use nix::unistd::User;
use otpost_core::name::LoginName;
use otpost_core::portal::settings::Action;
use tokio::sync::Semaphore;

use super::allowed;
use crate::portal::error::PortalError;
use crate::portal::request::read;
use crate::portal::session::holder;
use crate::portal::user::Who;
use crate::state::Daemon;
use crate::sys;

/// Longest wait for the system's user database, which may be a directory.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Look-ups at once. One that hangs keeps its thread.
const AT_ONCE: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

pub(super) fn parse(raw: &str) -> Result<LoginName, PortalError> {
    LoginName::parse(raw).map_err(|e| PortalError::invalid("login", e))
}

/// The answer for a name of somebody else; the same for accounts of the system.
pub(super) fn taken() -> PortalError {
    PortalError::conflict("login", "this user name is taken")
}

/// Whether the name is of no account of this system, or theirs already. Looked up before the transaction: it may take its time.
pub(super) async fn may_take(
    daemon: &Arc<Daemon>,
    (address, cookie): &Who,
    raw: &str,
) -> Result<(), PortalError> {
    let (address, cookie, typed) = (address.clone(), cookie.clone(), raw.to_owned());
    let now = daemon.now();
    let (name, theirs) = read(daemon, move |read| {
        let holder = holder(read, &address, &cookie, now)?;
        allowed(&holder, Action::ChangeLogin)?;
        let name = parse(&typed)?;
        let theirs = holder.user.name == name || holder.user.aliases.contains(&name);
        Ok((name, theirs))
    })
    .await?;
    // What an administrator gave them stays theirs.
    if theirs || !of_system(name, raw.to_owned()).await? {
        return Ok(());
    }
    Err(taken())
}

/// Whether this system has an account of the name, as it is compared or as it was typed. Where its user database does not say, doubt
/// denies.
async fn of_system(name: LoginName, typed: String) -> Result<bool, PortalError> {
    let busy = || PortalError::Busy {
        word: "login",
        retry_after: Some(5),
    };
    let turn = TURNS.try_acquire().map_err(|_| busy())?;
    let look = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Ok::<_, nix::Error>(User::from_name(name.as_str())?.is_some() || User::from_name(&typed)?.is_some())
    });
    match sys::timeout(LOOK_UP, look).await {
        Some(Ok(Ok(found))) => Ok(found),
        _ => Err(busy()),
    }
}
