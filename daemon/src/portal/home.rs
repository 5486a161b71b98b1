//! The page after sign-in.

use otpost_core::Timestamp;
use otpost_core::ids::TokenId;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::session::{PortalSession, Stage};
use otpost_core::portal::settings::{Action, Kind, OtpLength};
use otpost_core::token::{Status, Token};
use otpost_core::user::User;
use otpost_ipc::portal::{ActionView, HomeView, ProfileView, SessionView, TokenCard};
use otpost_store::{Read, StoreError, document};

use super::session::Holder;
use super::{enrol, factors, site};

/// Everything that the page shows.
pub(crate) fn view(read: &mut dyn Read, holder: &Holder, now: Timestamp) -> Result<HomeView, StoreError> {
    let Holder {
        resource,
        user,
        session,
    } = holder;
    let factors = factors::at(read, user.id, resource.id)?;
    let preferred = preferred(user, holder);
    let used = read.last_success(user.id)?;
    let mut tokens = Vec::new();
    let mut elsewhere = Vec::new();
    for token in &factors.sms {
        let here = token.resources.contains(&resource.id);
        let card = sms_card(token, here && preferred == Some(token.id), used);
        if here {
            tokens.push(card);
        } else {
            elsewhere.push(card);
        }
    }
    for token in &factors.totp {
        let here = token.resources.contains(&resource.id);
        let card = totp_card(token, here && preferred == Some(token.id));
        if here {
            tokens.push(card);
        } else {
            elsewhere.push(card);
        }
    }
    // With one token there is no choice.
    if preferred.is_none()
        && let Some(first) = tokens.first_mut()
    {
        first.preferred = true;
    }
    let settings = &resource.self_service;
    if !settings.allows(Action::AssignExisting) {
        elsewhere.clear();
    }
    let sessions = if settings.allows(Action::ManageSessions) {
        sessions(read, holder, now)?
    } else {
        vec![session_view(session, &resource.name, session)]
    };
    Ok(HomeView {
        site: site::view(read, resource)?,
        profile: profile(user),
        tokens,
        elsewhere,
        actions: actions(read, holder, now)?,
        recovery_left: factors
            .recovery
            .as_ref()
            .map(|r| u32::try_from(r.set.left()).unwrap_or(u32::MAX)),
        sessions,
        lang: user.profile.lang.clone(),
    })
}

fn preferred(user: &User, holder: &Holder) -> Option<TokenId> {
    let mut all = user.profile.preferred.iter();
    all.find(|(of, _)| *of == holder.resource.id)
        .map(|(_, token)| *token)
}

fn profile(user: &User) -> ProfileView {
    ProfileView {
        login: user.login.clone(),
        first: user.profile.first_name.clone(),
        last: user.profile.last_name.clone(),
        email: user.email.clone().unwrap_or_default(),
        password: user.password.is_some(),
        password_set: user.profile.password_set.map(|t| t.0),
    }
}

fn status(status: Status) -> String {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
        Status::Blocked => "blocked",
    }
    .to_owned()
}

/// An SMS token on the page.
pub(crate) fn sms_card(token: &Token, preferred: bool, used: Option<Timestamp>) -> TokenCard {
    TokenCard {
        id: token.id.to_string(),
        kind: Kind::Sms.as_str().to_owned(),
        name: token.name.clone(),
        phone: token.phone.masked(),
        digits: token.digits.get(),
        status: status(token.status),
        preferred,
        created: token.created.0,
        used: used.filter(|used| *used >= token.created).map(|t| t.0),
    }
}

/// An app on the page.
pub(crate) fn totp_card(token: &TotpToken, preferred: bool) -> TokenCard {
    TokenCard {
        id: token.id.to_string(),
        kind: Kind::Totp.as_str().to_owned(),
        name: token.name.clone(),
        phone: String::new(),
        digits: token.digits(),
        status: status(token.status),
        preferred,
        created: token.created.0,
        used: token.used.map(|t| t.0),
    }
}

/// What may be done now, and why nothing can be set up where that is so. What is shown is enforced again at each request.
pub(crate) fn actions(
    read: &mut dyn Read,
    holder: &Holder,
    now: Timestamp,
) -> Result<ActionView, StoreError> {
    let settings = &holder.resource.self_service;
    let all = Action::TOKEN.into_iter().chain(Action::USER);
    let allowed = all
        .filter(|action| settings.allows(*action))
        .map(|action| action.as_str().to_owned())
        .collect();
    let offer = enrol::offer(read, &enrol::Asker::of(holder), now)?;
    Ok(ActionView {
        allowed,
        kinds: offer.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        why_not: offer.why_not.to_owned(),
        choose_digits: settings.otp_length == OtpLength::Choice,
        digits: match settings.otp_length {
            OtpLength::Choice => holder.resource.digits.get(),
            OtpLength::Fixed(digits) => digits.get(),
        },
        two_steps: settings.two_steps,
        recovery: settings.offers(Kind::Recovery),
    })
}

fn session_view(session: &PortalSession, portal: &str, own: &PortalSession) -> SessionView {
    SessionView {
        id: session.id.to_string(),
        own: session.id == own.id,
        agent: session.agent.clone(),
        source: session.source.address.map_or_else(String::new, |a| a.to_string()),
        seen: session.seen.0,
        portal: portal.to_owned(),
    }
}

fn sessions(read: &mut dyn Read, holder: &Holder, now: Timestamp) -> Result<Vec<SessionView>, StoreError> {
    let mut live: Vec<PortalSession> = document::of(read, &holder.user.id.0)?;
    live.retain(|s| s.stage == Stage::Full && s.alive(now));
    live.sort_by_key(|s| (s.id != holder.session.id, std::cmp::Reverse(s.seen)));
    live.truncate(50);
    let mut views = Vec::with_capacity(live.len());
    for session in &live {
        let resource = match session.resource {
            Some(id) => read.resource(id)?,
            None => None,
        };
        let portal = resource.map_or_else(String::new, |r| r.name);
        views.push(session_view(session, &portal, &holder.session));
    }
    Ok(views)
}
