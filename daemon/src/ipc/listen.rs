//! Binding the role sockets and serving their connections.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Group, Uid, User, chown, geteuid};
use otpost_conf::daemon::SocketsConfig;
use otpost_ipc::aio::Connection;
use otpost_ipc::peer::{Access, Account, Peer, may_connect};
use otpost_ipc::{Fault, FaultCode, Role};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::refused::{self, Wanted};
use crate::state::Daemon;
use crate::{admin, sys};

/// A peer has this long to say Hello.
const HELLO: Duration = Duration::from_secs(2);
/// Connections to `pam.sock` at once; half of them are root's.
const PAM_CONNECTIONS: usize = 512;
/// Of these, per user who is not root.
const PAM_PER_USER: usize = 4;
/// Connections to each other socket at once.
const CONNECTIONS: usize = 64;

/// Why a socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The directory is missing or not ours.
    #[error("{0}")]
    Directory(#[from] otpost_conf::PermissionError),
    /// Somebody answers on the socket.
    #[error("{}: another otpostd is running here\n  = help: stop it first, or give this one another `sockets.directory`", .0.display())]
    InUse(PathBuf),
    /// Something else than a socket is in the way.
    #[error("{}: is in the way and is not a socket\n  = help: move it away", .0.display())]
    InTheWay(PathBuf),
    /// The operating system refuses.
    #[error("{}: cannot make the socket: {reason}\n  = help: otpostd must be able to write in the directory", path.display())]
    Bind {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A name in the configuration is unknown to the system.
    #[error(
        "sockets.{key}: there is no {what} `{name}` on this system\n  = help: create it, or correct the name"
    )]
    Unknown {
        /// Configuration key.
        key: &'static str,
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Only root may give sockets away.
    #[error("{}: cannot give the socket to {owner}: {reason}\n  = help: start otpostd as root or as a member of that group", path.display())]
    Owner {
        /// Which socket.
        path: PathBuf,
        /// To whom.
        owner: String,
        /// Why.
        reason: String,
    },
}

/// The bound sockets.
#[derive(Debug)]
pub struct Sockets {
    pam: UnixListener,
    radius: UnixListener,
    portal: UnixListener,
    admin: UnixListener,
    access: HashMap<&'static str, Access>,
    paths: Vec<PathBuf>,
}

impl Sockets {
    /// Binds all role sockets with the owners and modes the configuration asks for.
    ///
    /// # Errors
    /// [`ListenError`]; each says what mends it.
    pub fn bind(config: &SocketsConfig) -> Result<Self, ListenError> {
        // /run is empty after a boot; its parent is the system's.
        if std::fs::symlink_metadata(&config.directory).is_err() {
            let _ = std::fs::DirBuilder::new().mode(0o755).create(&config.directory);
        }
        otpost_conf::check_permissions(&config.directory, otpost_conf::Kind::SocketDirectory)?;
        let user = |key, name: &Option<String>| -> Result<Option<User>, ListenError> {
            let Some(name) = name else { return Ok(None) };
            let found = User::from_name(name).ok().flatten();
            found.map(Some).ok_or_else(|| ListenError::Unknown {
                key,
                what: "user",
                name: name.clone(),
            })
        };
        let radius_user = user("radius-user", &config.radius_user)?;
        let portal_user = user("portal-user", &config.portal_user)?;
        let admin_group = match &config.admin_group {
            None => None,
            Some(name) => {
                Some(
                    Group::from_name(name)
                        .ok()
                        .flatten()
                        .ok_or_else(|| ListenError::Unknown {
                            key: "admin-group",
                            what: "group",
                            name: name.clone(),
                        })?,
                )
            }
        };
        let own = geteuid().as_raw();
        let pam_path = config.directory.join("pam.sock");
        let radius_path = config.directory.join("radius.sock");
        let portal_path = config.directory.join("portal.sock");
        let admin_path = config.directory.join("admin.sock");
        let pam = bind(&pam_path, 0o666)?;
        let radius = bind(&radius_path, 0o660)?;
        if let Some(user) = &radius_user {
            give(&radius_path, Some(user.uid), Some(user.gid), &user.name)?;
        }
        let portal = bind(&portal_path, 0o660)?;
        if let Some(user) = &portal_user {
            give(&portal_path, Some(user.uid), Some(user.gid), &user.name)?;
        }
        let admin = bind(&admin_path, 0o660)?;
        if let Some(group) = &admin_group {
            give(&admin_path, None, Some(group.gid), &group.name)?;
        }
        let access = HashMap::from([
            ("pam", Access::default()),
            (
                "radius",
                Access {
                    uids: std::iter::once(own)
                        .chain(radius_user.map(|u| u.uid.as_raw()))
                        .collect(),
                    ..Access::default()
                },
            ),
            (
                "portal",
                Access {
                    uids: std::iter::once(own)
                        .chain(portal_user.map(|u| u.uid.as_raw()))
                        .collect(),
                    ..Access::default()
                },
            ),
            (
                "admin",
                Access {
                    uids: vec![own],
                    group: admin_group.map(|g| g.gid.as_raw()),
                    ..Access::default()
                },
            ),
        ]);
        Ok(Self {
            pam,
            radius,
            portal,
            admin,
            access,
            paths: vec![pam_path, radius_path, portal_path, admin_path],
        })
    }

    /// Serves until `stop` turns true, then waits for requests in flight and takes the sockets away.
    pub async fn serve(self, daemon: Arc<Daemon>, stop: watch::Receiver<bool>) {
        let Self {
            pam,
            radius,
            portal,
            admin,
            access,
            paths,
        } = self;
        let get = |role: &str| access.get(role).cloned().unwrap_or_default();
        tokio::join!(
            serve(
                Listening {
                    role: Role::Pam,
                    listener: pam,
                    access: get("pam")
                },
                &daemon,
                stop.clone()
            ),
            serve(
                Listening {
                    role: Role::Radius,
                    listener: radius,
                    access: get("radius")
                },
                &daemon,
                stop.clone()
            ),
            serve(
                Listening {
                    role: Role::Portal,
                    listener: portal,
                    access: get("portal")
                },
                &daemon,
                stop.clone()
            ),
            serve(
                Listening {
                    role: Role::Admin,
                    listener: admin,
                    access: get("admin")
                },
                &daemon,
                stop.clone()
            ),
        );
        for path in paths {
            let _ = std::fs::remove_file(path);
        }
    }
}

struct Listening {
    role: Role,
    listener: UnixListener,
    access: Access,
}

fn bind(path: &Path, mode: u32) -> Result<UnixListener, ListenError> {
    let refused = |reason: String| ListenError::Bind {
        path: path.to_owned(),
        reason,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error.to_string())),
        Ok(meta) if !meta.file_type().is_socket() => return Err(ListenError::InTheWay(path.to_owned())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(ListenError::InUse(path.to_owned())),
            Err(_) => std::fs::remove_file(path).map_err(|e| refused(e.to_string()))?,
        },
    }
    // Nobody may connect before the mode and owner are right.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let listener = bound.map_err(|e| refused(e.to_string()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|e| refused(e.to_string()))?;
    Ok(listener)
}

fn give(path: &Path, uid: Option<Uid>, gid: Option<Gid>, owner: &str) -> Result<(), ListenError> {
    // A user that is the daemon's own needs no change, and without root none could be made.
    chown(path, uid.filter(|u| *u != geteuid()), gid).map_err(|e| ListenError::Owner {
        path: path.to_owned(),
        owner: owner.to_owned(),
        reason: e.desc().to_owned(),
    })
}

/// Room for connections: a share for everybody, one for root alone, and few for each user.
struct Room {
    shared: Arc<Semaphore>,
    root: Arc<Semaphore>,
    users: Mutex<HashMap<u32, Arc<Semaphore>>>,
    per_user: usize,
}

impl Room {
    fn of(role: Role) -> Self {
        let (all, per_user) = match role {
            Role::Pam => (PAM_CONNECTIONS, PAM_PER_USER),
            _ => (CONNECTIONS, CONNECTIONS),
        };
        Self {
            shared: Arc::new(Semaphore::new(all / 2)),
            root: Arc::new(Semaphore::new(all / 2)),
            users: Mutex::new(HashMap::new()),
            per_user,
        }
    }

    /// A place for one more connection of `uid`.
    fn enter(&self, uid: u32) -> Option<Vec<OwnedSemaphorePermit>> {
        if uid == 0 {
            let permit = Arc::clone(&self.root)
                .try_acquire_owned()
                .or_else(|_| Arc::clone(&self.shared).try_acquire_owned());
            return permit.ok().map(|p| vec![p]);
        }
        let own = {
            let mut users = self.users.lock().ok()?;
            if users.len() > 1024 {
                users.retain(|_, s| s.available_permits() < self.per_user);
            }
            Arc::clone(
                users
                    .entry(uid)
                    .or_insert_with(|| Arc::new(Semaphore::new(self.per_user))),
            )
        };
        let own = own.try_acquire_owned().ok()?;
        let shared = Arc::clone(&self.shared).try_acquire_owned().ok()?;
        Some(vec![own, shared])
    }
}

async fn serve(listening: Listening, daemon: &Arc<Daemon>, mut stop: watch::Receiver<bool>) {
    let Listening {
        role,
        listener,
        access,
    } = listening;
    let room = Room::of(role);
    let access = Arc::new(access);
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = sys::stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(?role, %error, "cannot accept a connection");
                    sys::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        while connections.try_join_next().is_some() {}
        let Ok(peer) = Peer::of(&stream) else { continue };
        let Some(place) = room.enter(peer.uid) else {
            debug!(?role, uid = peer.uid, "too many connections");
            let fault = fault(daemon, FaultCode::Busy, "too many connections of this user");
            connections.spawn(Connection::refuse(stream, fault));
            continue;
        };
        let daemon = Arc::clone(daemon);
        let access = Arc::clone(&access);
        let stop = stop.clone();
        connections.spawn(async move {
            connection(Accepted { role, stream, peer }, &access, daemon, stop).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A connection that has room but said nothing yet.
struct Accepted {
    role: Role,
    stream: UnixStream,
    peer: Peer,
}

async fn connection(
    accepted: Accepted,
    access: &Access,
    daemon: Arc<Daemon>,
    mut stop: watch::Receiver<bool>,
) {
    let Accepted { role, stream, peer } = accepted;
    let mut access = access.clone();
    if role == Role::Pam {
        // These change while the daemon serves.
        access.lockers = daemon.lockers.read().map(|l| l.clone()).unwrap_or_default();
    }
    // The user database may be slow (LDAP): never on a worker of the runtime, not for root, and not for those whom it cannot
    // help: anybody on the host may knock at pam.sock as often as they like.
    let useless = role == Role::Pam && access.lockers.is_empty();
    let account = if peer.uid == 0 || useless {
        None
    } else {
        let uid = peer.uid;
        tokio::task::spawn_blocking(move || Account::of(uid))
            .await
            .ok()
            .flatten()
    };
    if let Err(refusal) = may_connect(role, peer, account.as_ref(), &access) {
        let reference = daemon.reference();
        refused::caller(&daemon, peer, refusal, Wanted::Connection(role), &reference).await;
        let fault = Fault {
            code: FaultCode::Forbidden,
            message: refusal.to_string(),
            retry_after: None,
            reference: reference.to_string(),
        };
        Connection::refuse(stream, fault).await;
        return;
    }
    let connection = match Connection::accept(stream, role, sys::sleep(HELLO)).await {
        Ok(connection) => connection,
        Err(error) => {
            debug!(?role, uid = peer.uid, %error, "a connection did not come about");
            return;
        }
    };
    let stopping = async move {
        sys::stopped(&mut stop).await;
    };
    let ended = match role {
        Role::Pam => {
            let account = account.map(Arc::new);
            let handle = |op| super::pam::handle(Arc::clone(&daemon), peer, account.clone(), op);
            connection.serve(16, stopping, handle).await
        }
        Role::Radius => {
            daemon.radius_servers.fetch_add(1, Ordering::Relaxed);
            let handle = |op| super::radius::handle(Arc::clone(&daemon), op);
            let ended = connection.serve(4096, stopping, handle).await;
            daemon.radius_servers.fetch_sub(1, Ordering::Relaxed);
            ended
        }
        Role::Admin => {
            let actor = account.map_or_else(|| format!("uid {}", peer.uid), |a| a.login);
            let handle = |op| admin::handle(Arc::clone(&daemon), admin::Caller::local(actor.clone()), op);
            connection.serve(16, stopping, handle).await
        }
        Role::Portal => {
            let handle = |op| super::portal::handle(Arc::clone(&daemon), op);
            connection.serve(1024, stopping, handle).await
        }
    };
    if let Err(error) = ended {
        debug!(?role, uid = peer.uid, %error, "a connection broke");
    }
}

fn fault(daemon: &Daemon, code: FaultCode, message: &str) -> Fault {
    Fault {
        code,
        message: message.to_owned(),
        retry_after: None,
        reference: daemon.reference().to_string(),
    }
}
