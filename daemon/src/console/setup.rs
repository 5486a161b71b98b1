//! Set-up links: of the first administrator, and of those whom others invite or reset. A link is good once.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::{AdminId, Reference, TokenId};
use otpost_core::limits::Guard;
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::portal::administrator::{
    Administrator, PASSWORD, Role, SETUP_LINK, Scope, SetupLink, TRIES,
};
use otpost_core::portal::answer::Why;
use otpost_core::portal::factors::{RecoverySet, TotpToken};
use otpost_core::portal::flow::Typed;
use otpost_core::portal::session::{CONSOLE_LONGEST, fingerprint};
use otpost_core::portal::site::Site;
use otpost_core::portal::verification::Owner;
use otpost_core::recovery;
use otpost_core::token::Status;
use otpost_core::totp;
use otpost_ipc::Secret;
use otpost_ipc::portal::{Browser, CodeAsk, Method, MethodView, Next, PortalReply, SetupView};
use otpost_store::kinds::ONLY;
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::{Said, administrators, session};
use crate::admin::AdminError;
use crate::portal::recovery as codes;
use crate::state::Daemon;
use crate::sys::Draw;

/// Name of the app's entry.
const ISSUER: &str = "otpost";

/// A link that was made; shown once.
pub struct NewLink {
    /// Its whole address.
    pub address: Zeroizing<String>,
    /// Until when it works.
    pub until: Timestamp,
}

impl std::fmt::Debug for NewLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewLink")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// A link for the first administrator, where there is none yet. One that was made before ends.
///
/// # Errors
/// The store's.
pub async fn first_run(daemon: &Daemon) -> Result<Option<NewLink>, StoreError> {
    let mut rng = daemon.rng();
    let now = daemon.now();
    daemon
        .write(move |tx| {
            if !administrators(tx)?.is_empty() {
                return Ok(None);
            }
            make(tx, &mut rng, None, now).map(Some)
        })
        .await
}

/// Makes a link; the one before of the same administrator ends.
pub(crate) fn make(
    tx: &mut dyn Tx,
    rng: &mut Draw,
    admin: Option<AdminId>,
    now: Timestamp,
) -> Result<NewLink, StoreError> {
    let secret = super::secret(rng);
    let until = now.plus(SETUP_LINK);
    document::put(
        tx,
        &SetupLink {
            admin,
            secret: fingerprint(&secret),
            totp: totp::Secret::random(rng).base32(),
            ends: until,
        },
    )?;
    let path = Zeroizing::new(format!("/setup/{}", secret.as_str()));
    let address = Zeroizing::new(site(tx)?.console_page(&path));
    Ok(NewLink { address, until })
}

/// Settings of portal and console.
pub(crate) fn site(read: &mut dyn Read) -> Result<Site, StoreError> {
    Ok(document::get::<Site>(read, &ONLY)?.unwrap_or_default())
}

fn gone() -> AdminError {
    AdminError::NotFound(
        "this link does not work any more; ask for a new one: otpostctl admin setup-link, or an owner"
            .to_owned(),
    )
}

/// The link of this secret and whose it is, while it works.
fn open(
    read: &mut dyn Read,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<(SetupLink, Option<Administrator>), AdminError> {
    let link = document::by_key::<SetupLink>(read, key)?
        .filter(|link| now < link.ends)
        .ok_or_else(gone)?;
    match link.admin {
        None if administrators(read)?.is_empty() => Ok((link, None)),
        None => Err(gone()),
        Some(id) => {
            let admin = document::get::<Administrator>(read, &id.0)?
                .filter(|admin| admin.password.is_none() && !admin.locked)
                .ok_or_else(gone)?;
            Ok((link, Some(admin)))
        }
    }
}

/// What the page of a link shows.
pub(super) async fn show(daemon: &Arc<Daemon>, link: &Secret) -> Result<PortalReply, AdminError> {
    let key = fingerprint(link.expose());
    let now = daemon.now();
    let (link, admin) = crate::admin::read(daemon, move |read| open(read, &key, now)).await?;
    let login = admin.map(|admin| admin.name.to_string());
    let secret = totp::Secret::parse(&link.totp).map_err(damaged)?;
    let account = login.as_deref().unwrap_or("administrator");
    let uri = totp::uri(&secret, &totp::Params::default(), ISSUER, account);
    Ok(PortalReply::Setup(SetupView {
        login,
        totp: Secret::from(link.totp.as_str()),
        uri: Secret::from(uri.as_str()),
        expires_in: now.seconds_until(link.ends),
    }))
}

fn damaged(error: impl std::fmt::Display) -> AdminError {
    AdminError::Store(StoreError::Damaged(error.to_string()))
}

/// A form that was sent in.
pub(super) struct Asked {
    pub(super) link: Secret,
    pub(super) login: Option<String>,
    pub(super) password: Secret,
    pub(super) totp: Secret,
    pub(super) code: Secret,
    pub(super) browser: Browser,
}

/// Sets password and app, and signs in.
pub(super) async fn finish(
    daemon: &Arc<Daemon>,
    asked: Asked,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let key = fingerprint(asked.link.expose());
    let now = daemon.now();
    let (link, admin) = crate::admin::read(daemon, move |read| open(read, &key, now)).await?;
    let name = match (&admin, &asked.login) {
        (Some(admin), _) => admin.name.clone(),
        (None, Some(login)) => LoginName::parse(login.trim()).map_err(AdminError::invalid)?,
        (None, None) => return Err(AdminError::Invalid("choose a login name".to_owned())),
    };
    check_password(&asked.password)?;
    if asked.totp.expose() != link.totp.as_str() {
        return Err(AdminError::Invalid(
            "the page is out of date; load it again and scan the code again".to_owned(),
        ));
    }
    let id = admin
        .as_ref()
        .map_or_else(|| AdminId::random(&mut daemon.rng()), |admin| admin.id);
    let app = app(daemon, id, &link, now);
    let app = match taken(&app, asked.code.expose(), now) {
        Ok(app) => app,
        Err(why) => return Ok(wrong(why)),
    };
    let password = super::hashed(daemon, &asked.password).await?;
    let (codes, set) = recovery_codes(daemon, Owner::Admin(id), now).await?;
    let source = Source::new(&asked.browser.source, "console");
    let mut rng = daemon.rng();
    let known = reference.clone();
    let lang = asked.browser.lang.clone();
    let session = crate::admin::write(daemon, move |tx| {
        // Again: another request may have used the link since.
        let (_, before) = open(tx, &key, now)?;
        let admin = match before {
            Some(before) => Administrator {
                password: Some(password.clone()),
                guard: Guard::default(),
                seen: Some(now),
                ..before
            },
            None => Administrator {
                id,
                name: name.clone(),
                shown: String::new(),
                email: None,
                password: Some(password.clone()),
                role: Role::Owner,
                scope: Scope::All,
                locked: false,
                guard: Guard::default(),
                seen: Some(now),
                created: now,
            },
        };
        document::delete::<SetupLink>(tx, &document::Document::id(&link))?;
        clear_factors(tx, admin.id)?;
        session::end_all(tx, admin.id, None)?;
        document::put(tx, &admin)?;
        document::put(tx, &app)?;
        document::put(tx, &set)?;
        let said = Said {
            kind: "set-up",
            reason: "link",
            login: admin.name.as_str(),
            source: &source,
            detail: format!("role {}", admin.role.as_str()),
        };
        said.record(tx, &known, now)?;
        let start = session::Start {
            admin: admin.id,
            source: &source,
            agent: &asked.browser.agent,
            lang: &asked.browser.lang,
        };
        Ok(session::full(tx, &mut rng, &start, now)?)
    })
    .await?;
    Ok(PortalReply::Signed {
        session: Secret::from(session.as_str()),
        max_age: max_age(),
        next: Next::Home,
        lang,
        codes,
    })
}

/// Seconds of the longest session.
pub(super) fn max_age() -> u32 {
    u32::try_from(CONSOLE_LONGEST.as_secs()).unwrap_or(u32::MAX)
}

/// Refuses passwords that are too short or too long.
pub(super) fn check_password(password: &Secret) -> Result<(), AdminError> {
    let length = password.expose().chars().count();
    if PASSWORD.contains(&length) {
        return Ok(());
    }
    Err(AdminError::Invalid(format!(
        "an administrator's password has {} to {} characters, not {length}",
        PASSWORD.start(),
        PASSWORD.end()
    )))
}

fn app(daemon: &Daemon, admin: AdminId, link: &SetupLink, now: Timestamp) -> TotpToken {
    TotpToken {
        id: TokenId::random(&mut daemon.rng()),
        owner: Owner::Admin(admin),
        name: "Authenticator app".to_owned(),
        secret: link.totp.clone(),
        params: totp::Params::default(),
        last_step: None,
        offset: 0,
        status: Status::Active,
        resources: Vec::new(),
        created: now,
        used: None,
    }
}

/// The app after its code was taken.
///
/// # Errors
/// Why it is not.
pub(super) fn taken(app: &TotpToken, typed: &str, now: Timestamp) -> Result<TotpToken, Why> {
    match Typed::of(typed, app.digits()) {
        Typed::Whole => {}
        Typed::TooFew => return Err(Why::TooFew),
        Typed::TooMany => return Err(Why::TooMany),
        Typed::NotDigits => return Err(Why::NotDigits),
    }
    let digits = Typed::digits(typed);
    if let Some(app) = app.accept(&digits, now) {
        return Ok(app);
    }
    let unused = TotpToken {
        last_step: None,
        ..app.clone()
    };
    Err(match unused.accept(&digits, now) {
        Some(_) => Why::Used,
        None => Why::Wrong,
    })
}

fn wrong(why: Why) -> PortalReply {
    PortalReply::Wrong {
        ask: CodeAsk {
            methods: vec![MethodView {
                method: Method::Totp,
                name: String::new(),
            }],
            digits: totp::Digits::default().get(),
            left: TRIES,
            ..CodeAsk::default()
        },
        why: why.as_str().to_owned(),
    }
}

/// Takes app and recovery codes of an administrator away.
pub(crate) fn clear_factors(tx: &mut dyn Tx, admin: AdminId) -> Result<(), StoreError> {
    for app in document::of::<TotpToken>(tx, &admin.0)? {
        document::delete::<TotpToken>(tx, &app.id.0)?;
    }
    document::delete::<RecoverySet>(tx, &admin.0)
}

/// Ten fresh recovery codes, in words and as they are kept.
pub(crate) async fn recovery_codes(
    daemon: &Daemon,
    owner: Owner,
    now: Timestamp,
) -> Result<(Vec<Secret>, RecoverySet), AdminError> {
    let fresh = codes::make(daemon)
        .await
        .map_err(|e| AdminError::Refused(e.to_string()))?;
    let set = recovery::Set {
        created: now,
        ..fresh.set.clone()
    };
    let set = RecoverySet::new(owner, Vec::new(), set, &mut daemon.rng());
    Ok((fresh.shown(), set))
}
