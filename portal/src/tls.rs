//! The certificate: from files, or self-signed and kept; read again when asked.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::errno::Errno;
use otpost_conf::{Kind, TlsConfig, TlsMode, check_permissions};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    error::{TlsError, errno},
    sys,
};

/// A certificate that can be served.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 over the certificate, as browsers show it: `AB:CD:...`.
    pub(crate) fingerprint: String,
}

/// Loads what the configuration names; makes a self-signed certificate where there is none yet. `names` are the host
/// names and addresses that such a one is for. `None` where TLS is off.
pub(crate) fn load(config: &TlsConfig, names: &[String]) -> Result<Option<Loaded>, TlsError> {
    if let Some((certificate, key)) = config.files() {
        return pair(certificate, key).map(Some);
    }
    if config.mode == TlsMode::Off {
        return Ok(None);
    }
    let certificate = config.state_directory.join("self-signed.crt");
    let key = config.state_directory.join("self-signed.key");
    if !key.exists() || !fresh(&certificate) {
        make(&config.state_directory, &certificate, &key, names)?;
    }
    pair(&certificate, &key).map(Some)
}

fn pair(certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    check_permissions(key, Kind::Secret)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    let leaf = chain.first().ok_or_else(|| TlsError::Content {
        path: certificate.to_path_buf(),
        wanted: "certificate",
    })?;
    let fingerprint = fingerprint(leaf);
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::Content {
        path: key.to_path_buf(),
        wanted: "private key",
    })?;
    let unusable = |error: rustls::Error| TlsError::Pair {
        certificate: certificate.to_path_buf(),
        reason: error.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        config: Arc::new(config),
        fingerprint,
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| TlsError::File {
            path: path.to_path_buf(),
            errno: errno(&error),
            advice: "name a file that otpost-portal's user may read",
        })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hex = data_encoding::HEXUPPER.encode(&Sha256::digest(certificate));
    let pairs: Vec<&str> = hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .collect();
    pairs.join(":")
}

const DAY: Duration = Duration::from_secs(86_400);
/// Days a self-signed certificate holds; browsers refuse one that holds longer, even where it was imported.
const DAYS: u32 = 825;
/// Days after which a start makes a new one.
const RENEW: u32 = 795;

/// Whether a self-signed certificate is there and young enough.
fn fresh(certificate: &Path) -> bool {
    let written = fs::metadata(certificate).and_then(|meta| meta.modified());
    written.is_ok_and(|written| {
        sys::now().duration_since(written).unwrap_or_default() < DAY.saturating_mul(RENEW)
    })
}

fn make(directory: &Path, certificate: &Path, key: &Path, names: &[String]) -> Result<(), TlsError> {
    let made = |error: rcgen::Error| TlsError::Make {
        reason: error.to_string(),
    };
    let mut params = CertificateParams::new(names).map_err(made)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().map_or("otpost", String::as_str));
    params.distinguished_name = subject;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = sys::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY.saturating_mul(DAYS)).into();
    let private = KeyPair::generate().map_err(made)?;
    let public = params.self_signed(&private).map_err(made)?;

    (fs::DirBuilder::new().recursive(true).mode(0o700))
        .create(directory)
        .map_err(|error| unwritable(directory, &error))?;
    write(key, &Zeroizing::new(private.serialize_pem()), 0o600)?;
    write(certificate, &public.pem(), 0o644)?;
    tracing::info!(certificate = %certificate.display(), ?names, days = DAYS, "made a self-signed certificate");
    Ok(())
}

/// Writes beside and renames, so that a crash leaves no half of a file.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(unwritable(&beside, &error));
        }
        _ => {}
    }
    let written = || -> std::io::Result<()> {
        let mut file = (OpenOptions::new().write(true).create_new(true).mode(mode)).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> TlsError {
    TlsError::File {
        path: path.to_path_buf(),
        errno: match errno(error) {
            Errno::UnknownErrno => Errno::EIO,
            errno => errno,
        },
        advice: "let otpost-portal's user write there, or change `state-directory` of [tls]",
    }
}
