//! What people do to their tokens, profile and sessions. The administrator must have allowed it; what matters needs a fresh code first
//! ([`super::step_up`]) and is carried out in the transaction that takes it.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::challenge::{Challenge, State};
use otpost_core::ids::{PortalSessionId, Reference, TokenId};
use otpost_core::mail::{Address, Notice};
use otpost_core::name::LoginName;
use otpost_core::outbox::{Kind as TextKind, SecurityEvent};
use otpost_core::portal::answer::misshapen;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::flow::FlowState;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::PortalSession;
use otpost_core::portal::settings::{Action, Kind};
use otpost_core::portal::verification::{Act, Verification};
use otpost_core::token::{self, Status, Token};
use otpost_core::user::{PasswordHash, User};
use otpost_ipc::Secret;
use otpost_ipc::portal::{CodeAsk, PortalReply, UserAct};
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::enrol::{self, Asker};
use super::error::PortalError;
use super::factors::wrong_password;
use super::recovery::{self, Fresh};
use super::request::{Ctx, Out, read, run};
use super::session::{Holder, end_of, holder};
use super::user::Who;
use super::{mails, step_up, texts};
use crate::state::Daemon;

/// Longest first or last name.
const NAME: usize = 100;

fn done(what: &str) -> PortalReply {
    PortalReply::Done {
        what: what.to_owned(),
    }
}

/// It was carried out, and is recorded.
fn carried(ctx: &Ctx, holder: &Holder, what: &str) -> Out {
    Out {
        reply: done(what),
        job: None,
        events: vec![holder.about().event(ctx, "act", Reason::Done, what)],
    }
}

fn allowed(holder: &Holder, action: Action) -> Result<(), PortalError> {
    if holder.resource.self_service.allows(action) {
        Ok(())
    } else {
        Err(PortalError::Forbidden)
    }
}

/// A token of theirs.
enum Own {
    Sms(Token),
    Totp(TotpToken),
}

impl Own {
    fn id(&self) -> TokenId {
        match self {
            Self::Sms(token) => token.id,
            Self::Totp(token) => token.id,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Sms(token) => &token.name,
            Self::Totp(token) => &token.name,
        }
    }

    fn here(&self, holder: &Holder) -> bool {
        match self {
            Self::Sms(token) => token.resources.contains(&holder.resource.id),
            Self::Totp(token) => token.resources.contains(&holder.resource.id),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Sms(_) => Kind::Sms,
            Self::Totp(_) => Kind::Totp,
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Sms(token) => token.status,
            Self::Totp(token) => token.status,
        }
    }

    fn put(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        match self {
            Self::Sms(token) => tx.put_token(token),
            Self::Totp(token) => document::put(tx, token),
        }
    }
}

/// A token of theirs, wherever it is bound; somebody else's is not there.
fn own(read: &mut dyn Read, holder: &Holder, id: TokenId) -> Result<Own, PortalError> {
    if let Some(token) = read.token(id)?.filter(|t| t.user == holder.user.id) {
        return Ok(Own::Sms(token));
    }
    let apps = document::of::<TotpToken>(read, &holder.user.id.0)?;
    let app = apps.into_iter().find(|app| app.id == id);
    app.map(Own::Totp).ok_or(PortalError::NotFound)
}

/// A token of theirs that guards this resource.
fn here(read: &mut dyn Read, holder: &Holder, id: &str) -> Result<Own, PortalError> {
    let id = id.parse().map_err(|_| PortalError::NotFound)?;
    let token = own(read, holder, id)?;
    if token.here(holder) {
        Ok(token)
    } else {
        Err(PortalError::NotFound)
    }
}

/// Does what is asked, or asks for a fresh code.
pub(crate) async fn act(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    act: UserAct,
) -> Result<PortalReply, PortalError> {
    if let UserAct::Password { current, new } = act {
        return password(daemon, reference, who, (current, new)).await;
    }
    let (address, cookie) = who;
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        dispatch(tx, ctx, &holder, &act)
    })
    .await
}

fn dispatch(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, act: &UserAct) -> Result<Out, PortalError> {
    match act {
        UserAct::Rename { token, name } => rename(tx, ctx, holder, (token, name)),
        UserAct::Unassign { token } => {
            allowed(holder, Action::Unassign)?;
            let id = here(tx, holder, token)?.id();
            step_up::begin(tx, ctx, holder, Act::Unassign(id))
        }
        UserAct::ChangePhone { token, phone } => {
            allowed(holder, Action::ChangePhone)?;
            let asker = Asker::of(holder);
            let act = enrol::may_change_phone(tx, ctx, &asker, (token, phone.expose()))?;
            step_up::begin(tx, ctx, holder, act)
        }
        UserAct::Reissue { token } => {
            allowed(holder, Action::Reissue)?;
            let act = enrol::may_reissue(tx, &Asker::of(holder), token)?;
            step_up::begin(tx, ctx, holder, act)
        }
        UserAct::AssignExisting { token } => {
            allowed(holder, Action::AssignExisting)?;
            let id = token.parse().map_err(|_| PortalError::NotFound)?;
            assignable(tx, holder, id)?;
            step_up::begin(tx, ctx, holder, Act::AssignExisting(id))
        }
        UserAct::Prefer { token } => prefer(tx, ctx, holder, token),
        UserAct::TestText { token } => test_text(tx, ctx, holder, token),
        UserAct::Synchronise { token, first, second } => {
            allowed(holder, Action::Synchronise)?;
            synchronise(tx, ctx, holder, (token, first, second))
        }
        UserAct::Email { new } => {
            allowed(holder, Action::ChangeEmail)?;
            let new = Address::parse(new).map_err(|e| PortalError::invalid("email", e))?;
            if document::get::<MailSetup>(tx, &ONLY)?.is_none() {
                let rule = "no mail can be sent just now, so a new address cannot be confirmed";
                return Err(PortalError::conflict("email", rule));
            }
            step_up::begin(tx, ctx, holder, Act::Email(new.to_string()))
        }
        UserAct::Login { new } => {
            allowed(holder, Action::ChangeLogin)?;
            let name = LoginName::parse(new).map_err(|e| PortalError::invalid("login", e))?;
            free(tx, holder, &name)?;
            step_up::begin(tx, ctx, holder, Act::Login(name.to_string()))
        }
        UserAct::Names { first, last } => {
            allowed(holder, Action::ChangeNames)?;
            let (first_name, last_name) = (person_name("first", first)?, person_name("last", last)?);
            change(tx, holder, |user| {
                user.profile.first_name.clone_from(&first_name);
                user.profile.last_name.clone_from(&last_name);
            })?;
            Ok(carried(ctx, holder, "names"))
        }
        UserAct::Language { lang } => {
            if !matches!(lang.as_str(), "en" | "de") {
                return Err(PortalError::invalid("lang", "a language is `en` or `de`"));
            }
            change(tx, holder, |user| user.profile.lang.clone_from(lang))?;
            Ok(carried(ctx, holder, "language"))
        }
        UserAct::RenewRecovery => {
            if !holder.resource.self_service.offers(Kind::Recovery) {
                return Err(PortalError::Forbidden);
            }
            step_up::begin(tx, ctx, holder, Act::RenewRecovery)
        }
        UserAct::EndSession { id } => {
            allowed(holder, Action::ManageSessions)?;
            let id: PortalSessionId = id.parse().map_err(|_| PortalError::NotFound)?;
            let theirs = document::of::<PortalSession>(tx, &holder.user.id.0)?;
            if !theirs.iter().any(|session| session.id == id) {
                return Err(PortalError::NotFound);
            }
            document::delete::<PortalSession>(tx, &id.0)?;
            Ok(carried(ctx, holder, "end-session"))
        }
        UserAct::EndOtherSessions => {
            allowed(holder, Action::ManageSessions)?;
            end_of(tx, holder.user.id, None, Some(holder.session.id))?;
            Ok(carried(ctx, holder, "end-other-sessions"))
        }
        // Hashed before the transaction.
        UserAct::Password { .. } => Err(PortalError::NotFound),
    }
}

/// Changes the user as stored now.
fn change(tx: &mut dyn Tx, holder: &Holder, edit: impl Fn(&mut User)) -> Result<(), PortalError> {
    let mut user = tx.user(holder.user.id)?.ok_or(PortalError::SignedOut)?;
    edit(&mut user);
    Ok(tx.put_user(&user)?)
}

fn person_name(word: &'static str, raw: &str) -> Result<String, PortalError> {
    let name = raw.trim();
    if name.chars().count() > NAME || name.chars().any(char::is_control) {
        let rule = format!("a name has at most {NAME} characters");
        return Err(PortalError::invalid(word, rule));
    }
    Ok(name.to_owned())
}

/// Whether nobody else has the name.
fn free(read: &mut dyn Read, holder: &Holder, name: &LoginName) -> Result<(), PortalError> {
    match read.user_by_name(name)? {
        Some(user) if user.id != holder.user.id => {
            Err(PortalError::conflict("login", "this user name is taken"))
        }
        _ => Ok(()),
    }
}

fn rename(tx: &mut dyn Tx, ctx: &Ctx, holder: &Holder, (id, name): (&str, &str)) -> Result<Out, PortalError> {
    allowed(holder, Action::Rename)?;
    let mut found = here(tx, holder, id)?;
    match &mut found {
        Own::Sms(own) => {
            own.name = token::name(name, &own.phone).map_err(|e| PortalError::invalid("name", e))?;
        }
        Own::Totp(own) => {
            let name = token::tidy(name).map_err(|e| PortalError::invalid("name", e))?;
            if !name.is_empty() {
                own.name = name;
            }
        }
    }
    found.put(tx)?;
    Ok(carried(ctx, holder, "rename"))
}

/// A token of theirs that may guard this resource too: not yet there, active, and none of its kind there.
fn assignable(read: &mut dyn Read, holder: &Holder, id: TokenId) -> Result<Own, PortalError> {
    let token = own(read, holder, id)?;
    if token.here(holder) || token.status() != Status::Active {
        return Err(PortalError::NotFound);
    }
    // What may not be set up here does not come in by another door.
    if !holder.resource.self_service.offers(token.kind()) {
        return Err(PortalError::Forbidden);
    }
    let resource = holder.resource.id;
    let taken = match &token {
        Own::Sms(_) => {
            let all = read.tokens_of(holder.user.id)?;
            all.iter().any(|t| t.resources.contains(&resource))
        }
        Own::Totp(_) => {
            let all = document::of::<TotpToken>(read, &holder.user.id.0)?;
            all.iter().any(|t| t.resources.contains(&resource))
        }
    };
    if taken {
        return Err(PortalError::conflict(
            "has-token",
            "you have a token of this kind here already; replace it instead",
        ));
    }
    Ok(token)
}

fn prefer(tx: &mut dyn Tx, ctx: &Ctx, holder: &Holder, id: &str) -> Result<Out, PortalError> {
    let token = here(tx, holder, id)?;
    if token.status() != Status::Active {
        return Err(PortalError::NotFound);
    }
    let (resource, id) = (holder.resource.id, token.id());
    change(tx, holder, |user| {
        user.profile.preferred.retain(|(of, _)| *of != resource);
        user.profile.preferred.push((resource, id));
    })?;
    Ok(carried(ctx, holder, "prefer"))
}

fn test_text(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, id: &str) -> Result<Out, PortalError> {
    let Own::Sms(token) = here(tx, holder, id)? else {
        return Err(PortalError::NotFound);
    };
    if token.status != Status::Active {
        return Err(PortalError::NotFound);
    }
    let ask = texts::Ask {
        kind: TextKind::Test,
        phone: &token.phone,
        user: holder.user.id,
        source: &holder.session.source,
        ends: ctx.now.plus(holder.resource.lifetime()),
        reference: &ctx.reference,
    };
    match texts::queue_text(tx, &ask, ctx.direct.as_ref(), &mut ctx.rng, ctx.now)? {
        Ok(queued) => Ok(Out {
            job: queued.job,
            ..carried(ctx, holder, "test-text")
        }),
        Err(refusal) => Err(PortalError::Busy {
            word: "test-text",
            retry_after: refusal.wait(),
        }),
    }
}

fn synchronise(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    holder: &Holder,
    (id, first, second): (&str, &Secret, &Secret),
) -> Result<Out, PortalError> {
    let Own::Totp(app) = here(tx, holder, id)? else {
        return Err(PortalError::NotFound);
    };
    let guard = tx.guard(holder.user.id)?;
    let wrong = |why: &str, reason| Out {
        reply: PortalReply::Wrong {
            ask: CodeAsk::default(),
            why: why.to_owned(),
        },
        job: None,
        events: vec![holder.about().event(ctx, "wrong-code", reason, "synchronise")],
    };
    if guard.lock_at(ctx.now).is_some() {
        return Ok(wrong("locked", Reason::OtpLocked));
    }
    // What cannot be a code costs no try.
    let digits = app.digits();
    if let Some(why) = misshapen(first.expose(), digits).or_else(|| misshapen(second.expose(), digits)) {
        return Ok(wrong(why.as_str(), Reason::Malformed));
    }
    match app.synchronised(first.expose(), second.expose(), ctx.now) {
        Some(app) => {
            document::put(tx, &app)?;
            Ok(carried(ctx, holder, "synchronise"))
        }
        None => {
            // Guessing here is guessing a code.
            let after = guard.failed(ctx.now, holder.resource.failed_attempts);
            tx.put_guard(holder.user.id, &after)?;
            Ok(wrong(
                "wrong",
                Reason::Wrong(otpost_core::portal::factors::Method::Totp),
            ))
        }
    }
}

/// The action that setting a password is.
fn password_action(user: &User) -> Action {
    match user.password {
        Some(_) => Action::ChangePassword,
        None => Action::CreatePassword,
    }
}

/// A new password: the old one is checked and the new one hashed before the transaction.
async fn password(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): Who,
    (current, new): (Option<Secret>, Secret),
) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    let (wanted, kept) = (address.clone(), cookie.clone());
    let old = read(daemon, move |read| {
        let holder = holder(read, &wanted, &kept, now)?;
        allowed(&holder, password_action(&holder.user))?;
        Ok(holder.user.password)
    })
    .await?;
    let length = new.expose().chars().count();
    if !(6..=128).contains(&length) {
        let rule = "a password has 6 to 128 characters";
        return Err(PortalError::invalid("new", rule));
    }
    if let Some(old) = &old {
        let typed = Zeroizing::new(current.map_or_else(String::new, |c| c.expose().to_owned()));
        if !daemon.passwords.verify(typed, Some(old.0.clone())).await? {
            let (address, cookie) = (address.clone(), cookie.clone());
            run(daemon, reference, move |tx, ctx| {
                let holder = holder(tx, &address, &cookie, ctx.now)?;
                wrong_password(tx, holder.user.id, &holder.session.source, ctx.now)?;
                let event = holder
                    .about()
                    .event(ctx, "deny", Reason::WrongPassword, "password");
                Ok(Out {
                    events: vec![event],
                    ..Out::from(done(""))
                })
            })
            .await?;
            return Err(PortalError::invalid(
                "current",
                "the present password is not right",
            ));
        }
    }
    let new = Zeroizing::new(new.expose().to_owned());
    let hash = daemon.passwords.hash(new, daemon.rng()).await?;
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        // Changed since: the old one that was checked is not the present one.
        if holder.user.password != old {
            return Err(PortalError::conflict(
                "current",
                "the password was changed meanwhile",
            ));
        }
        step_up::begin(tx, ctx, &holder, Act::Password(hash.clone()))
    })
    .await
}

/// Does what a fresh code permits.
pub(crate) fn carry_out(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    holder: &Holder,
    act: &Act,
    fresh: Option<&Fresh>,
) -> Result<Out, PortalError> {
    match act {
        Act::Unassign(id) => {
            // Switched off since.
            allowed(holder, Action::Unassign)?;
            unassign(tx, ctx, holder, *id)
        }
        Act::Reissue(_) | Act::Enroll | Act::ChangePhone(..) => {
            let asker = Asker::of(holder);
            let begun = enrol::permitted(tx, ctx, &asker, act)?;
            Ok(match (begun, act) {
                (Some(enrolled), _) => enrolled.into(),
                (None, Act::Reissue(token)) => carried(ctx, holder, &format!("permit-reissue {token}")),
                (None, _) => carried(ctx, holder, "permit-enroll"),
            })
        }
        Act::AssignExisting(id) => {
            allowed(holder, Action::AssignExisting)?;
            let mut token = assignable(tx, holder, *id)?;
            match &mut token {
                Own::Sms(own) => own.resources.push(holder.resource.id),
                Own::Totp(own) => own.resources.push(holder.resource.id),
            }
            token.put(tx)?;
            let name = token.name().to_owned();
            tell(tx, ctx, holder, Notice::TokenAdded { name })?;
            Ok(carried(ctx, holder, "assign-existing"))
        }
        Act::Password(hash) => {
            allowed(holder, password_action(&holder.user))?;
            let now = ctx.now;
            change(tx, holder, |user| {
                user.password = Some(PasswordHash(hash.clone()));
                user.profile.password_set = Some(now);
            })?;
            end_of(tx, holder.user.id, None, Some(holder.session.id))?;
            tell(tx, ctx, holder, Notice::PasswordChanged)?;
            Ok(carried(ctx, holder, "password"))
        }
        Act::Email(new) => {
            allowed(holder, Action::ChangeEmail)?;
            step_up::new_email(tx, ctx, holder, new)
        }
        Act::Login(new) => {
            allowed(holder, Action::ChangeLogin)?;
            let name = LoginName::parse(new).map_err(|e| PortalError::invalid("login", e))?;
            free(tx, holder, &name)?;
            change(tx, holder, |user| {
                user.login = name.to_string();
                user.name = name.clone();
                user.aliases.retain(|alias| *alias != name);
            })?;
            Ok(carried(ctx, holder, "login"))
        }
        Act::RenewRecovery => {
            if !holder.resource.self_service.offers(Kind::Recovery) {
                return Err(PortalError::Forbidden);
            }
            let fresh = fresh.ok_or_else(|| {
                PortalError::conflict("recovery", "the codes could not be made; type the next code")
            })?;
            recovery::store(tx, holder, fresh)?;
            tell(tx, ctx, holder, Notice::RecoveryRenewed)?;
            Ok(Out {
                reply: PortalReply::Codes { codes: fresh.shown() },
                ..carried(ctx, holder, "renew-recovery")
            })
        }
    }
}

/// The new address is theirs: it takes the place of the old one, which hears of it.
pub(crate) fn take_email(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    holder: &Holder,
    new: &str,
) -> Result<Out, PortalError> {
    allowed(holder, Action::ChangeEmail)?;
    change(tx, holder, |user| user.email = Some(new.to_owned())).map_err(|failure| match failure {
        PortalError::Conflict { .. } => PortalError::conflict("email", "this address is taken"),
        other => other,
    })?;
    let masked = mails::masked(new);
    tell(tx, ctx, holder, Notice::EmailChanged { masked })?;
    Ok(carried(ctx, holder, "email"))
}

/// Takes a token out of this resource; one that guards nothing any more goes.
fn unassign(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, id: TokenId) -> Result<Out, PortalError> {
    let mut token = own(tx, holder, id)?;
    if !token.here(holder) {
        return Err(PortalError::NotFound);
    }
    let resource = holder.resource.id;
    end_codes(tx, holder, id, ctx.now)?;
    match &mut token {
        Own::Sms(own) => {
            own.resources.retain(|of| *of != resource);
            if own.resources.is_empty() {
                tx.delete_token(own.id)?;
            } else {
                tx.put_token(own)?;
            }
        }
        Own::Totp(own) => {
            own.resources.retain(|of| *of != resource);
            if own.resources.is_empty() {
                document::delete::<TotpToken>(tx, &own.id.0)?;
            } else {
                document::put(tx, own)?;
            }
        }
    }
    change(tx, holder, |user| {
        let preferred = &mut user.profile.preferred;
        preferred.retain(|(of, token)| *of != resource || *token != id);
    })?;
    if let Own::Sms(own) = &token {
        // Where the gate refuses it, the mail is what tells.
        let _ = texts::queue_notice(
            tx,
            (SecurityEvent::TokenRemoved, resource),
            (&own.phone, holder.user.id, &holder.session.source, &ctx.reference),
            &mut ctx.rng,
            ctx.now,
        )?;
    }
    let name = token.name().to_owned();
    tell(tx, ctx, holder, Notice::TokenRemoved { name })?;
    Ok(carried(ctx, holder, "unassign"))
}

/// No code that was sent to the token for this resource opens anything any more.
fn end_codes(tx: &mut dyn Tx, holder: &Holder, token: TokenId, now: Timestamp) -> Result<(), StoreError> {
    let resource = holder.resource.id;
    for challenge in tx.open_challenges(holder.user.id, now)? {
        if challenge.token == token && challenge.resource == resource {
            tx.put_challenge(&Challenge {
                state: State::Dead,
                ..challenge
            })?;
        }
    }
    for waiting in document::of::<Verification>(tx, &holder.user.id.0)? {
        let open = waiting.token == Some(token) && waiting.flow.state == FlowState::Open;
        if open && waiting.resource == Some(resource) {
            let flow = waiting.flow.cancelled();
            document::put(tx, &Verification { flow, ..waiting })?;
        }
    }
    Ok(())
}

/// A notice to the address that was registered before the act.
fn tell(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, notice: Notice) -> Result<(), StoreError> {
    mails::queue_notice(
        tx,
        (&holder.user, &holder.resource),
        (notice, holder.lang()),
        &holder.session.source,
        ctx,
    )?;
    Ok(())
}
