//! What administrators do: validate, change and audit in one transaction.

mod access;
mod administrators;
mod audit;
mod client_settings;
mod clients;
mod enrol;
mod error;
mod explain;
mod find;
mod import;
mod keys;
mod mail;
mod overview;
pub(crate) mod page;
mod people;
mod portal;
pub(crate) mod remembered;
mod resources;
mod sms;
mod sources;
mod status;
mod tokens;
mod users;
mod view;

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::audit::Event;
use otpost_core::ids::Reference;
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::{Maker, Role, Scope};
use otpost_core::resource::{self, Resource};
use otpost_core::user::User;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_ipc::{Fault, Outcome};
use otpost_store::{Read, StoreError, Tx};
use tracing::{Instrument, error, info, info_span};

pub(crate) use error::AdminError;

use crate::state::Daemon;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As the audit log names them: `root`, `console mara`, `api sync`.
    pub(crate) actor: String,
    /// What they may do.
    pub(crate) role: Role,
    /// On what; answers are cut to it.
    pub(crate) scope: Scope,
    /// Literal source, where there is one.
    pub(crate) source: String,
    /// As whom keys remember them that they make.
    pub(crate) maker: Maker,
}

impl Caller {
    /// Somebody on this host whom `admin.sock` let in: they may do everything.
    pub(crate) fn local(actor: String) -> Self {
        Self {
            actor,
            role: Role::Owner,
            scope: Scope::All,
            source: String::new(),
            maker: Maker::Local,
        }
    }
}

/// Who asks, and under which reference.
#[derive(Debug, Clone)]
struct Act {
    actor: String,
    role: Role,
    scope: Scope,
    source: String,
    maker: Maker,
    reference: Reference,
    now: Timestamp,
}

impl Act {
    /// Records the act in the audit chain.
    fn record(&self, tx: &mut dyn Tx, kind: &str, user: &str, resource: &str) -> Result<(), StoreError> {
        self.record_detail(tx, kind, (user, resource), String::new())
    }

    fn record_detail(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        (user, resource): (&str, &str),
        detail: String,
    ) -> Result<(), StoreError> {
        tx.append_audit(&Event {
            at: self.now,
            kind: format!("admin.{kind}"),
            reason: "admin".to_owned(),
            reference: self.reference.clone(),
            user: user.to_owned(),
            resource: resource.to_owned(),
            via: format!("admin {}", self.actor),
            source: self.source.clone(),
            detail,
        })
    }
}

/// Answers one request.
pub(crate) async fn handle(daemon: Arc<Daemon>, caller: Caller, op: AdminOp) -> Outcome<AdminReply> {
    let act = Act {
        actor: caller.actor,
        role: caller.role,
        scope: caller.scope,
        source: caller.source,
        maker: caller.maker,
        reference: daemon.reference(),
        now: daemon.now(),
    };
    let span = info_span!("admin", by = act.actor, reference = %act.reference);
    let reference = act.reference.to_string();
    let name = name(&op);
    async move {
        match dispatch(&daemon, act, op).await {
            Ok(reply) => {
                info!(act = name, "carried out");
                Outcome::Ok(reply)
            }
            Err(failure) => {
                if let AdminError::Store(failure) = &failure {
                    error!(error = %failure, "the store cannot be used");
                }
                Outcome::Err(Fault {
                    code: failure.code(),
                    message: failure.to_string(),
                    retry_after: None,
                    reference,
                })
            }
        }
    }
    .instrument(span)
    .await
}

/// The request's name without what it holds.
pub(crate) fn name(op: &AdminOp) -> String {
    let shown = format!("{op:?}");
    shown.chars().take_while(char::is_ascii_alphanumeric).collect()
}

async fn dispatch(daemon: &Arc<Daemon>, act: Act, op: AdminOp) -> Result<AdminReply, AdminError> {
    match op {
        AdminOp::Status => status::status(daemon, &act).await,
        AdminOp::UserAdd(add) => users::add(daemon, act, add).await,
        AdminOp::UserSet(set) => users::set(daemon, act, set).await,
        AdminOp::UserShow { user } => users::show(daemon, act, user).await,
        AdminOp::UserList { search, after, limit } => users::list(daemon, &act, search, after, limit).await,
        AdminOp::UserRemove { user } => users::remove(daemon, act, user).await,
        AdminOp::UserLock { user, why } => users::lock(daemon, act, user, why).await,
        AdminOp::UserUnlock { user } => users::unlock(daemon, act, user).await,
        AdminOp::UserBypass { user, seconds } => users::bypass(daemon, act, user, seconds).await,
        AdminOp::UserBind { user, resource } => users::bind(daemon, act, user, resource, true).await,
        AdminOp::UserUnbind { user, resource } => users::bind(daemon, act, user, resource, false).await,
        AdminOp::TokenAdd {
            user,
            phone,
            name,
            digits,
            resources,
        } => {
            let wanted = tokens::Wanted {
                user,
                phone,
                name,
                digits,
                resources,
            };
            tokens::add(daemon, act, wanted).await
        }
        AdminOp::TokenList { user } => tokens::list(daemon, act, user).await,
        AdminOp::TokenSet { token, status, name } => tokens::set(daemon, act, token, status, name).await,
        AdminOp::TokenRemove { token } => tokens::remove(daemon, act, token).await,
        AdminOp::ResourceAdd { name, set } => resources::add(daemon, act, name, set).await,
        AdminOp::ResourceSet { name, set } => resources::set(daemon, act, name, set).await,
        AdminOp::ResourceShow { name } => resources::show(daemon, name).await,
        AdminOp::ResourceList { after } => resources::list(daemon, act, after).await,
        AdminOp::ResourceRemove { name } => resources::remove(daemon, act, name).await,
        op @ AdminOp::RadiusClientAdd { .. } => clients::add(daemon, act, op).await,
        op @ AdminOp::RadiusClientSet { .. } => clients::set(daemon, act, op).await,
        AdminOp::RadiusClientList { after } => clients::list(daemon, act, after).await,
        AdminOp::RadiusClientRemove { name } => clients::remove(daemon, act, name).await,
        AdminOp::RememberedList { user } => remembered::list(daemon, act, user).await,
        AdminOp::RememberedRevoke { user, id } => remembered::revoke(daemon, act, user, id).await,
        AdminOp::AccountingList { user, ended, limit } => {
            remembered::accounting(daemon, act, user, ended, limit).await
        }
        AdminOp::SourceAdd { name, kind, config } => sources::add(daemon, act, name, (&kind, &config)).await,
        AdminOp::SourceSet { name, config } => sources::set(daemon, act, name, config).await,
        AdminOp::SourceList { after } => sources::list(daemon, after).await,
        AdminOp::SourceRemove { name } => sources::remove(daemon, act, name).await,
        AdminOp::SourceTest { name, user, password } => {
            sources::test(daemon, act, name, (&user, &password)).await
        }
        AdminOp::SmsProviderAdd {
            name,
            kind,
            priority,
            sender,
            config,
        } => {
            let wanted = sms::NewProvider {
                name,
                kind,
                priority,
                sender,
                config,
            };
            sms::provider_add(daemon, act, wanted).await
        }
        AdminOp::SmsProviderList => sms::provider_list(daemon).await,
        AdminOp::SmsProviderSet {
            name,
            enabled,
            priority,
        } => sms::provider_set(daemon, act, name, enabled, priority).await,
        AdminOp::SmsProviderRemove { name } => sms::provider_remove(daemon, act, name).await,
        AdminOp::SmsSendTest { phone, provider } => sms::send_test(daemon, act, phone, provider).await,
        AdminOp::SmsPolicyShow => sms::policy_show(daemon).await,
        AdminOp::SmsPolicySet(set) => sms::policy_set(daemon, act, set).await,
        AdminOp::SmsMessages { limit, after } => sms::messages(daemon, act, limit, after).await,
        AdminOp::LoginExplain {
            user,
            service,
            channel,
            source,
        } => {
            explain::explain(
                daemon,
                explain::Question {
                    user,
                    service,
                    channel,
                    source,
                },
            )
            .await
        }
        AdminOp::AuditTail { after, limit } => audit::tail(daemon, &act, after, limit).await,
        AdminOp::AuditVerify => audit::verify(daemon).await,
        AdminOp::AdminAdd {
            login,
            shown,
            email,
            role,
            resources,
        } => {
            let wanted = administrators::Wanted {
                login,
                shown,
                email,
                role,
                resources,
            };
            administrators::add(daemon, act, wanted).await
        }
        AdminOp::AdminSet(set) => administrators::set(daemon, act, set).await,
        AdminOp::AdminReset { login } => administrators::reset(daemon, act, login).await,
        AdminOp::AdminList => administrators::list(daemon).await,
        AdminOp::AdminRemove { login } => administrators::remove(daemon, act, login).await,
        AdminOp::SetupLink => administrators::setup_link(daemon, act).await,
        AdminOp::ApiKeyAdd {
            name,
            role,
            resources,
            days,
        } => {
            let wanted = keys::Wanted {
                name,
                role,
                resources,
                days,
            };
            keys::add(daemon, act, wanted).await
        }
        AdminOp::ApiKeyList => keys::list(daemon).await,
        AdminOp::ApiKeyRemove { name } => keys::remove(daemon, act, name).await,
        AdminOp::MailShow => mail::show(daemon).await,
        AdminOp::MailSet(set) => mail::set(daemon, act, set).await,
        AdminOp::MailTest { to } => mail::test(daemon, act, to).await,
        AdminOp::PortalShow => portal::show(daemon).await,
        AdminOp::PortalSet(set) => portal::set(daemon, act, set).await,
        AdminOp::EnrolStart {
            user,
            resource,
            phone,
            name,
            digits,
        } => {
            let wanted = enrol::Wanted {
                user,
                resource,
                phone,
                name,
                digits,
            };
            enrol::start(daemon, act, wanted).await
        }
        AdminOp::EnrolFinish { enrolment, code } => enrol::finish(daemon, act, enrolment, code).await,
        AdminOp::EnrolStatus { enrolment } => enrol::status(daemon, act, enrolment).await,
        AdminOp::EnrolCancel { enrolment } => enrol::cancel(daemon, act, enrolment).await,
        AdminOp::UserFind {
            search,
            resource,
            state,
            after,
            limit,
        } => {
            let wanted = find::Wanted {
                search,
                resource,
                state,
                after,
                limit,
            };
            find::users(daemon, act, wanted).await
        }
        AdminOp::TokenFind {
            search,
            resource,
            after,
            limit,
        } => {
            let wanted = find::Wanted {
                search,
                resource,
                state: None,
                after,
                limit,
            };
            find::tokens(daemon, act, wanted).await
        }
        AdminOp::UserSessions { user } => people::sessions(daemon, act, user).await,
        AdminOp::UserSignOut { user } => people::sign_out(daemon, act, user).await,
        AdminOp::UserOneDayCode { user } => people::one_day_code(daemon, act, user).await,
        AdminOp::UserRecovery { user } => people::recovery(daemon, act, user).await,
        AdminOp::UserInvite { user, resource } => people::invite(daemon, act, user, resource).await,
        AdminOp::ImportPut { import, text, last } => import::put(daemon, act, import, text, last).await,
        AdminOp::ImportPlan { import, after, only } => {
            import::plan(daemon, &act, &import, after, only.as_deref())
        }
        AdminOp::ImportApply { import, atomic } => import::apply(daemon, act, &import, atomic),
        AdminOp::ImportShow { import } => import::show(daemon, &act, &import),
        AdminOp::Overview { hours, resource } => overview::overview(daemon, act, hours, resource).await,
        AdminOp::AuditFind {
            filter,
            before,
            limit,
        } => audit::find(daemon, act, filter, before, limit).await,
    }
}

/// Runs `job` in a transaction; its own refusals come back as they are and nothing is stored.
pub(crate) async fn write<T: Send + 'static>(
    daemon: &Daemon,
    mut job: impl FnMut(&mut dyn Tx) -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    let refused = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&refused);
    let outcome = daemon
        .write(move |tx| {
            job(tx).map_err(|failure| match failure {
                AdminError::Store(error) => error,
                other => {
                    let message = other.to_string();
                    if let Ok(mut slot) = keep.lock() {
                        *slot = Some(other);
                    }
                    StoreError::Refused(message)
                }
            })
        })
        .await;
    match outcome {
        Err(StoreError::Refused(message)) => {
            let own = refused.lock().ok().and_then(|mut slot| slot.take());
            Err(own.unwrap_or(AdminError::Invalid(message)))
        }
        other => Ok(other?),
    }
}

/// As [`write`], for reading.
pub(crate) async fn read<T: Send + 'static>(
    daemon: &Daemon,
    mut job: impl FnMut(&mut dyn Read) -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    daemon
        .read(move |read| match job(read) {
            Ok(value) => Ok(Ok(value)),
            Err(AdminError::Store(error)) => Err(error),
            Err(other) => Ok(Err(other)),
        })
        .await?
}

/// The user of this login or alias.
fn find_user(read: &mut dyn Read, user: &str) -> Result<User, AdminError> {
    let name = LoginName::parse(user).map_err(|e| AdminError::Invalid(e.to_string()))?;
    read.user_by_name(&name)?
        .ok_or_else(|| AdminError::NotFound(format!("there is no user `{user}`")))
}

/// The resource of this name.
fn find_resource(read: &mut dyn Read, name: &str) -> Result<Resource, AdminError> {
    read.resource_by_key(&resource::key(name))?
        .ok_or_else(|| AdminError::NotFound(format!("there is no resource `{name}`")))
}

fn done(message: impl Into<String>) -> AdminReply {
    AdminReply::Done {
        message: message.into(),
    }
}
