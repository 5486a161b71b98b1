//! Self-service settings of a resource.

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{
    AdminOp, AdminReply, PortalSet, ResourceSettings, ResourceView, SelfServiceSettings,
};
use otpost_ipc::portal::{PortalOp, PortalReply};

use super::common::Served;
use super::refused;

fn op(name: &str, own: SelfServiceSettings) -> AdminOp {
    AdminOp::ResourceSet {
        name: name.to_owned(),
        set: ResourceSettings {
            self_service: Some(own),
            ..ResourceSettings::default()
        },
    }
}

async fn set(served: &Served, name: &str, own: SelfServiceSettings) -> ResourceView {
    match served.ctl(op(name, own)).await.unwrap() {
        AdminReply::Resource(view) => view,
        other => panic!("{other:?}"),
    }
}

fn address(text: &str) -> SelfServiceSettings {
    SelfServiceSettings {
        address: Some(text.to_owned()),
        ..SelfServiceSettings::default()
    }
}

fn words(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|word| (*word).to_owned()).collect())
}

#[tokio::test]
async fn a_fresh_resource_offers_nothing_and_shows_every_setting() {
    let served = Served::new().await;
    served.resource("vpn").await;
    let view = set(&served, "vpn", SelfServiceSettings::default()).await;
    let own = view.settings.self_service.unwrap();
    assert_eq!(
        own,
        SelfServiceSettings {
            address: Some(String::new()),
            actions: words(&[]),
            kinds: words(&[]),
            otp_length: Some("choice".to_owned()),
            two_steps: Some(true),
            first_enrolment: Some("password".to_owned()),
            enrol_days: Some(0),
            title: Some(String::new()),
            accent: Some(String::new()),
            hint: Some(String::new()),
        }
    );
    assert_eq!(view.portal, "");
}

#[tokio::test]
async fn an_address_turns_the_portal_on_and_an_empty_one_off() {
    let served = Served::new().await;
    served.resource("vpn").await;
    let site = || PortalOp::Site {
        address: "office-vpn".to_owned(),
    };
    assert_eq!(served.ask(site()).await.unwrap_err().code, FaultCode::NotFound);
    let view = set(&served, "vpn", address("office-vpn")).await;
    assert_eq!(view.portal, "", "nobody has said where the portal is");
    assert!(matches!(served.answer(site()).await, PortalReply::Site(_)));
    let portal = PortalSet {
        url: Some("https://login.example.com/".to_owned()),
        ..PortalSet::default()
    };
    served.ctl(AdminOp::PortalSet(portal)).await.unwrap();
    let all = SelfServiceSettings {
        actions: words(&["all"]),
        kinds: words(&["sms", "recovery"]),
        otp_length: Some("8".to_owned()),
        two_steps: Some(false),
        first_enrolment: Some("invite".to_owned()),
        enrol_days: Some(30),
        title: Some(" The office ".to_owned()),
        accent: Some("#1f6feb".to_owned()),
        hint: Some("The one you use for the VPN".to_owned()),
        ..SelfServiceSettings::default()
    };
    let view = set(&served, "vpn", all).await;
    assert_eq!(view.portal, "https://login.example.com/s/office-vpn");
    let own = view.settings.self_service.unwrap();
    assert_eq!(own.actions.unwrap().len(), 13);
    assert_eq!(own.kinds, words(&["sms", "recovery"]));
    assert_eq!(
        (own.otp_length.as_deref(), own.two_steps, own.enrol_days),
        (Some("8"), Some(false), Some(30))
    );
    assert_eq!(own.title.as_deref(), Some("The office"));
    // What is not named stays.
    let view = set(&served, "vpn", address("vpn")).await;
    assert_eq!(view.settings.self_service.unwrap().enrol_days, Some(30));
    assert_eq!(served.ask(site()).await.unwrap_err().code, FaultCode::NotFound);
    let view = set(&served, "vpn", address("")).await;
    assert_eq!(view.portal, "");
}

#[tokio::test]
async fn an_address_is_unique_among_resources() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.resource("mail").await;
    set(&served, "vpn", address("door")).await;
    set(&served, "vpn", address("door")).await;
    let (code, message) = refused(served.ctl(op("mail", address("door"))).await);
    assert_eq!(code, FaultCode::Conflict);
    assert!(message.contains("`door` belongs to vpn"), "{message}");
    let add = AdminOp::ResourceAdd {
        name: "third".to_owned(),
        set: ResourceSettings {
            self_service: Some(address("door")),
            ..ResourceSettings::default()
        },
    };
    assert_eq!(refused(served.ctl(add).await).0, FaultCode::Conflict);
}

#[tokio::test]
async fn settings_that_break_a_rule_change_nothing() {
    let served = Served::new().await;
    served.resource("vpn").await;
    let own = SelfServiceSettings::default;
    for (bad, names) in [
        (address("Office VPN"), "small letters"),
        (address(&"a".repeat(65)), "1 to 64"),
        (
            SelfServiceSettings {
                actions: words(&["enroll", "fly"]),
                ..own()
            },
            "`fly`",
        ),
        (
            SelfServiceSettings {
                kinds: words(&["pigeon"]),
                ..own()
            },
            "`pigeon`",
        ),
        (
            SelfServiceSettings {
                otp_length: Some("7".to_owned()),
                ..own()
            },
            "choice, 6 or 8",
        ),
        (
            SelfServiceSettings {
                first_enrolment: Some("none".to_owned()),
                ..own()
            },
            "password or invite",
        ),
        (
            SelfServiceSettings {
                enrol_days: Some(3651),
                ..own()
            },
            "3650",
        ),
        (
            SelfServiceSettings {
                accent: Some("red".to_owned()),
                ..own()
            },
            "#1f6feb",
        ),
        (
            SelfServiceSettings {
                title: Some("x".repeat(65)),
                ..own()
            },
            "64",
        ),
        (
            SelfServiceSettings {
                hint: Some("a\nb".to_owned()),
                ..own()
            },
            "control",
        ),
    ] {
        let (code, message) = refused(served.ctl(op("vpn", bad)).await);
        assert_eq!(code, FaultCode::Invalid, "{message}");
        assert!(message.contains(names), "{message}");
    }
    let view = set(&served, "vpn", own()).await;
    assert_eq!(view.settings.self_service.unwrap().address.as_deref(), Some(""));
}
