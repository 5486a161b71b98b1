//! CHAP and MS-CHAPv2 as proofs of a code: the daemon knows the code, so it can compare.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use otpost_core::login::Proof;
use otpost_core::source::MsChap2Keys;
use otpost_ipc::Secret;
use otpost_ipc::radius::{Credentials, MsChap2Success};
use otpost_radius_wire::{Chap, MsChapV2};
use zeroize::Zeroizing;

use crate::login::SharedProof;
use crate::sources::MsChap2Response;

/// What a request presents in place of a password that can be read.
#[derive(Clone)]
pub(super) struct Presented(Arc<Parts>);

struct Parts {
    user: String,
    method: Method,
    /// What to tell the peer, once a code fitted.
    success: Mutex<Option<MsChap2Success>>,
}

enum Method {
    Chap {
        id: u8,
        challenge: Zeroizing<Vec<u8>>,
        response: [u8; 16],
    },
    MsChap2 {
        id: u8,
        challenge: [u8; 16],
        peer_challenge: [u8; 16],
        response: [u8; 24],
    },
    /// Octets of a wrong length, which prove nothing.
    Unusable,
}

impl Presented {
    /// What `credentials` present; `None` where they hold a password.
    pub(super) fn of(credentials: &Credentials, user: &str) -> Option<Self> {
        let method = match credentials {
            Credentials::Pap { .. } => return None,
            Credentials::Chap {
                id,
                challenge,
                response,
            } => match (octets(challenge), array(response)) {
                (Some(challenge), Some(response)) => Method::Chap {
                    id: *id,
                    challenge,
                    response,
                },
                _ => Method::Unusable,
            },
            Credentials::MsChap2 {
                id,
                challenge,
                peer_challenge,
                response,
                ..
            } => match (array(challenge), array(peer_challenge), array(response)) {
                (Some(challenge), Some(peer_challenge), Some(response)) => Method::MsChap2 {
                    id: *id,
                    challenge,
                    peer_challenge,
                    response,
                },
                _ => Method::Unusable,
            },
        };
        Some(Self(Arc::new(Parts {
            user: user.to_owned(),
            method,
            success: Mutex::new(None),
        })))
    }

    /// The proof, for the decision.
    pub(super) fn shared(&self) -> SharedProof {
        let proof: Arc<dyn Proof + Send + Sync> = Arc::<Parts>::clone(&self.0);
        SharedProof(proof)
    }

    /// What an Access-Accept tells the peer.
    pub(super) fn success(&self) -> Option<MsChap2Success> {
        let success = self.0.success.lock();
        success.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// MS-CHAPv2 as an upstream server takes it.
pub(super) fn upstream(credentials: &Credentials) -> Option<MsChap2Response> {
    let Credentials::MsChap2 { challenge, whole, .. } = credentials else {
        return None;
    };
    Some(MsChap2Response {
        challenge: array(challenge)?,
        response: array(whole)?,
    })
}

/// What an upstream server said, for the VPN.
pub(super) fn relayed(keys: &MsChap2Keys) -> MsChap2Success {
    let hex = |key: &[u8]| Secret::new(HEXLOWER.encode(key));
    MsChap2Success {
        success: keys.success.clone(),
        send_key: hex(&keys.send),
        receive_key: hex(&keys.receive),
    }
}

impl Proof for Parts {
    fn proves(&self, code: &str) -> bool {
        match &self.method {
            Method::Unusable => false,
            Method::Chap {
                id,
                challenge,
                response,
            } => Chap::new(*id, challenge, response).verify(code.as_bytes()),
            Method::MsChap2 {
                id,
                challenge,
                peer_challenge,
                response,
            } => {
                let login = MsChapV2::new(*id, challenge, peer_challenge, response);
                let Some(accepted) = login.verify(self.user.as_bytes(), code) else {
                    return false;
                };
                let keys = accepted.keys();
                let hex = |key: &[u8]| Secret::new(HEXLOWER.encode(key));
                let success = MsChap2Success {
                    success: String::from_utf8_lossy(accepted.success().get(1..).unwrap_or_default())
                        .into_owned(),
                    send_key: hex(keys.send()),
                    receive_key: hex(keys.recv()),
                };
                *self.success.lock().unwrap_or_else(PoisonError::into_inner) = Some(success);
                true
            }
        }
    }
}

fn octets(hex: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let octets = HEXLOWER_PERMISSIVE.decode(hex.expose().as_bytes()).ok()?;
    Some(Zeroizing::new(octets))
}

fn array<const N: usize>(hex: &Secret) -> Option<[u8; N]> {
    octets(hex)?.as_slice().try_into().ok()
}
