//! Sources of passwords: directories and RADIUS servers. A change holds from the next login on.

use std::sync::Arc;

use otpost_core::client::RadiusClient;
use otpost_core::ids::SourceId;
use otpost_core::name::LoginName;
use otpost_core::resource;
use otpost_core::source::{Chain, Checked, Kind, Link, Source, SourceKind};
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, SourceView};
use otpost_store::kinds::source_key;
use otpost_store::{Read, document};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::error;

use super::page::Page;
use super::{Act, AdminError, done, read, write};
use crate::providers::mistake;
use crate::state::Daemon;
use crate::{sources, sys};

/// Most octets of the groups' names in the answer to a test, which must fit a frame.
const GROUPS: usize = 16 * 1024;

fn find(read: &mut dyn Read, name: &str) -> Result<Source, AdminError> {
    document::by_key(read, &source_key(name))?
        .ok_or_else(|| AdminError::NotFound(format!("there is no source of passwords `{name}`")))
}

/// Checks that there are the sources that `chain` asks.
pub(super) fn known(read: &mut dyn Read, chain: &Chain) -> Result<(), AdminError> {
    for link in chain.links() {
        let Link::Source { kind, name } = link else {
            continue;
        };
        let source = find(read, name)?;
        if source.kind.kind() != *kind {
            return Err(AdminError::Invalid(format!(
                "there is no source {link}; write {}",
                source.shown()
            )));
        }
    }
    Ok(())
}

/// RADIUS clients that ask the source.
fn users<'a>(clients: &'a [RadiusClient], source: &'a Source) -> impl Iterator<Item = String> + 'a {
    let asks = |client: &&RadiusClient| client.first_factor.asks(&source.name);
    clients.iter().filter(asks).map(|client| client.name.clone())
}

fn settings<T: DeserializeOwned>(config: &Secret) -> Result<T, AdminError> {
    serde_json::from_str(config.expose()).map_err(|error| AdminError::Invalid(mistake(&error.to_string())))
}

fn kind(word: SourceKind, config: &Secret) -> Result<Kind, AdminError> {
    Ok(match word {
        SourceKind::Ldap => Kind::Ldap(settings(config)?),
        SourceKind::Radius => Kind::Radius(settings(config)?),
    })
}

/// Where it cannot be read, the change holds from the next start.
async fn follow(daemon: &Daemon) {
    if let Err(failure) = sources::load(daemon).await {
        error!(error = %failure, "the sources of passwords are not reloaded");
    }
}

pub(super) async fn add(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    (word, config): (&str, &Secret),
) -> Result<AdminReply, AdminError> {
    let source = Source {
        id: SourceId::random(&mut daemon.rng()),
        name,
        kind: kind(word.parse().map_err(AdminError::invalid)?, config)?,
        created: act.now,
    };
    // Refused now rather than at the first login.
    sources::usable(&source).map_err(AdminError::invalid)?;
    let reply = write(daemon, move |tx| {
        if document::by_key::<Source>(tx, &source_key(&source.name))?.is_some() {
            return Err(AdminError::Conflict("the source name is taken already".to_owned()));
        }
        let most = usize::try_from(sources::MOST).unwrap_or(usize::MAX);
        if document::list::<Source>(tx, None, sources::MOST)?.len() >= most {
            return Err(AdminError::Invalid(format!(
                "there are {most} sources already; remove one that is not used"
            )));
        }
        document::put(tx, &source)?;
        let shown = source.shown();
        act.record_detail(tx, "source-add", ("", ""), shown.clone())?;
        Ok(done(format!(
            "the source {shown} is there; try it: otpostctl source test {} USER, then: otpostctl radius client set CLIENT \
             --first-factor {shown}",
            source.name
        )))
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}

pub(super) async fn set(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    config: Secret,
) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let old = find(tx, &name)?;
        let source = Source {
            kind: kind(old.kind.kind(), &config)?,
            ..old
        };
        sources::usable(&source).map_err(AdminError::invalid)?;
        document::put(tx, &source)?;
        let shown = source.shown();
        let servers = servers(&source).join(" ");
        act.record_detail(tx, "source-set", ("", ""), format!("{shown}: {servers}"))?;
        Ok(done(format!("the source {shown} is changed")))
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}

pub(super) async fn list(daemon: &Arc<Daemon>, after: Option<String>) -> Result<AdminReply, AdminError> {
    let after = after.map(|name| resource::key(&name));
    read(daemon, move |read| {
        let mut sources: Vec<(String, Source)> = document::list::<Source>(read, None, sources::MOST)?
            .into_iter()
            .map(|source| (resource::key(&source.name), source))
            .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
            .collect();
        sources.sort_by(|(one, _), (other, _)| one.cmp(other));
        let clients = read.clients()?;
        let (sources, more) = Page::of(sources.iter().map(|(_, source)| view(source, &clients)));
        Ok(AdminReply::Sources { sources, more })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, name: String) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let source = find(tx, &name)?;
        let clients = tx.clients()?;
        if let Some(client) = users(&clients, &source).next() {
            return Err(AdminError::Conflict(format!(
                "the RADIUS client {client} asks this source; change that first: otpostctl radius client set {client} \
                 --first-factor local"
            )));
        }
        document::delete::<Source>(tx, &source.id.0)?;
        act.record_detail(tx, "source-remove", ("", ""), source.shown())?;
        Ok(done(format!("the source {} is removed", source.shown())))
    })
    .await?;
    follow(daemon).await;
    Ok(reply)
}

pub(super) async fn test(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    (user, password): (&str, &Secret),
) -> Result<AdminReply, AdminError> {
    let login = LoginName::parse(user).map_err(AdminError::invalid)?;
    let source = read(daemon, move |read| find(read, &name)).await?;
    // Whoever tries passwords this way is on record before they know more.
    let (shown, tried) = (source.shown(), login.to_string());
    write(daemon, move |tx| {
        act.record_detail(tx, "source-test", (&tried, ""), shown.clone())?;
        Ok(())
    })
    .await?;
    let clock = sys::Stopwatch::start();
    let asked = (source.kind.kind(), source.name.as_str());
    let answered = sources::test(daemon, asked, &login, password.expose()).await;
    let took = clock.elapsed().as_millis();
    let outcome = answered.checked.as_str().to_owned();
    let (groups, detail) = match answered.checked {
        Checked::Passed { groups, .. } => (few(groups), String::new()),
        Checked::Unavailable(outage) => (Vec::new(), outage.why),
        Checked::Challenge { message, .. } => (Vec::new(), message),
        Checked::Failed | Checked::UnknownUser | Checked::Expired | Checked::Locked => {
            (Vec::new(), String::new())
        }
    };
    Ok(AdminReply::SourceTested {
        outcome,
        groups,
        server: answered.server,
        milliseconds: u64::try_from(took).unwrap_or(u64::MAX),
        detail,
    })
}

fn few(groups: Vec<String>) -> Vec<String> {
    let mut left = GROUPS;
    let fits = |group: &String| {
        left = left.saturating_sub(group.len() + 8);
        left > 0
    };
    groups.into_iter().take_while(fits).collect()
}

fn servers(source: &Source) -> Vec<String> {
    match &source.kind {
        Kind::Ldap(ldap) => ldap.urls.iter().map(ToString::to_string).collect(),
        Kind::Radius(upstream) => upstream.servers.iter().map(ToString::to_string).collect(),
    }
}

fn view(source: &Source, clients: &[RadiusClient]) -> SourceView {
    SourceView {
        name: source.name.clone(),
        kind: source.kind.kind().as_str().to_owned(),
        servers: servers(source),
        settings: shown(source).to_string(),
        used_by: users(clients, source).collect(),
    }
}

/// The settings without credentials, and without the certificate, which is long.
fn shown(source: &Source) -> Value {
    let settings = match &source.kind {
        Kind::Ldap(ldap) => serde_json::to_value(ldap),
        Kind::Radius(upstream) => serde_json::to_value(upstream),
    };
    let mut settings = settings.unwrap_or_default();
    if let Some(fields) = settings.as_object_mut() {
        fields.remove("secret");
        fields.remove("ca");
        fields.retain(|_, value| !value.is_null());
    }
    if let Some(search) = settings
        .pointer_mut("/bind/search")
        .and_then(Value::as_object_mut)
    {
        search.remove("password");
        search.retain(|_, value| !value.is_null());
    }
    settings
}

#[cfg(test)]
mod tests {
    use otpost_core::Timestamp;

    use super::*;

    #[test]
    fn no_credential_is_shown() {
        let of = |kind| Source {
            id: SourceId([1; 16]),
            name: "corp".to_owned(),
            kind,
            created: Timestamp(0),
        };
        let ldap = r#"{"urls": ["ldaps://a"], "ca": "-----BEGIN CERTIFICATE-----", "bind": {"search": {"bind-dn": "cn=s,dc=a",
            "password": "hunter2", "base": "dc=a", "filter": "(uid={user})"}}}"#;
        let radius = r#"{"servers": ["192.0.2.1"], "secret": "hunter2hunter2hunter2"}"#;
        for source in [
            of(Kind::Ldap(serde_json::from_str(ldap).unwrap())),
            of(Kind::Radius(serde_json::from_str(radius).unwrap())),
        ] {
            let view = view(&source, &[]);
            assert!(!view.settings.contains("hunter2"), "{}", view.settings);
            assert!(!view.settings.contains("CERTIFICATE"), "{}", view.settings);
            assert!(!view.settings.contains("null"), "{}", view.settings);
        }
        let wrong = settings::<otpost_core::source::Upstream>(&Secret::from(
            r#"{"servers": ["a"], "secret": ["hunter2"]}"#,
        ));
        let said = wrong.unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn very_many_groups_fit_an_answer() {
        let groups: Vec<String> = (0..2000).map(|n| format!("group {n:040}")).collect();
        let few = few(groups);
        assert!(few.len() > 100 && serde_json::to_string(&few).unwrap().len() < 20_000);
    }
}
