//! The master key: a 0400 file made on the first start, or a systemd credential.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use otpost_conf::SecretFile;
use otpost_conf::daemon::KeysConfig;
use otpost_core::Rng;
use otpost_core::keys::{KEY_LEN, MasterKey};
use zeroize::Zeroizing;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or credential cannot be read.
    #[error("{0}")]
    Unreadable(#[from] otpost_conf::ConfError),
    /// The content is not a key.
    #[error(
        "{}: is no master key (64 hexadecimal digits)\n  = help: restore the file from your backup; without it the phones in the database cannot be read", .0.display()
    )]
    Malformed(PathBuf),
    /// The key is gone but the database is there.
    #[error(
        "{}: the master key is missing, but the database {} exists\n  = help: restore the key file from your backup; a new key cannot read the old database. To start anew, move the database away first", key.display(), database.display()
    )]
    Lost {
        /// Where the key should be.
        key: PathBuf,
        /// The database made with it.
        database: PathBuf,
    },
    /// The file cannot be made.
    #[error("{}: cannot make the master key: {error}\n  = help: make its directory, owned by otpostd's user with mode 0700", path.display())]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// Reads the master key, or makes it where neither it nor the database exists yet.
///
/// # Errors
/// [`KeyError`]; each says what mends it.
pub fn load(
    config: &KeysConfig,
    credentials: Option<&Path>,
    database: &Path,
    rng: &mut dyn Rng,
) -> Result<MasterKey, KeyError> {
    if let Some(name) = &config.master_key_credential {
        let file = SecretFile::credential(credentials, name)?;
        return parse(&file, file.path());
    }
    let path = &config.master_key_file;
    match std::fs::symlink_metadata(path) {
        Ok(_) => {
            let file = SecretFile::new(path);
            parse(&file, path)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if database.exists() {
                return Err(KeyError::Lost {
                    key: path.clone(),
                    database: database.to_owned(),
                });
            }
            make(path, rng)
        }
        Err(error) => Err(KeyError::Unwritable {
            path: path.clone(),
            error,
        }),
    }
}

fn parse(file: &SecretFile, path: &Path) -> Result<MasterKey, KeyError> {
    let text = file.read_text()?;
    let malformed = || KeyError::Malformed(path.to_owned());
    let octets = Zeroizing::new(HEXLOWER.decode(text.trim().as_bytes()).map_err(|_| malformed())?);
    let octets: [u8; KEY_LEN] = octets.as_slice().try_into().map_err(|_| malformed())?;
    Ok(MasterKey::new(octets))
}

fn make(path: &Path, rng: &mut dyn Rng) -> Result<MasterKey, KeyError> {
    let unwritable = |error| KeyError::Unwritable {
        path: path.to_owned(),
        error,
    };
    let key = MasterKey::random(rng);
    let text = Zeroizing::new(format!("{}\n", HEXLOWER.encode(key.expose())));
    // Written aside and linked into place: a crash leaves no half key, and an existing key is never replaced.
    let aside = path.with_extension("new");
    let _ = std::fs::remove_file(&aside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&aside)
        .map_err(unwritable)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(unwritable)?;
    let linked = std::fs::hard_link(&aside, path);
    let _ = std::fs::remove_file(&aside);
    linked.map_err(unwritable)?;
    if let Some(directory) = path.parent() {
        std::fs::File::open(directory)
            .and_then(|d| d.sync_all())
            .map_err(unwritable)?;
    }
    Ok(key)
}
