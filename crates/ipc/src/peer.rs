//! Who may do what on a role socket, from the credentials that the kernel attests (SO_PEERCRED, unix(7)).
//!
//! The rules are pure functions; reading the credentials and the user database are separate. Whatever cannot be
//! looked up counts against the caller.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::Role;

/// The other end of a Unix socket, as of the moment it connected (or began to listen).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id; supplementary groups are in [`Account::groups`].
    pub gid: u32,
    /// Process id; it may have ended, and its number may be in use again.
    pub pid: i32,
}

impl Peer {
    /// Reads SO_PEERCRED of a connected Unix socket.
    ///
    /// # Errors
    /// The system's, for a socket of another kind.
    pub fn of<F: AsFd>(socket: &F) -> Result<Self, Errno> {
        let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
        Ok(Self {
            uid: credentials.uid(),
            gid: credentials.gid(),
            pid: credentials.pid(),
        })
    }
}

/// What the user database says of a user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub login: String,
    /// All groups of the login, primary one included.
    pub groups: Vec<u32>,
}

impl Account {
    /// Looks `uid` up; `None` when it has no entry or the look-up fails, which callers treat as "not entitled".
    /// May ask the network (NSS), so not on a thread that must not block.
    #[must_use]
    pub fn of(uid: u32) -> Option<Self> {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten()?;
        let name = std::ffi::CString::new(user.name.as_str()).ok()?;
        let groups = getgrouplist(&name, user.gid).ok()?;
        Some(Self {
            login: user.name,
            groups: groups.into_iter().map(Gid::as_raw).collect(),
        })
    }
}

/// Who may connect to a role's socket besides root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// User ids of the role's own process.
    pub uids: Vec<u32>,
    /// The socket's group; its members may connect.
    pub group: Option<u32>,
    /// `pam.sock` only: PAM services (screen lockers) that users may ask about themselves. Empty: root only.
    pub lockers: Vec<String>,
}

/// Why a peer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither root, nor the role's user, nor in the socket's group.
    #[error(
        "this user may not use this socket; otpostd lets in root and whom `radius-user` and `admin-group` name under [sockets]"
    )]
    NotEntitled,
    /// A user who is not root, and there is no service for which that is allowed.
    #[error(
        "only root may ask for logins; list the service under `lockers` to let users unlock their own session"
    )]
    RootOnly,
    /// A user asks for a service that is not a locker.
    #[error("users may ask only for services listed under `lockers`")]
    NotALocker,
    /// A user asks for somebody else.
    #[error("users may ask only for themselves")]
    AnotherUser,
    /// The caller's login name cannot be found.
    #[error("the caller has no entry in the user database")]
    UnknownCaller,
}

impl Refusal {
    /// Stable code for audit rows.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotEntitled => "not-entitled",
            Self::RootOnly => "root-only",
            Self::NotALocker => "not-a-locker",
            Self::AnotherUser => "another-user",
            Self::UnknownCaller => "unknown-caller",
        }
    }
}

/// In what right a login is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Root: any user, any service, and its remote host is believed.
    Root,
    /// The user's own process, for a locker: own counters, remote host ignored, nothing remembered.
    Own,
}

/// Whether `peer` may use the socket of `role` at all. `account` is the peer's entry in the user database, if it
/// could be read.
///
/// # Errors
/// [`Refusal::RootOnly`] on `pam.sock`, else [`Refusal::NotEntitled`].
pub fn may_connect(
    role: Role,
    peer: Peer,
    account: Option<&Account>,
    access: &Access,
) -> Result<(), Refusal> {
    if peer.uid == 0 {
        return Ok(());
    }
    match role {
        Role::Pam if access.lockers.is_empty() => Err(Refusal::RootOnly),
        Role::Pam => Ok(()),
        Role::Radius | Role::Portal | Role::Admin => {
            let member = |group: &u32| {
                peer.gid == *group || account.is_some_and(|account| account.groups.contains(group))
            };
            if access.uids.contains(&peer.uid) || access.group.as_ref().is_some_and(member) {
                Ok(())
            } else {
                Err(Refusal::NotEntitled)
            }
        }
    }
}

/// A login as `pam.sock` is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// PAM_SERVICE.
    pub service: &'a str,
    /// PAM_USER.
    pub user: &'a str,
}

/// Whether `peer` may begin the login `asked`. `login` is the peer's own login name, if it could be looked up.
///
/// # Errors
/// The [`Refusal`] to log; the peer is told [`crate::FaultCode::Forbidden`].
pub fn may_begin(
    peer: Peer,
    login: Option<&str>,
    access: &Access,
    asked: Asked<'_>,
) -> Result<Standing, Refusal> {
    if peer.uid == 0 {
        return Ok(Standing::Root);
    }
    if access.lockers.is_empty() {
        return Err(Refusal::RootOnly);
    }
    if !access.lockers.iter().any(|service| service == asked.service) {
        return Err(Refusal::NotALocker);
    }
    match login {
        None | Some("") => Err(Refusal::UnknownCaller),
        Some(login) if login == asked.user => Ok(Standing::Own),
        Some(_) => Err(Refusal::AnotherUser),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    const ROOT: Peer = Peer {
        uid: 0,
        gid: 0,
        pid: 1,
    };
    const ALICE: Peer = Peer {
        uid: 1000,
        gid: 1000,
        pid: 2,
    };
    const SWAYLOCK: Asked<'_> = Asked {
        service: "swaylock",
        user: "alice",
    };

    fn lockers(names: &[&str]) -> Access {
        Access {
            lockers: names.iter().map(|&n| n.to_owned()).collect(),
            ..Access::default()
        }
    }

    #[test]
    fn root_may_connect_everywhere_and_name_anyone() {
        for role in [Role::Pam, Role::Radius, Role::Portal, Role::Admin] {
            assert_eq!(may_connect(role, ROOT, None, &Access::default()), Ok(()));
        }
        let asked = Asked {
            service: "sshd",
            user: "bob",
        };
        assert_eq!(
            may_begin(ROOT, None, &Access::default(), asked),
            Ok(Standing::Root)
        );
    }

    #[test]
    fn without_lockers_pam_is_for_root_alone() {
        let none = Access {
            uids: vec![1000],
            group: Some(1000),
            lockers: Vec::new(),
        };
        assert_eq!(may_connect(Role::Pam, ALICE, None, &none), Err(Refusal::RootOnly));
        assert_eq!(
            may_begin(ALICE, Some("alice"), &none, SWAYLOCK),
            Err(Refusal::RootOnly)
        );
    }

    #[test]
    fn a_locker_lets_users_ask_for_themselves_only() {
        let access = lockers(&["swaylock", "i3lock"]);
        assert_eq!(may_connect(Role::Pam, ALICE, None, &access), Ok(()));
        assert_eq!(
            may_begin(ALICE, Some("alice"), &access, SWAYLOCK),
            Ok(Standing::Own)
        );
        assert_eq!(
            may_begin(ALICE, Some("bob"), &access, SWAYLOCK),
            Err(Refusal::AnotherUser)
        );
        assert_eq!(
            may_begin(ALICE, None, &access, SWAYLOCK),
            Err(Refusal::UnknownCaller)
        );
        assert_eq!(
            may_begin(ALICE, Some(""), &access, SWAYLOCK),
            Err(Refusal::UnknownCaller)
        );
        for service in ["sshd", "sudo", "", "Swaylock", "swaylock "] {
            let asked = Asked {
                service,
                user: "alice",
            };
            assert_eq!(
                may_begin(ALICE, Some("alice"), &access, asked),
                Err(Refusal::NotALocker)
            );
        }
        let shouted = Asked {
            service: "swaylock",
            user: "ALICE",
        };
        assert_eq!(
            may_begin(ALICE, Some("alice"), &access, shouted),
            Err(Refusal::AnotherUser)
        );
    }

    #[test]
    fn other_sockets_are_for_their_user_and_group() {
        let access = Access {
            uids: vec![990],
            group: Some(991),
            lockers: vec!["swaylock".to_owned()],
        };
        let member = Account {
            login: "alice".to_owned(),
            groups: vec![1000, 991],
        };
        let outsider = Account {
            login: "alice".to_owned(),
            groups: vec![1000],
        };
        for role in [Role::Radius, Role::Portal, Role::Admin] {
            let verdict = |peer, account| may_connect(role, peer, account, &access);
            assert_eq!(verdict(Peer { uid: 990, ..ALICE }, None), Ok(()));
            assert_eq!(verdict(Peer { gid: 991, ..ALICE }, None), Ok(()));
            assert_eq!(verdict(ALICE, Some(&member)), Ok(()));
            assert_eq!(verdict(ALICE, Some(&outsider)), Err(Refusal::NotEntitled));
            assert_eq!(verdict(ALICE, None), Err(Refusal::NotEntitled));
            // Group 0 is no key to a socket of group 991.
            assert_eq!(verdict(Peer { gid: 0, ..ALICE }, None), Err(Refusal::NotEntitled));
        }
        let closed = Access::default();
        assert_eq!(
            may_connect(Role::Admin, ALICE, Some(&member), &closed),
            Err(Refusal::NotEntitled)
        );
    }

    #[test]
    fn the_kernel_names_the_peer() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Peer::of(&ours).unwrap();
        assert_eq!(peer.uid, Uid::effective().as_raw());
        assert_eq!(peer.pid, std::process::id().cast_signed());
    }

    #[test]
    fn the_user_database_names_root_and_not_nobody_knows() {
        let root = Account::of(0).unwrap();
        assert_eq!(root.login, "root");
        assert!(root.groups.contains(&0));
        assert_eq!(Account::of(3_999_999_999), None);
    }
}
