//! RADIUS clients. Every change bumps the table's version, which otpost-radius watches.

use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use otpost_core::Rng;
use otpost_core::client::{RadiusClient, Sealed, Settings};
use otpost_core::ids::ClientId;
use otpost_core::net::Network;
use otpost_core::portal::administrator::Scope;
use otpost_core::resource;
use otpost_core::source::Chain;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_store::{Read, Tx};
use tracing::error;
use zeroize::Zeroizing;

use super::client_settings;
use super::page::Page;
use super::{Act, AdminError, done, find_resource, read, view, write};
use crate::ipc::authenticator_of;
use crate::state::Daemon;

/// Most networks of a client: an entry must fit an answer to otpost-radius.
const NETWORKS: usize = 256;

/// Longest shared secret in octets, for the same reason. VPNs take less.
const SECRET: usize = 256;

fn networks(raw: &[String]) -> Result<Vec<Network>, AdminError> {
    if raw.len() > NETWORKS {
        return Err(AdminError::Invalid(format!(
            "a RADIUS client has at most {NETWORKS} networks, not {}; name larger networks, or make several clients",
            raw.len()
        )));
    }
    raw.iter()
        .map(|text| text.trim().parse().map_err(AdminError::invalid))
        .collect()
}

fn first_factor(text: Option<&str>) -> Result<Option<Chain>, AdminError> {
    text.map(|text| text.parse().map_err(AdminError::invalid))
        .transpose()
}

fn sealed(secret: &Secret) -> Result<Sealed, AdminError> {
    let octets = secret.expose().len();
    if octets > SECRET {
        return Err(AdminError::Invalid(format!(
            "a shared secret has at most {SECRET} octets, not {octets}; leave it out to have one made"
        )));
    }
    Ok(Sealed(Zeroizing::new(secret.expose().to_owned())))
}

/// A shared secret of 160 bits that every VPN's form takes.
fn make_secret(rng: &mut dyn Rng) -> Sealed {
    let mut octets = Zeroizing::new([0; 20]);
    rng.fill(octets.as_mut());
    Sealed(Zeroizing::new(
        BASE32_NOPAD.encode(octets.as_ref()).to_lowercase(),
    ))
}

/// Two entries with the same network would make the secret of a packet a matter of chance. Who administers some resources may not
/// take addresses out of a network of the others either: their packets would come here.
fn distinct(tx: &mut dyn Tx, client: &RadiusClient, scope: &Scope) -> Result<(), AdminError> {
    for other in tx.clients()? {
        if other.id == client.id {
            continue;
        }
        let overlaps = |n: &&Network| other.networks.iter().any(|o| o.overlaps(n));
        if !scope.covers(other.resource)
            && let Some(network) = client.networks.iter().find(overlaps)
        {
            return Err(AdminError::Forbidden(format!(
                "the network {network} lies in one of a RADIUS client that you do not administer"
            )));
        }
        if let Some(network) = client.networks.iter().find(|n| other.networks.contains(n)) {
            return Err(AdminError::Conflict(format!(
                "the network {network} belongs to the client {} already",
                other.name
            )));
        }
    }
    Ok(())
}

fn find(read: &mut dyn Read, name: &str) -> Result<RadiusClient, AdminError> {
    read.client(name)?
        .ok_or_else(|| AdminError::NotFound(format!("there is no RADIUS client `{name}`")))
}

/// The table in use follows the store's. Where it cannot be read, the change holds from the next start.
async fn follow(daemon: &Daemon) {
    if let Err(failure) = daemon.reload_clients().await {
        error!(error = %failure, "the RADIUS client table is not reloaded");
    }
}

pub(super) async fn add(daemon: &Arc<Daemon>, act: Act, op: AdminOp) -> Result<AdminReply, AdminError> {
    let AdminOp::RadiusClientAdd {
        name,
        networks: raw,
        resource,
        secret,
        weak_secret,
        message_authenticator,
        first_factor: factor,
        set,
    } = op
    else {
        return Err(AdminError::Invalid("this is no new RADIUS client".to_owned()));
    };
    let mut rng = daemon.rng();
    let id = ClientId::random(&mut rng);
    let secret = match &secret {
        Some(secret) => sealed(secret)?,
        None => make_secret(&mut rng),
    };
    let networks = networks(&raw)?;
    let factor = first_factor(factor.as_deref())?.unwrap_or_default();
    let dictionary = daemon.dictionaries.current();
    let settings = client_settings::changed(Settings::default(), &set, &dictionary)?;
    let reply = write(daemon, move |tx| {
        let resource = find_resource(tx, &resource)?;
        let client = RadiusClient {
            id,
            name: name.clone(),
            networks: networks.clone(),
            secret: secret.clone(),
            resource: resource.id,
            message_authenticator: authenticator_of(message_authenticator),
            signed: None,
            unsigned: None,
            first_factor: factor.clone(),
            settings: settings.clone(),
            created: act.now,
        };
        client.check(weak_secret).map_err(AdminError::invalid)?;
        super::sources::known(tx, &client.first_factor)?;
        distinct(tx, &client, &act.scope)?;
        tx.put_client(&client)?;
        act.record_detail(tx, "radius-client-add", ("", &resource.name), client.name.clone())?;
        Ok(AdminReply::ClientSecret {
            client: view::client(&client, &resource.name),
            secret: Secret::from(client.secret.expose()),
        })
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}

pub(super) async fn set(daemon: &Arc<Daemon>, act: Act, op: AdminOp) -> Result<AdminReply, AdminError> {
    let AdminOp::RadiusClientSet {
        name,
        networks: raw,
        resource,
        secret,
        weak_secret,
        message_authenticator,
        first_factor: factor,
        set,
    } = op
    else {
        return Err(AdminError::Invalid(
            "this is no change of a RADIUS client".to_owned(),
        ));
    };
    let new_networks = raw.as_deref().map(networks).transpose()?;
    let factor = first_factor(factor.as_deref())?;
    let dictionary = daemon.dictionaries.current();
    let reply = write(daemon, move |tx| {
        let mut client = find(tx, &name)?;
        if let Some(networks) = &new_networks {
            client.networks.clone_from(networks);
        }
        if let Some(resource) = &resource {
            client.resource = find_resource(tx, resource)?.id;
        }
        if let Some(secret) = &secret {
            client.secret = sealed(secret)?;
        }
        if let Some(mode) = message_authenticator {
            client.message_authenticator = authenticator_of(mode);
        }
        if let Some(factor) = &factor {
            super::sources::known(tx, factor)?;
            client.first_factor.clone_from(factor);
        }
        client.settings = client_settings::changed(client.settings, &set, &dictionary)?;
        // A short secret that was accepted once does not block other changes.
        client
            .check(weak_secret || secret.is_none())
            .map_err(AdminError::invalid)?;
        distinct(tx, &client, &act.scope)?;
        tx.put_client(&client)?;
        let resource = tx.resource(client.resource)?.map_or_else(String::new, |r| r.name);
        act.record_detail(tx, "radius-client-set", ("", &resource), client.name.clone())?;
        Ok(AdminReply::Client(view::client(&client, &resource)))
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}

pub(super) async fn list(
    daemon: &Arc<Daemon>,
    act: Act,
    after: Option<String>,
) -> Result<AdminReply, AdminError> {
    let after = after.map(|name| resource::key(&name));
    read(daemon, move |read| {
        let names = view::Names::load(read, &act.scope)?;
        let behind = |c: &RadiusClient| after.as_ref().is_none_or(|after| resource::key(&c.name) > *after);
        let (clients, more) = Page::of(
            read.clients()?
                .iter()
                .filter(|c| behind(c) && act.scope.covers(c.resource))
                .map(|c| view::client(c, names.of(&[c.resource]).first().map_or("", String::as_str))),
        );
        Ok(AdminReply::Clients { clients, more })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, name: String) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let client = find(tx, &name)?;
        tx.delete_client(client.id)?;
        act.record_detail(tx, "radius-client-remove", ("", ""), client.name.clone())?;
        Ok(done(format!(
            "RADIUS client {} is removed; its packets get silence now",
            client.name
        )))
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}
