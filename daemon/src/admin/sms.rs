//! Providers, the sending policy, test texts and the list of texts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use otpost_core::client::Sealed;
use otpost_core::gate::{self, Policy};
use otpost_core::ids::{MessageId, ProviderId, ResourceId};
use otpost_core::outbox::{Kind, Message, State};
use otpost_core::phone::{Phone, Region};
use otpost_core::portal::administrator::Scope;
use otpost_core::portal::enrolment::Enrolment;
use otpost_core::portal::verification::Verification;
use otpost_core::provider::{Provider, ProviderKind};
use otpost_core::resource;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, MessageView, SmsPolicySet};
use otpost_store::{Read, StoreError, document};
use zeroize::Zeroizing;

use super::page::Page;
use super::{Act, AdminError, done, read, view, write};
use crate::rows::{counts, put_counts};
use crate::state::Daemon;
use crate::{providers, sys};

/// How long a test waits for its outcome before it says "still trying".
const TEST_WAIT: Duration = Duration::from_secs(20);
/// A test text must have left after this.
const TEST_LIFE: Duration = Duration::from_secs(120);

/// A provider an administrator makes.
pub(super) struct NewProvider {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) priority: Option<u32>,
    pub(super) sender: String,
    pub(super) config: Secret,
}

/// Makes the transports anew after a change of the table.
async fn reload(daemon: &Arc<Daemon>) -> Result<(), AdminError> {
    let rows = daemon.read(|read| read.providers()).await?;
    daemon.providers.load(&rows, daemon.environment, &daemon.clock);
    daemon.outbox.wake();
    Ok(())
}

fn find(read: &mut dyn Read, name: &str) -> Result<Provider, AdminError> {
    let key = resource::key(name);
    read.providers()?
        .into_iter()
        .find(|p| resource::key(&p.name) == key)
        .ok_or_else(|| AdminError::NotFound(format!("there is no SMS provider `{name}`")))
}

pub(super) async fn provider_add(
    daemon: &Arc<Daemon>,
    act: Act,
    new: NewProvider,
) -> Result<AdminReply, AdminError> {
    let kind = match new.kind.as_str() {
        "file" => ProviderKind::File,
        "http" => ProviderKind::Http,
        other => {
            return Err(AdminError::Invalid(format!(
                "a provider is of kind file or http, not `{other}`"
            )));
        }
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !(1..=64).contains(&new.name.len()) || !new.name.chars().all(fits) {
        return Err(AdminError::Invalid(
            "a provider name has 1 to 64 letters, digits, - _ .".to_owned(),
        ));
    }
    let provider = Provider {
        id: ProviderId::random(&mut daemon.rng()),
        name: new.name,
        kind,
        priority: new.priority.unwrap_or(100),
        enabled: true,
        sender: new.sender,
        config: Sealed(Zeroizing::new(new.config.expose().to_owned())),
        created: act.now,
    };
    // Refused now rather than at the first login.
    providers::make(&provider, daemon.environment, &daemon.clock).map_err(AdminError::Invalid)?;
    let reply = write(daemon, move |tx| {
        tx.put_provider(&provider)?;
        act.record_detail(tx, "sms-provider-add", ("", ""), provider.name.clone())?;
        Ok(done(format!(
            "SMS provider {} is in use; try it: otpostctl sms send-test NUMBER --provider {}",
            provider.name, provider.name
        )))
    })
    .await?;
    reload(daemon).await?;
    Ok(reply)
}

pub(super) async fn provider_list(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, |read| {
        Ok(AdminReply::Providers {
            providers: read.providers()?.iter().map(view::provider).collect(),
        })
    })
    .await
}

pub(super) async fn provider_set(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    enabled: Option<bool>,
    priority: Option<u32>,
) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let mut provider = find(tx, &name)?;
        provider.enabled = enabled.unwrap_or(provider.enabled);
        provider.priority = priority.unwrap_or(provider.priority);
        tx.put_provider(&provider)?;
        act.record_detail(tx, "sms-provider-set", ("", ""), provider.name.clone())?;
        let state = if provider.enabled { "on" } else { "off" };
        Ok(done(format!(
            "SMS provider {} is {state}, priority {}",
            provider.name, provider.priority
        )))
    })
    .await?;
    reload(daemon).await?;
    Ok(reply)
}

pub(super) async fn provider_remove(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
) -> Result<AdminReply, AdminError> {
    let reply = write(daemon, move |tx| {
        let provider = find(tx, &name)?;
        tx.delete_provider(provider.id)?;
        act.record_detail(tx, "sms-provider-remove", ("", ""), provider.name.clone())?;
        Ok(done(format!("SMS provider {} is removed", provider.name)))
    })
    .await?;
    reload(daemon).await?;
    Ok(reply)
}

pub(super) async fn send_test(
    daemon: &Arc<Daemon>,
    act: Act,
    phone: Secret,
    only: Option<String>,
) -> Result<AdminReply, AdminError> {
    let phone = Phone::parse(phone.expose(), None).map_err(AdminError::invalid)?;
    let id = MessageId::ordered(daemon.now(), &mut daemon.rng());
    let mut ended = daemon.text_ended.subscribe();
    write(daemon, move |tx| {
        let only = only
            .as_deref()
            .map(|name| find(tx, name))
            .transpose()?
            .map(|p| p.name);
        let source = Some("admin");
        let sent = counts(tx, &phone, None, source)?;
        let policy = tx.send_policy()?;
        gate::check(&policy, &phone, &sent, true, act.now).map_err(refused)?;
        put_counts(tx, &sent.hit(act.now), &phone, None, source)?;
        tx.put_test_number(id, &phone)?;
        tx.put_message(&Message {
            id,
            kind: Kind::Test,
            state: State::Queued,
            due: act.now,
            deadline: act.now.plus(TEST_LIFE),
            submissions: 0,
            tried: Vec::new(),
            barred: Vec::new(),
            uncertain: false,
            epoch: 0,
            reference: act.reference.clone(),
            only,
            detail: String::new(),
            created: act.now,
        })?;
        act.record_detail(tx, "sms-send-test", ("", ""), phone.masked())?;
        Ok(())
    })
    .await?;
    daemon.outbox.wake();
    let outcome = async {
        loop {
            ended.borrow_and_update();
            let message = daemon.read(move |read| read.message(id)).await?;
            if let Some(message) = message.filter(|m| m.state.ended()) {
                return Ok::<_, AdminError>(message);
            }
            if ended.changed().await.is_err() {
                return Err(AdminError::Refused("otpostd is stopping".to_owned()));
            }
        }
    };
    let message = match sys::timeout(TEST_WAIT, outcome).await {
        Some(message) => Some(message?),
        None => daemon.read(move |read| read.message(id)).await?,
    };
    let Some(message) = message else {
        return Err(AdminError::NotFound("the test text is gone".to_owned()));
    };
    Ok(AdminReply::SendTest {
        state: message.state.as_str().to_owned(),
        provider: message.tried.last().cloned().unwrap_or_default(),
        provider_id: match &message.state {
            State::Accepted { provider_id, .. } => provider_id.clone(),
            _ => None,
        },
        detail: message.detail,
    })
}

fn refused(refusal: gate::Refusal) -> AdminError {
    AdminError::Refused(match refusal {
        gate::Refusal::Paused => "sending is paused; resume it: otpostctl sms resume".to_owned(),
        gate::Refusal::Country(region) => {
            format!(
                "texts to {region} are not allowed; allow the country: otpostctl sms countries --add {region}"
            )
        }
        gate::Refusal::NumberClass => "this is no mobile number, so it takes no texts".to_owned(),
        other => format!(
            "the budget is used ({}); try again in {} s",
            other.code(),
            other.wait().unwrap_or_default()
        ),
    })
}

fn policy_view(policy: &Policy) -> AdminReply {
    AdminReply::SmsPolicy(SmsPolicySet {
        countries: Some(policy.countries.iter().map(ToString::to_string).collect()),
        voip: Some(policy.voip),
        paused: Some(policy.paused),
        number_hour: Some(policy.number_hour),
        number_day: Some(policy.number_day),
        user_hour: Some(policy.user_hour),
        user_day: Some(policy.user_day),
        user_reserve: Some(policy.user_reserve),
        source_hour: Some(policy.source_hour),
        source_day: Some(policy.source_day),
        all_minute: Some(policy.all_minute),
        all_day: Some(policy.all_day),
    })
}

pub(super) async fn policy_show(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, |read| Ok(policy_view(&read.send_policy()?))).await
}

pub(super) async fn policy_set(
    daemon: &Arc<Daemon>,
    act: Act,
    set: SmsPolicySet,
) -> Result<AdminReply, AdminError> {
    let countries = set
        .countries
        .as_ref()
        .map(|list| {
            list.iter()
                .map(|c| c.parse::<Region>())
                .collect::<Result<BTreeSet<_>, _>>()
        })
        .transpose()
        .map_err(AdminError::invalid)?;
    write(daemon, move |tx| {
        let old = tx.send_policy()?;
        let policy = Policy {
            countries: countries.clone().unwrap_or_else(|| old.countries.clone()),
            voip: set.voip.unwrap_or(old.voip),
            paused: set.paused.unwrap_or(old.paused),
            number_hour: set.number_hour.unwrap_or(old.number_hour),
            number_day: set.number_day.unwrap_or(old.number_day),
            user_hour: set.user_hour.unwrap_or(old.user_hour),
            user_day: set.user_day.unwrap_or(old.user_day),
            user_reserve: set.user_reserve.unwrap_or(old.user_reserve),
            source_hour: set.source_hour.unwrap_or(old.source_hour),
            source_day: set.source_day.unwrap_or(old.source_day),
            all_minute: set.all_minute.unwrap_or(old.all_minute),
            all_day: set.all_day.unwrap_or(old.all_day),
        };
        tx.put_send_policy(&policy)?;
        let list: Vec<&str> = policy.countries.iter().map(Region::as_str).collect();
        let detail = format!("countries {}; paused {}", list.join(","), policy.paused);
        act.record_detail(tx, "sms-policy-set", ("", ""), detail)?;
        Ok(policy_view(&policy))
    })
    .await
}

/// On which resource a text is; a test is on none.
fn resource_of(read: &mut dyn Read, kind: &Kind) -> Result<Option<ResourceId>, StoreError> {
    Ok(match kind {
        Kind::Code { challenge, .. } => read.challenge(*challenge)?.map(|c| c.resource),
        Kind::Enrol { enrolment, .. } => document::get::<Enrolment>(read, &enrolment.0)?.map(|e| e.resource),
        Kind::Portal { verification, .. } => {
            document::get::<Verification>(read, &verification.0)?.and_then(|v| v.resource)
        }
        Kind::Notice { resource, .. } => Some(*resource),
        Kind::Test => None,
    })
}

pub(super) async fn messages(
    daemon: &Arc<Daemon>,
    act: Act,
    limit: u32,
    after: Option<String>,
) -> Result<AdminReply, AdminError> {
    let limit = limit.clamp(1, 200);
    let after = after
        .map(|id| id.parse::<MessageId>())
        .transpose()
        .map_err(|_| AdminError::Invalid("`after` is no id of a text".to_owned()))?;
    read(daemon, move |read| {
        let mut page = Page::default();
        let mut more = false;
        let mut newest = read.messages(limit)?.into_iter();
        if let Some(after) = after {
            newest.by_ref().find(|message| message.id == after);
        }
        for message in newest {
            if act.scope != Scope::All {
                let resource = resource_of(read, &message.kind)?;
                if !resource.is_some_and(|resource| act.scope.covers(resource)) {
                    continue;
                }
            }
            let kind = message.kind.as_str();
            let phone = match &message.kind {
                Kind::Code { token, .. } | Kind::Portal { token, .. } => read.token(*token)?.map(|t| t.phone),
                Kind::Enrol { enrolment, .. } => {
                    document::get::<Enrolment>(read, &enrolment.0)?.and_then(|e| e.phone().ok().flatten())
                }
                Kind::Test | Kind::Notice { .. } => read.test_number(message.id)?,
            };
            let taken = page.push(MessageView {
                id: message.id.to_string(),
                kind: kind.to_owned(),
                phone: phone.map_or_else(String::new, |p| p.masked()),
                state: message.state.as_str().to_owned(),
                tried: message.tried,
                detail: message.detail,
                created: message.created.0,
                reference: message.reference.to_string(),
            });
            if !taken {
                more = true;
                break;
            }
        }
        let messages = page.rows();
        Ok(AdminReply::Messages { messages, more })
    })
    .await
}
