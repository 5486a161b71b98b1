//! Tokens.

use std::sync::Arc;

use otpost_core::code::Digits;
use otpost_core::gate;
use otpost_core::ids::TokenId;
use otpost_core::phone::Phone;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::verification::Owner;
use otpost_core::resource::Resource;
use otpost_core::token::{self, Status, Token};
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, TokenView};
use otpost_store::{Read, Tx, document};

use super::view::{self, Names};
use super::{Act, AdminError, done, find_resource, find_user, read, write};
use crate::portal::{factors, session};
use crate::state::Daemon;

/// A token an administrator assigns.
pub(super) struct Wanted {
    pub(super) user: String,
    pub(super) phone: Secret,
    pub(super) name: String,
    pub(super) digits: Option<u8>,
    pub(super) resources: Vec<String>,
}

pub(super) async fn add(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let digits = wanted
        .digits
        .map(Digits::try_from)
        .transpose()
        .map_err(AdminError::invalid)?;
    let id = TokenId::random(&mut daemon.rng());
    write(daemon, move |tx| {
        let user = find_user(tx, &wanted.user)?;
        let resources = if wanted.resources.is_empty() {
            user.resources
                .iter()
                .filter_map(|id| tx.resource(*id).transpose())
                .collect::<Result<Vec<_>, _>>()?
        } else {
            wanted
                .resources
                .iter()
                .map(|name| find_resource(tx, name))
                .collect::<Result<Vec<_>, _>>()?
        };
        let Some(first) = resources.first() else {
            return Err(AdminError::Invalid(format!(
                "user {} is bound to no resource; bind it first: otpostctl user bind {} RESOURCE",
                user.login, user.login
            )));
        };
        let phone = Phone::parse(wanted.phone.expose(), first.region).map_err(AdminError::invalid)?;
        gate::reachable(&tx.send_policy()?, &phone).map_err(|r| unreachable(r, &phone))?;
        free(tx, &phone, &resources)?;
        for resource in &resources {
            if !user.resources.contains(&resource.id) {
                return Err(AdminError::Invalid(format!(
                    "user {} is not bound to {}; bind it first",
                    user.login, resource.name
                )));
            }
            if tx
                .tokens_of(user.id)?
                .iter()
                .any(|t| t.resources.contains(&resource.id))
            {
                return Err(AdminError::Conflict(format!(
                    "user {} has a token in {} already; remove it first",
                    user.login, resource.name
                )));
            }
        }
        let token = Token {
            id,
            user: user.id,
            name: token::name(&wanted.name, &phone).map_err(AdminError::invalid)?,
            phone,
            digits: digits.unwrap_or(first.digits),
            status: Status::Active,
            verified: false,
            resources: resources.iter().map(|r| r.id).collect(),
            created: act.now,
        };
        session::end_unguarded(tx, user.id, &token.resources)?;
        tx.put_token(&token)?;
        act.record_detail(tx, "token-add", (&user.login, &first.name), token.phone.masked())?;
        let names = Names::load(tx, &act.scope)?;
        Ok(AdminReply::Token(view::token(&token, &user.login, &names)))
    })
    .await
}

fn unreachable(refusal: gate::Refusal, phone: &Phone) -> AdminError {
    AdminError::Invalid(match refusal {
        gate::Refusal::Country(region) => format!(
            "texts to {region} are not allowed; allow the country first: otpostctl sms countries --add {region}"
        ),
        _ => format!("{} is no mobile number, so it takes no texts", phone.masked()),
    })
}

/// Numbers are unique unless every resource concerned allows sharing.
fn free(tx: &mut dyn Tx, phone: &Phone, resources: &[Resource]) -> Result<(), AdminError> {
    if tx.tokens_with_phone(phone)?.is_empty() || resources.iter().all(|r| r.shared_phones) {
        return Ok(());
    }
    Err(AdminError::Conflict(
        "the phone number belongs to another token already; a resource can allow that: \
         otpostctl resource set NAME --shared-phones true"
            .to_owned(),
    ))
}

pub(super) async fn list(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let user = find_user(read, &user)?;
        let names = Names::load(read, &act.scope)?;
        let factors = factors::load(read, user.id)?;
        Ok(AdminReply::Tokens {
            tokens: view::tokens(&factors, &user.login, &names),
        })
    })
    .await
}

/// A token of either kind.
enum Either {
    Sms(Token),
    Totp(Box<TotpToken>),
}

impl Either {
    fn set(&mut self, status: Option<Status>, name: Option<&str>) -> Result<(), AdminError> {
        let (own_status, own_name) = match self {
            Self::Sms(token) => (&mut token.status, &mut token.name),
            Self::Totp(token) => (&mut token.status, &mut token.name),
        };
        if let Some(status) = status {
            *own_status = status;
        }
        if let Some(name) = name {
            // An empty name leaves the old one.
            let name = token::tidy(name).map_err(AdminError::invalid)?;
            if !name.is_empty() {
                *own_name = name;
            }
        }
        Ok(())
    }

    fn view(&self, login: &str, names: &Names) -> TokenView {
        match self {
            Self::Sms(token) => view::token(token, login, names),
            Self::Totp(token) => view::totp(token, login, names),
        }
    }
}

fn find(read: &mut dyn Read, id: &str) -> Result<(Either, String), AdminError> {
    let missing = || AdminError::NotFound(format!("there is no token `{id}`; see otpostctl token list USER"));
    let id: TokenId = id.parse().map_err(|_| missing())?;
    let (token, user) = match read.token(id)? {
        Some(token) => {
            let user = token.user;
            (Either::Sms(token), user)
        }
        None => {
            let app = document::get::<TotpToken>(read, &id.0)?.ok_or_else(missing)?;
            // An administrator's app is no token of a person.
            let Owner::User(user) = app.owner else {
                return Err(missing());
            };
            (Either::Totp(Box::new(app)), user)
        }
    };
    let login = read.user(user)?.map_or_else(String::new, |u| u.login);
    Ok((token, login))
}

pub(super) async fn set(
    daemon: &Arc<Daemon>,
    act: Act,
    id: String,
    status: Option<String>,
    name: Option<String>,
) -> Result<AdminReply, AdminError> {
    let status = status
        .map(|status| match status.as_str() {
            "active" => Ok(Status::Active),
            "disabled" => Ok(Status::Disabled),
            "blocked" => Ok(Status::Blocked),
            _ => Err(AdminError::Invalid(
                "a token is active, disabled or blocked".to_owned(),
            )),
        })
        .transpose()?;
    write(daemon, move |tx| {
        let (mut token, login) = find(tx, &id)?;
        match (&mut token, &name) {
            // As when it was made: an empty name becomes an automatic one.
            (Either::Sms(sms), Some(name)) => {
                let name = token::name(name, &sms.phone).map_err(AdminError::invalid)?;
                token.set(status, Some(&name))?;
            }
            (token, name) => token.set(status, name.as_deref())?,
        }
        match &token {
            Either::Sms(token) => tx.put_token(token)?,
            Either::Totp(token) => document::put(tx, token.as_ref())?,
        }
        let names = Names::load(tx, &act.scope)?;
        let shown = token.view(&login, &names);
        act.record_detail(
            tx,
            "token-set",
            (&login, ""),
            format!("{} {}", shown.id, shown.status),
        )?;
        Ok(AdminReply::Token(shown))
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, id: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let (token, login) = find(tx, &id)?;
        let detail = match &token {
            Either::Sms(token) => {
                tx.delete_token(token.id)?;
                token.phone.masked()
            }
            Either::Totp(token) => {
                document::delete::<TotpToken>(tx, &token.id.0)?;
                token.name.clone()
            }
        };
        act.record_detail(tx, "token-remove", (&login, ""), detail)?;
        Ok(done(format!("the token of {login} is removed")))
    })
    .await
}
