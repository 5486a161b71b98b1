//! What administrators do for people who want to sign in: sessions, codes for one day, recovery codes, invitations.

use std::cmp::Reverse;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use otpost_core::ids::{InviteId, MailId, ResourceId};
use otpost_core::mail::queue::{MailState, Matter, NOTICE_LIFE, QueuedMail};
use otpost_core::mail::{Address, By, Context, Lang, Notice};
use otpost_core::portal::factors::{HELPDESK_LIFE, HelpdeskCode, fresh_helpdesk_code, helpdesk_code};
use otpost_core::portal::invite::{Invite, LIFE};
use otpost_core::portal::session::{PortalSession, Stage, fingerprint};
use otpost_core::user::User;
use otpost_core::{Rng, Timestamp};
use otpost_ipc::Secret;
use otpost_ipc::admin::AdminReply;
use otpost_ipc::portal::SessionView;
use otpost_store::{StoreError, Tx, document};
use zeroize::Zeroizing;

use super::page::Page;
use super::{Act, AdminError, done, find_resource, find_user, read, view, write};
use crate::console::setup::site;
use crate::portal::mails::masked;
use crate::portal::{recovery as codes, session, site as pages};
use crate::postman;
use crate::state::Daemon;

pub(super) async fn sessions(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let user = find_user(read, &user)?;
        let mut live: Vec<PortalSession> = document::of(read, &user.id.0)?;
        live.retain(|session| {
            let seen = session.resource.is_some_and(|id| act.scope.covers(id));
            seen && session.stage == Stage::Full && session.alive(act.now)
        });
        live.sort_by_key(|session| Reverse(session.seen));
        let mut views = Vec::with_capacity(live.len());
        for session in live {
            let resource = match session.resource {
                Some(id) => read.resource(id)?,
                None => None,
            };
            views.push(SessionView {
                id: session.id.to_string(),
                own: false,
                source: session.source.address.map_or_else(String::new, |a| a.to_string()),
                agent: session.agent,
                seen: session.seen.0,
                portal: resource.map_or_else(String::new, |resource| resource.name),
            });
        }
        let (sessions, _) = Page::of(views);
        Ok(AdminReply::Sessions { sessions })
    })
    .await
}

pub(super) async fn sign_out(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let user = find_user(tx, &user)?;
        let ended = session::end_of(tx, user.id, None, None)?;
        act.record_detail(
            tx,
            "user-sign-out",
            (&user.login, ""),
            format!("{ended} sessions"),
        )?;
        Ok(done(format!("user {} is signed out of every portal", user.login)))
    })
    .await
}

pub(super) async fn one_day_code(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
) -> Result<AdminReply, AdminError> {
    let code = fresh_helpdesk_code(&mut daemon.rng());
    let clean = helpdesk_code(&code)
        .ok_or_else(|| AdminError::Refused("no code could be made; try again".to_owned()))?;
    let hash = daemon
        .passwords
        .hash(clean, daemon.rng())
        .await
        .map_err(|e| AdminError::Refused(e.to_string()))?;
    let until = act.now.plus(HELPDESK_LIFE);
    write(daemon, move |tx| {
        let user = find_user(tx, &user)?;
        document::put(
            tx,
            &HelpdeskCode {
                user: user.id,
                hash: hash.clone(),
                created: act.now,
                ends: until,
            },
        )?;
        act.record(tx, "user-one-day-code", &user.login, "")
            .map_err(AdminError::from)
    })
    .await?;
    Ok(AdminReply::OneDayCode {
        code: Secret::from(code.as_str()),
        until: until.0,
    })
}

pub(super) async fn recovery(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    let wanted = user.clone();
    let id = read(daemon, move |read| Ok(find_user(read, &wanted)?.id)).await?;
    // Ten hashes take a while; the user may be gone or renamed when they are there.
    let fresh = codes::make(daemon)
        .await
        .map_err(|e| AdminError::Refused(e.to_string()))?;
    let mut rng = daemon.rng();
    let mail = MailId::random(&mut rng);
    let shown = fresh.shown();
    write(daemon, move |tx| {
        let user = tx
            .user(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no user `{user}`")))?;
        // Where the person is bound now, as far as the administrator answers for it.
        let bound = user.resources.iter().copied();
        let resources: Vec<ResourceId> = bound.filter(|id| act.scope.covers(*id)).collect();
        if resources.is_empty() {
            return Err(AdminError::Invalid(format!(
                "user {} is bound to no resource, so there is no portal for codes; bind it first: \
                 otpostctl user bind {} RESOURCE",
                user.login, user.login
            )));
        }
        codes::keep(tx, (user.id, resources), &fresh.set, &mut rng)?;
        act.record(tx, "user-recovery", &user.login, "")?;
        notify(
            tx,
            (&user, "otpost"),
            (mail, Matter::Notice(Notice::RecoveryRenewed)),
            &act,
        )?;
        Ok(())
    })
    .await?;
    daemon.postman.wake();
    Ok(AdminReply::RecoveryCodes { codes: shown })
}

pub(super) async fn invite(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
    resource: String,
) -> Result<AdminReply, AdminError> {
    let mut rng = daemon.rng();
    let mut octets = Zeroizing::new([0; 32]);
    rng.fill(octets.as_mut_slice());
    let secret = Zeroizing::new(BASE64URL_NOPAD.encode(octets.as_slice()));
    let (id, mail) = (InviteId::random(&mut rng), MailId::random(&mut rng));
    let until = act.now.plus(LIFE);
    let (link, mailed) = write(daemon, move |tx| {
        let user = find_user(tx, &user)?;
        let resource = find_resource(tx, &resource)?;
        if !user.resources.contains(&resource.id) {
            return Err(AdminError::Invalid(format!(
                "user {} is not bound to {}; bind it first",
                user.login, resource.name
            )));
        }
        if user.locked.is_some() {
            return Err(AdminError::Invalid(format!(
                "user {} is locked; unlock first",
                user.login
            )));
        }
        if !resource.enabled || resource.self_service.address.is_none() {
            return Err(AdminError::Invalid(format!(
                "the portal of {} is off; give it a self-service address first",
                resource.name
            )));
        }
        let page = view::portal(&resource, &site(tx)?).ok_or_else(|| {
            AdminError::Invalid(
                "nobody has said where the portal is; set its address first: otpostctl portal set --url URL"
                    .to_owned(),
            )
        })?;
        let link = Zeroizing::new(format!("{page}?invite={}", secret.as_str()));
        // A new link takes the place of the old one.
        for old in document::of::<Invite>(tx, &user.id.0)? {
            if old.resource == resource.id && old.used.is_none() {
                document::delete::<Invite>(tx, &old.id.0)?;
            }
        }
        document::put(
            tx,
            &Invite {
                id,
                secret: fingerprint(&secret),
                user: user.id,
                resource: resource.id,
                created: act.now,
                ends: until,
                used: None,
            },
        )?;
        act.record(tx, "user-invite", &user.login, &resource.name)?;
        let matter = Matter::Invitation {
            link: link.clone(),
            until,
        };
        let mailed = notify(tx, (&user, pages::title(&resource)), (mail, matter), &act)?;
        Ok((link, mailed))
    })
    .await?;
    daemon.postman.wake();
    Ok(AdminReply::Invited {
        link: Secret::from(link.as_str()),
        until: until.0,
        mailed,
    })
}

/// Tells `before`, a user as before an administrator's act, of another address or none.
pub(super) fn moved(
    tx: &mut dyn Tx,
    before: &User,
    new: Option<&str>,
    (mail, act): (MailId, &Act),
) -> Result<(), StoreError> {
    if before.email.as_deref() == new {
        return Ok(());
    }
    let notice = match new {
        Some(new) => Notice::EmailChanged { masked: masked(new) },
        None => Notice::EmailRemoved,
    };
    notify(tx, (before, "otpost"), (mail, Matter::Notice(notice)), act)?;
    Ok(())
}

/// Queues a mail to a user of what an administrator did; false where there is no address, or mail is off.
fn notify(
    tx: &mut dyn Tx,
    (user, service): (&User, &str),
    (id, matter): (MailId, Matter),
    act: &Act,
) -> Result<bool, StoreError> {
    let Some(to) = user.email.as_deref().and_then(|raw| Address::parse(raw).ok()) else {
        return Ok(false);
    };
    let deadline: Timestamp = match &matter {
        Matter::Invitation { until, .. } => *until,
        _ => act.now.plus(NOTICE_LIFE),
    };
    let mail = QueuedMail {
        id,
        owner: user.id.0,
        to,
        lang: Lang::of(&user.profile.lang),
        context: Context {
            service: service.to_owned(),
            login: user.login.clone(),
            at: act.now,
            by: By::Administrator,
        },
        matter,
        state: MailState::Waiting,
        next: act.now,
        deadline,
        tries: 0,
        trouble: String::new(),
        reference: act.reference.clone(),
        created: act.now,
    };
    postman::queue(tx, &mail)
}
