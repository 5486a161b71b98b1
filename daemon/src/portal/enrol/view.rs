//! Enrolments as their pages show them.

use otpost_core::portal::enrolment::{Enrolment, New, Stand};
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::flow::Resend;
use otpost_core::portal::settings::Kind;
use otpost_core::{Timestamp, totp};
use otpost_ipc::Secret;
use otpost_ipc::portal::{CodeAsk, EnrolState, EnrolmentView, Method, MethodView, TokenCard};
use otpost_store::{Read, StoreError, document};

use super::Asker;
use crate::portal::home::{sms_card, totp_card};
use crate::portal::{site, texts};

/// `why`: why the last code was not taken.
pub(super) fn view(
    read: &mut dyn Read,
    enrolment: &Enrolment,
    asker: &Asker,
    why: &str,
    now: Timestamp,
) -> Result<EnrolmentView, StoreError> {
    let stand = enrolment.stand(now);
    let secret = match &enrolment.new {
        New::Totp(secret) if stand == Stand::Open => totp::Secret::parse(secret).ok(),
        _ => None,
    };
    let uri = secret.as_ref().map(|secret| {
        let params = totp::Params::default();
        let uri = totp::uri(secret, &params, site::title(&asker.resource), &asker.user.login);
        Secret::from(uri.as_str())
    });
    let phone = enrolment.phone().ok().flatten();
    Ok(EnrolmentView {
        id: enrolment.id.to_string(),
        kind: enrolment.kind().as_str().to_owned(),
        name: enrolment.name.clone(),
        phone: phone.map_or_else(String::new, |phone| phone.international().to_string()),
        totp: secret.map(|secret| Secret::from(secret.base32().as_str())),
        uri,
        state: match stand {
            Stand::Open => EnrolState::Open,
            Stand::Done => EnrolState::Done,
            Stand::TriesUsed => EnrolState::TriesUsed,
            Stand::Expired => EnrolState::Expired,
            Stand::Cancelled => EnrolState::Cancelled,
            Stand::NumberTaken => EnrolState::NumberTaken,
        },
        ask: ask(read, enrolment, now)?,
        why: why.to_owned(),
        replaces: enrolment.replaces.is_some(),
        token: match stand {
            Stand::Done => card(read, enrolment, asker)?,
            _ => None,
        },
        codes: Vec::new(),
    })
}

fn ask(read: &mut dyn Read, enrolment: &Enrolment, now: Timestamp) -> Result<CodeAsk, StoreError> {
    let flow = &enrolment.flow;
    let sent = enrolment.text.is_some();
    let method = match enrolment.kind() {
        Kind::Sms => Method::Sms,
        _ => Method::Totp,
    };
    let phone = enrolment.phone().ok().flatten();
    let to = phone.map_or_else(String::new, |phone| {
        let number = phone.expose();
        number
            .get(number.len().saturating_sub(2)..)
            .unwrap_or_default()
            .to_owned()
    });
    Ok(CodeAsk {
        methods: vec![MethodView {
            method,
            name: enrolment.name.clone(),
        }],
        sent,
        label: if sent {
            enrolment.label.to_string()
        } else {
            String::new()
        },
        digits: enrolment.digits.get(),
        to,
        expires_in: now.seconds_until(flow.expires),
        resend_in: match enrolment.resend(now) {
            Resend::Send(_) => Some(0),
            Resend::Wait { seconds } => Some(seconds),
            Resend::Over => None,
        },
        left: flow.left(),
        trouble: texts::trouble(read, enrolment.text, &enrolment.refused)?,
    })
}

/// The new token, where it is still there.
fn card(read: &mut dyn Read, enrolment: &Enrolment, asker: &Asker) -> Result<Option<TokenCard>, StoreError> {
    let preferred = |id| {
        let preferred = &asker.user.profile.preferred;
        preferred.contains(&(asker.resource.id, id))
    };
    Ok(match enrolment.kind() {
        Kind::Sms => read
            .token(enrolment.token)?
            .map(|token| sms_card(&token, preferred(token.id), None)),
        _ => document::get::<TotpToken>(read, &enrolment.token.0)?
            .map(|token| totp_card(&token, preferred(token.id))),
    })
}
