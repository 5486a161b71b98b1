//! Keys of the REST API. What requests carry is shown once; its SHA-256 is kept. A key does at each use no more than its maker may.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::Rng;
use otpost_core::ids::ApiKeyId;
use otpost_core::portal::administrator::{ApiKey, Role, Scope};
use otpost_core::portal::session::fingerprint;
use otpost_core::resource;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, ApiKeyView};
use otpost_store::{Read, StoreError, document};
use zeroize::Zeroizing;

use super::administrators::{given, scope, scope_names};
use super::page::Page;
use super::view::Names;
use super::{Act, AdminError, done, read, write};
use crate::console::everything;
use crate::state::Daemon;

/// What every key begins with, so that programs that look for lost secrets find it.
const PREFIX: &str = "otpost_";
/// Most keys, so that a list fits an answer.
const MOST: usize = 200;
/// Longest life of a key.
const DAYS: u32 = 3650;

/// A key to make.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) resources: Vec<String>,
    pub(super) days: Option<u32>,
}

/// 256 random bits behind the prefix.
fn make(rng: &mut dyn Rng) -> Zeroizing<String> {
    let mut octets = Zeroizing::new([0; 32]);
    rng.fill(octets.as_mut_slice());
    let random = Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(octets.as_slice()));
    Zeroizing::new(format!("{PREFIX}{}", random.as_str()))
}

fn all(read: &mut dyn Read) -> Result<Vec<ApiKey>, StoreError> {
    let mut all: Vec<ApiKey> = everything(read)?;
    all.sort_by_key(|key| resource::key(&key.name));
    Ok(all)
}

fn view(key: &ApiKey, names: &Names) -> ApiKeyView {
    ApiKeyView {
        name: key.name.clone(),
        role: key.role.as_str().to_owned(),
        resources: scope_names(&key.scope, names),
        by: key.by.clone(),
        created: key.created.0,
        ends: key.ends.map(|ends| ends.0),
        used: key.used.map(|used| used.0),
    }
}

pub(super) async fn add(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let name = wanted.name.trim().to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(AdminError::Invalid(
            "a key's name has 1 to 64 letters, digits, - _ .".to_owned(),
        ));
    }
    let role: Role = wanted.role.parse().map_err(AdminError::invalid)?;
    let ends = match wanted.days {
        None => None,
        Some(days) if (1..=DAYS).contains(&days) => {
            Some(act.now.plus(Duration::from_secs(u64::from(days) * 24 * 3600)))
        }
        Some(days) => {
            return Err(AdminError::Invalid(format!(
                "a key lasts 1 to {DAYS} days, not {days}; leave it out for no end"
            )));
        }
    };
    let mut rng = daemon.rng();
    let id = ApiKeyId::random(&mut rng);
    let secret = make(&mut rng);
    write(daemon, move |tx| {
        let others = all(tx)?;
        if others.len() >= MOST {
            return Err(AdminError::Conflict(format!(
                "there are {MOST} keys already; delete those that are not used"
            )));
        }
        if others
            .iter()
            .any(|key| resource::key(&key.name) == resource::key(&name))
        {
            return Err(AdminError::Conflict(format!("there is a key `{name}` already")));
        }
        let scope = scope(tx, role, &wanted.resources)?;
        given(&act, role, &scope)?;
        let key = ApiKey {
            id,
            secret: fingerprint(&secret),
            name: name.clone(),
            role,
            scope,
            by: act.actor.clone(),
            maker: act.maker,
            created: act.now,
            ends,
            used: None,
        };
        document::put(tx, &key)?;
        let detail = format!("{} ({})", key.name, key.role.as_str());
        act.record_detail(tx, "api-key-add", ("", ""), detail)?;
        let names = Names::load(tx, &Scope::All)?;
        Ok(AdminReply::ApiKeySecret {
            key: view(&key, &names),
            secret: Secret::from(secret.as_str()),
        })
    })
    .await
}

pub(super) async fn list(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, |read| {
        let names = Names::load(read, &Scope::All)?;
        let all = all(read)?;
        let (keys, _) = Page::of(all.iter().map(|key| view(key, &names)));
        Ok(AdminReply::ApiKeys { keys })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, name: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let wanted = resource::key(&name);
        let key = all(tx)?
            .into_iter()
            .find(|key| resource::key(&key.name) == wanted)
            .ok_or_else(|| AdminError::NotFound(format!("there is no key `{name}`")))?;
        document::delete::<ApiKey>(tx, &key.id.0)?;
        act.record_detail(tx, "api-key-remove", ("", ""), key.name.clone())?;
        Ok(done(format!("the key {} is deleted and works no more", key.name)))
    })
    .await
}
