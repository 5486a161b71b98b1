use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use otpost_ipc::{FaultCode, Outcome, aio::Connection, portal::SiteView};
use tokio::{net::UnixListener, task::JoinHandle};

use super::*;

/// A daemon that knows the site `vpn`.
struct Daemon(JoinHandle<()>);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn answer(op: &PortalOp) -> Outcome<PortalReply> {
    match op {
        PortalOp::Site { address } if address == "vpn" => Outcome::Ok(PortalReply::Site(SiteView {
            title: "VPN".to_owned(),
            ..SiteView::default()
        })),
        _ => Outcome::Err(Fault {
            code: FaultCode::NotFound,
            message: "no such site".to_owned(),
            retry_after: None,
            reference: "K7QX".to_owned(),
        }),
    }
}

fn daemon(socket: &Path, connections: Arc<AtomicU32>) -> Daemon {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).unwrap();
    Daemon(tokio::spawn(async move {
        let mut tasks = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::Relaxed);
            tasks.spawn(async move {
                let connection = Connection::accept(stream, Role::Portal, sys::sleep(CONNECT))
                    .await
                    .unwrap();
                let answer = |op: PortalOp| async move { answer(&op) };
                let _ = connection.serve(8, std::future::pending(), answer).await;
            });
        }
    }))
}

/// A socket's path in a folder of its own, which goes away.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otpost-portal-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn all_closed(backend: &Backend) -> bool {
    backend
        .slots
        .iter()
        .all(|slot| slot.lock().unwrap().as_ref().is_none_or(AsyncClient::is_closed))
}

fn site(address: &str) -> PortalOp {
    PortalOp::Site {
        address: address.to_owned(),
    }
}

#[tokio::test]
async fn nothing_is_connected_before_the_first_call_and_then_a_few_are_kept() {
    let folder = Folder::new("lazy");
    let connections = Arc::new(AtomicU32::new(0));
    let backend = Backend::new(&folder.socket(), Role::Portal);
    let away = backend.call(site("vpn")).await.unwrap_err();
    assert!(
        matches!(away, BackendError::Away(CallError::Connect { .. })),
        "{away:?}"
    );
    let _daemon = daemon(&folder.socket(), Arc::clone(&connections));
    assert_eq!(connections.load(Ordering::Relaxed), 0);
    for _ in 0..20 {
        assert!(
            matches!(backend.call(site("vpn")).await, Ok(PortalReply::Site(view)) if view.title == "VPN")
        );
    }
    assert_eq!(connections.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_restarted_daemon_costs_no_request() {
    let folder = Folder::new("restart");
    let connections = Arc::new(AtomicU32::new(0));
    let backend = Backend::new(&folder.socket(), Role::Portal);
    for _ in 0..3 {
        let running = daemon(&folder.socket(), Arc::clone(&connections));
        for _ in 0..8 {
            assert!(backend.call(site("vpn")).await.is_ok());
        }
        drop(running);
        let start = sys::now();
        while !all_closed(&backend) {
            assert!(sys::now().duration_since(start).unwrap().as_secs() < 20);
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_refusal_is_the_daemon_s_own() {
    let folder = Folder::new("refusal");
    let _daemon = daemon(&folder.socket(), Arc::default());
    let backend = Backend::new(&folder.socket(), Role::Portal);
    let Err(BackendError::Refused(fault)) = backend.call(site("other")).await else {
        panic!("not refused");
    };
    assert_eq!(
        (fault.code, fault.reference.as_str()),
        (FaultCode::NotFound, "K7QX")
    );
    assert_eq!(
        crate::PageError::from(BackendError::Refused(fault)).status(),
        axum::http::StatusCode::NOT_FOUND
    );
}
