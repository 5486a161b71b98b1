//! People: their names, tokens of both kinds, sessions, codes and invitations.

use std::time::Duration;

use otpost_core::ids::{PortalSessionId, TokenId};
use otpost_core::mail::Notice;
use otpost_core::net::Source;
use otpost_core::portal::factors::{HelpdeskCode, RecoverySet, TotpToken, helpdesk_code};
use otpost_core::portal::invite::Invite;
use otpost_core::portal::session::{LONGEST, PortalSession, Stage, Who, fingerprint};
use otpost_core::portal::verification::Owner;
use otpost_core::recovery;
use otpost_core::token::Status;
use otpost_core::totp;
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{
    AdminOp, AdminReply, MailSet, PortalSet, ResourceSettings, SelfServiceSettings, TokenView, UserAdd,
    UserSet,
};
use otpost_store::document;
use zeroize::Zeroizing;

use super::common::Served;
use super::{countries, mails, refused, shown, stored};

async fn with_app(served: &Served, login: &str) -> TokenId {
    let user = stored(served, login).await;
    let app = TotpToken {
        id: TokenId([9; 16]),
        owner: Owner::User(user.id),
        name: "My phone".to_owned(),
        secret: Zeroizing::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned()),
        params: totp::Params::default(),
        last_step: None,
        offset: 0,
        status: Status::Active,
        resources: user.resources.clone(),
        created: served.now(),
        used: None,
    };
    let id = app.id;
    served
        .daemon
        .write(move |tx| document::put(tx, &app))
        .await
        .unwrap();
    id
}

async fn tokens(served: &Served, login: &str) -> Vec<TokenView> {
    let op = AdminOp::TokenList {
        user: login.to_owned(),
    };
    match served.ctl(op).await.unwrap() {
        AdminReply::Tokens { tokens } => tokens,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_and_times_of_a_user_are_kept() {
    let served = Served::new().await;
    served.resource("vpn").await;
    let add = UserAdd {
        login: "anna".to_owned(),
        first_name: " Anna ".to_owned(),
        last_name: "Berg".to_owned(),
        password: Some("geheim-42".into()),
        ..UserAdd::default()
    };
    served.ctl(AdminOp::UserAdd(add)).await.unwrap();
    let bound = served.now();
    let bind = || AdminOp::UserBind {
        user: "anna".to_owned(),
        resource: "vpn".to_owned(),
    };
    served.ctl(bind()).await.unwrap();
    served.pass(Duration::from_secs(60));
    served.ctl(bind()).await.unwrap();
    let set = UserSet {
        user: "anna".to_owned(),
        last_name: Some("Tal".to_owned()),
        ..UserSet::default()
    };
    served.ctl(AdminOp::UserSet(set)).await.unwrap();
    let view = shown(&served, "anna").await;
    assert_eq!(
        (view.first_name.as_str(), view.last_name.as_str()),
        ("Anna", "Tal")
    );
    assert!(view.password && view.way_in);
    assert_eq!((view.recovery_left, view.last_login), (None, None));
    let user = stored(&served, "anna").await;
    assert_eq!(user.profile.password_set, Some(bound));
    assert_eq!(
        user.profile.bound,
        [(user.resources[0], bound)],
        "the first time counts"
    );
    served
        .ctl(AdminOp::UserUnbind {
            user: "anna".to_owned(),
            resource: "vpn".to_owned(),
        })
        .await
        .unwrap();
    assert!(stored(&served, "anna").await.profile.bound.is_empty());
    let bad = UserSet {
        user: "anna".to_owned(),
        first_name: Some("x".repeat(101)),
        ..UserSet::default()
    };
    let (code, message) = refused(served.ctl(AdminOp::UserSet(bad)).await);
    assert_eq!(code, FaultCode::Invalid);
    assert!(message.contains("100"), "{message}");
}

#[tokio::test]
async fn an_address_is_a_way_in_only_where_codes_are_mailed() {
    let served = Served::new().await;
    let add = UserAdd {
        login: "anna".to_owned(),
        email: Some("anna@example.com".to_owned()),
        ..UserAdd::default()
    };
    served.ctl(AdminOp::UserAdd(add)).await.unwrap();
    assert!(!shown(&served, "anna").await.way_in, "no mail leaves yet");
    served.ctl(mail_set()).await.unwrap();
    assert!(shown(&served, "anna").await.way_in);
    let off = PortalSet {
        email_codes: Some(false),
        ..PortalSet::default()
    };
    served.ctl(AdminOp::PortalSet(off)).await.unwrap();
    assert!(!shown(&served, "anna").await.way_in);
}

/// A server that nobody listens at.
pub(super) fn mail_set() -> AdminOp {
    AdminOp::MailSet(MailSet {
        host: Some("127.0.0.1".to_owned()),
        port: Some(1),
        security: Some("none".to_owned()),
        from: Some("otpost@example.com".to_owned()),
        ..MailSet::default()
    })
}

#[tokio::test]
async fn apps_stand_beside_phones() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &["vpn"]).await;
    countries(&served).await;
    let app = with_app(&served, "anna").await;
    served.pass(Duration::from_secs(1));
    let add = AdminOp::TokenAdd {
        user: "anna".to_owned(),
        phone: "+491712345678".into(),
        name: String::new(),
        digits: None,
        resources: Vec::new(),
    };
    served.ctl(add).await.unwrap();
    let all = tokens(&served, "anna").await;
    let kinds: Vec<&str> = all.iter().map(|token| token.kind.as_str()).collect();
    assert_eq!(kinds, ["totp", "sms"], "oldest first");
    assert_eq!((all[0].name.as_str(), all[0].phone.as_str()), ("My phone", ""));
    assert!(all[0].verified && !all[1].verified);
    assert_eq!(shown(&served, "anna").await.tokens, all);
    let set = AdminOp::TokenSet {
        token: app.to_string(),
        status: Some("blocked".to_owned()),
        name: Some("Old phone".to_owned()),
    };
    match served.ctl(set).await.unwrap() {
        AdminReply::Token(token) => {
            assert_eq!(
                (token.status.as_str(), token.name.as_str()),
                ("blocked", "Old phone")
            );
        }
        other => panic!("{other:?}"),
    }
    let bad = AdminOp::TokenSet {
        token: app.to_string(),
        status: None,
        name: Some("<b>".to_owned()),
    };
    assert_eq!(refused(served.ctl(bad).await).0, FaultCode::Invalid);
    let remove = || AdminOp::TokenRemove {
        token: app.to_string(),
    };
    served.ctl(remove()).await.unwrap();
    assert_eq!(tokens(&served, "anna").await.len(), 1);
    assert_eq!(refused(served.ctl(remove()).await).0, FaultCode::NotFound);
}

#[tokio::test]
async fn an_administrators_app_is_no_token_of_a_person() {
    let served = Served::new().await;
    let _ = served.owner().await;
    let apps = served
        .daemon
        .read(|read| document::list::<TotpToken>(read, None, 10))
        .await
        .unwrap();
    let remove = AdminOp::TokenRemove {
        token: apps[0].id.to_string(),
    };
    assert_eq!(refused(served.ctl(remove).await).0, FaultCode::NotFound);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &["vpn"]).await;
    let user = stored(&served, "anna").await;
    let now = served.now();
    for (n, stage, age) in [
        (1u8, Stage::Full, 60),
        (2, Stage::Full, 0),
        (3, Stage::Factor, 0),
        (4, Stage::Full, 7200),
    ] {
        let session = PortalSession {
            id: PortalSessionId([n; 16]),
            token: [n; 32],
            who: Who::User(user.id),
            resource: Some(user.resources[0]),
            stage,
            verification: None,
            by_mail: false,
            invited: false,
            created: now,
            seen: now.minus(Duration::from_secs(age)),
            ends: now.plus(LONGEST),
            agent: format!("Browser {n}"),
            source: Source::new("192.0.2.7", "portal"),
            lang: "en".to_owned(),
        };
        served
            .daemon
            .write(move |tx| document::put(tx, &session))
            .await
            .unwrap();
    }
    let list = || AdminOp::UserSessions {
        user: "anna".to_owned(),
    };
    let AdminReply::Sessions { sessions } = served.ctl(list()).await.unwrap() else {
        panic!()
    };
    let agents: Vec<&str> = sessions.iter().map(|s| s.agent.as_str()).collect();
    assert_eq!(
        agents,
        ["Browser 2", "Browser 1"],
        "neither half ones nor dead ones"
    );
    assert_eq!(
        (sessions[0].portal.as_str(), sessions[0].source.as_str()),
        ("vpn", "192.0.2.7")
    );
    served
        .ctl(AdminOp::UserSignOut {
            user: "anna".to_owned(),
        })
        .await
        .unwrap();
    let left = served
        .daemon
        .read(move |read| document::of::<PortalSession>(read, &user.id.0))
        .await
        .unwrap();
    assert!(left.is_empty());
    assert_eq!(served.rows("admin.user-sign-out", "admin").await, 1);
}

#[tokio::test]
async fn a_new_password_ends_sessions() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &["vpn"]).await;
    let user = stored(&served, "anna").await;
    let now = served.now();
    let session = PortalSession {
        id: PortalSessionId([1; 16]),
        token: [1; 32],
        who: Who::User(user.id),
        resource: Some(user.resources[0]),
        stage: Stage::Full,
        verification: None,
        by_mail: true,
        invited: false,
        created: now,
        seen: now,
        ends: now.plus(LONGEST),
        agent: String::new(),
        source: Source::new("", "portal"),
        lang: String::new(),
    };
    served
        .daemon
        .write(move |tx| document::put(tx, &session))
        .await
        .unwrap();
    let set = UserSet {
        user: "anna".to_owned(),
        password: Some("geheim-42".into()),
        ..UserSet::default()
    };
    served.ctl(AdminOp::UserSet(set)).await.unwrap();
    let left = served
        .daemon
        .read(move |read| document::of::<PortalSession>(read, &user.id.0))
        .await
        .unwrap();
    assert!(left.is_empty());
    assert_eq!(stored(&served, "anna").await.profile.password_set, Some(now));
}

#[tokio::test]
async fn an_address_that_an_administrator_changes_hears_of_it() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &["vpn"]).await;
    served.ctl(mail_set()).await.unwrap();
    let user = stored(&served, "anna").await;
    let set = async |email: &str| {
        let set = UserSet {
            user: "anna".to_owned(),
            email: Some(email.to_owned()),
            first_name: Some("Anna".to_owned()),
            ..UserSet::default()
        };
        served.ctl(AdminOp::UserSet(set)).await.unwrap();
        mails(&served, user.id).await
    };
    assert!(set("old@example.com").await.is_empty(), "there was none before");
    assert!(set("old@example.com").await.is_empty(), "it is the same");
    let changed = Notice::EmailChanged {
        masked: "n***@example.com".to_owned(),
    };
    let first = ("old@example.com".to_owned(), changed);
    assert_eq!(set("new@example.com").await, std::slice::from_ref(&first));
    let second = ("new@example.com".to_owned(), Notice::EmailRemoved);
    let all = set("").await;
    assert!(
        all.len() == 2 && all.contains(&first) && all.contains(&second),
        "{all:?}"
    );
}

#[tokio::test]
async fn a_one_day_code_is_kept_as_a_hash_and_replaces_the_one_before() {
    let served = Served::new().await;
    served.user("anna", &[]).await;
    let user = stored(&served, "anna").await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        let op = AdminOp::UserOneDayCode {
            user: "anna".to_owned(),
        };
        let AdminReply::OneDayCode { code, until } = served.ctl(op).await.unwrap() else {
            panic!()
        };
        assert_eq!(until, served.now().plus(Duration::from_secs(24 * 3600)).0);
        let text = code.expose();
        assert_eq!(
            (text.len(), text.find('-')),
            (9, Some(4)),
            "as people read it out"
        );
        codes.push(text.to_owned());
    }
    assert_ne!(codes[0], codes[1]);
    let kept = served
        .daemon
        .read(move |read| document::get::<HelpdeskCode>(read, &user.id.0))
        .await
        .unwrap()
        .unwrap();
    for (code, fits) in [(&codes[0], false), (&codes[1], true)] {
        let clean = helpdesk_code(&code.to_lowercase()).unwrap();
        let stored = Some(kept.hash.clone());
        assert_eq!(served.daemon.passwords.verify(clean, stored).await.unwrap(), fits);
    }
    let seen = format!("{:?}", served.audit().await);
    assert!(codes.iter().all(|code| !seen.contains(code.as_str())));
}

#[tokio::test]
async fn recovery_codes_are_renewed_and_counted() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &[]).await;
    let op = || AdminOp::UserRecovery {
        user: "anna".to_owned(),
    };
    let (code, message) = refused(served.ctl(op()).await);
    assert!(
        code == FaultCode::Invalid && message.contains("otpostctl user bind anna"),
        "there is no portal to open: {message}"
    );
    let bind = AdminOp::UserBind {
        user: "anna".to_owned(),
        resource: "vpn".to_owned(),
    };
    served.ctl(bind).await.unwrap();
    let user = stored(&served, "anna").await;
    let AdminReply::RecoveryCodes { codes: old } = served.ctl(op()).await.unwrap() else {
        panic!()
    };
    let AdminReply::RecoveryCodes { codes } = served.ctl(op()).await.unwrap() else {
        panic!()
    };
    assert_eq!((old.len(), codes.len()), (10, 10));
    let kept = served
        .daemon
        .read(move |read| document::of::<RecoverySet>(read, &user.id.0))
        .await
        .unwrap();
    let [kept] = kept.as_slice() else {
        panic!("one set takes the place of the other")
    };
    assert_eq!(kept.resources, user.resources);
    let (index, secret) = recovery::parse(codes[3].expose()).unwrap();
    let hash = kept.set.find(index).unwrap().hash.clone();
    assert!(
        served
            .daemon
            .passwords
            .verify(secret, Some(Zeroizing::new(hash)))
            .await
            .unwrap()
    );
    assert_eq!(shown(&served, "anna").await.recovery_left, Some(10));
}

#[tokio::test]
async fn an_invitation_is_a_link_of_one_portal_and_the_newest_works() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.user("anna", &[]).await;
    let invite = || AdminOp::UserInvite {
        user: "anna".to_owned(),
        resource: "vpn".to_owned(),
    };
    let says = async |wanted: &str| {
        let (code, message) = refused(served.ctl(invite()).await);
        assert_eq!(code, FaultCode::Invalid);
        assert!(message.contains(wanted), "{message}");
    };
    says("not bound").await;
    let bind = AdminOp::UserBind {
        user: "anna".to_owned(),
        resource: "vpn".to_owned(),
    };
    served.ctl(bind).await.unwrap();
    says("self-service address").await;
    let set = AdminOp::ResourceSet {
        name: "vpn".to_owned(),
        set: ResourceSettings {
            self_service: Some(SelfServiceSettings {
                address: Some("office".to_owned()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        },
    };
    served.ctl(set).await.unwrap();
    says("where the portal is").await;
    let portal = PortalSet {
        url: Some("https://login.example.com".to_owned()),
        ..PortalSet::default()
    };
    served.ctl(AdminOp::PortalSet(portal)).await.unwrap();
    let AdminReply::Invited {
        link: first,
        mailed: false,
        ..
    } = served.ctl(invite()).await.unwrap()
    else {
        panic!("there is no address")
    };
    served.ctl(mail_set()).await.unwrap();
    let email = UserSet {
        user: "anna".to_owned(),
        email: Some("anna@example.com".to_owned()),
        ..UserSet::default()
    };
    served.ctl(AdminOp::UserSet(email)).await.unwrap();
    let AdminReply::Invited {
        link,
        until,
        mailed: true,
    } = served.ctl(invite()).await.unwrap()
    else {
        panic!("there is an address")
    };
    assert_eq!(until, served.now().plus(Duration::from_secs(72 * 3600)).0);
    let secret = |link: &otpost_ipc::Secret| {
        let link = link.expose();
        let secret = link.strip_prefix("https://login.example.com/s/office?invite=");
        secret.unwrap().to_owned()
    };
    let (old, new) = (fingerprint(&secret(&first)), fingerprint(&secret(&link)));
    let (old, new) = served
        .daemon
        .read(move |read| {
            Ok((
                document::by_key::<Invite>(read, &old)?,
                document::by_key::<Invite>(read, &new)?,
            ))
        })
        .await
        .unwrap();
    assert!(old.is_none(), "a new link takes the place of the old one");
    let user = stored(&served, "anna").await;
    assert!(new.unwrap().holds(user.id, user.resources[0], served.now()));
    let seen = format!("{:?}", served.audit().await);
    assert!(!seen.contains(&secret(&link)));
}
