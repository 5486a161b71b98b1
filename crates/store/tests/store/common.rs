//! Databases in directories of their own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use otpost_core::keys::{Keyring, MasterKey};
use otpost_store::StoreError;
use otpost_store::contract::samples::Seeded;
use otpost_store::sqlite::{OpenOptions, SqliteStore};

/// A directory that goes with its owner.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "store-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.0.join("otpost.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn options(path: Option<&Path>) -> OpenOptions {
    OpenOptions {
        path: path.map(Path::to_owned),
        keys: Keyring::derive(&MasterKey::new([7; 32])),
        rng: Box::new(Seeded(u64::from(std::process::id()))),
        readers: 2,
        queue: 256,
    }
}

pub(crate) fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(options(Some(path)))
}

pub(crate) fn in_memory() -> SqliteStore {
    SqliteStore::open(options(None)).unwrap()
}
