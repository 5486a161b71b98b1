//! What the demonstration's daemon is told before the first login.

use std::{
    net::{Ipv4Addr, UdpSocket},
    path::Path,
};

use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, ResourceSettings, SelfServiceSettings, SmsPolicySet, Status, UserAdd},
    radius::MessageAuthenticator,
};
use serde_json::json;

use super::{DemoError, Sandbox, ask};
use crate::CtlError;

/// The resource.
pub(super) const RESOURCE: &str = "Demo VPN";
/// Where its self-service is, below `/s/`.
pub(super) const ADDRESS: &str = "demo";
/// The user.
pub(super) const USER: &str = "alice";
/// Her password.
pub(super) const PASSWORD: &str = "correct horse";
/// Her phone: ACMA keeps 0491 570 156 free for fiction, so nobody's phone ever rings.
pub(super) const PHONE: &str = "+61491570156";
/// Country of the phones.
pub(super) const COUNTRY: &str = "AU";
/// Its name.
pub(super) const COUNTRY_NAME: &str = "Australia";
/// The user who has no phone yet.
pub(super) const NEWCOMER: &str = "bob";
/// His password.
pub(super) const NEWCOMER_PASSWORD: &str = "battery staple";
/// A phone he may enrol, as people write it; free for fiction as well.
pub(super) const NEWCOMER_PHONE: &str = "+61 491 570 157";
/// The RADIUS client.
pub(super) const CLIENT: &str = "demo";

/// Texts go to a file only, so the limits are there to be out of the way of somebody who tries things.
const PLENTY: u32 = 10_000;

pub(super) fn daemon_toml(sandbox: &Sandbox) -> String {
    format!(
        "environment = \"development\"\nshutdown-grace = \"2s\"\n\n[store]\npath = {store}\n\n[keys]\n\
         master-key-file = {key}\n\n[sockets]\ndirectory = {sockets}\n",
        store = quoted(&sandbox.data().join("otpost.db")),
        key = quoted(&sandbox.data().join("master.key")),
        sockets = quoted(&sandbox.sockets()),
    )
}

pub(super) fn radius_toml(sandbox: &Sandbox, port: u16) -> String {
    format!(
        "listen = [\"{}:{port}\"]\nsocket = {}\nshutdown-grace = \"2s\"\n",
        Ipv4Addr::LOCALHOST,
        quoted(&sandbox.sockets().join("radius.sock"))
    )
}

/// On loopback, so without TLS; the system picks the ports.
pub(super) fn portal_toml(sandbox: &Sandbox) -> String {
    let any = format!("listen = [\"{}:0\"]", Ipv4Addr::LOCALHOST);
    format!(
        "socket = {}\nshutdown-grace = \"2s\"\n\n[self-service]\n{any}\n\n[console]\n{any}\n\n[tls]\nmode = \"off\"\n",
        quoted(&sandbox.sockets().join("portal.sock"))
    )
}

/// A JSON string is a TOML string.
fn quoted(path: &Path) -> String {
    json!(path.to_string_lossy()).to_string()
}

/// A UDP port that is free now.
pub(super) fn free_port() -> Result<u16, DemoError> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|socket| socket.local_addr())
        .map(|address| address.port())
        .map_err(|error| DemoError::Port(error.kind()))
}

pub(super) fn status(sandbox: &Sandbox) -> Result<Status, CtlError> {
    match ask(sandbox, AdminOp::Status)? {
        AdminReply::Status(status) => Ok(status),
        _ => Err(CtlError::Unexpected),
    }
}

/// Makes everything a login needs, and returns the RADIUS client's secret.
pub(super) fn populate(sandbox: &Sandbox) -> Result<Secret, CtlError> {
    ask(
        sandbox,
        AdminOp::ResourceAdd {
            name: RESOURCE.to_owned(),
            set: ResourceSettings {
                pam_services: Some(vec!["*".to_owned()]),
                region: Some(COUNTRY.to_owned()),
                self_service: Some(SelfServiceSettings {
                    address: Some(ADDRESS.to_owned()),
                    actions: Some(vec!["all".to_owned()]),
                    kinds: Some(["sms", "totp", "recovery"].map(str::to_owned).to_vec()),
                    otp_length: Some("choice".to_owned()),
                    ..SelfServiceSettings::default()
                }),
                ..ResourceSettings::default()
            },
        },
    )?;
    ask(
        sandbox,
        AdminOp::SmsProviderAdd {
            name: "inbox".to_owned(),
            kind: "file".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(json!({ "path": sandbox.inbox() }).to_string()),
        },
    )?;
    ask(
        sandbox,
        AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec![COUNTRY.to_owned()]),
            number_hour: Some(PLENTY),
            number_day: Some(PLENTY),
            user_hour: Some(PLENTY),
            user_day: Some(PLENTY),
            user_reserve: Some(0),
            source_hour: Some(PLENTY),
            source_day: Some(PLENTY),
            all_minute: Some(PLENTY),
            all_day: Some(PLENTY),
            ..SmsPolicySet::default()
        }),
    )?;
    ask(
        sandbox,
        AdminOp::UserAdd(UserAdd {
            login: USER.to_owned(),
            password: Some(PASSWORD.into()),
            first_name: "Alice".to_owned(),
            resources: vec![RESOURCE.to_owned()],
            ..UserAdd::default()
        }),
    )?;
    ask(
        sandbox,
        AdminOp::UserAdd(UserAdd {
            login: NEWCOMER.to_owned(),
            password: Some(NEWCOMER_PASSWORD.into()),
            first_name: "Bob".to_owned(),
            resources: vec![RESOURCE.to_owned()],
            ..UserAdd::default()
        }),
    )?;
    ask(
        sandbox,
        AdminOp::TokenAdd {
            user: USER.to_owned(),
            phone: PHONE.into(),
            name: "Demo phone".to_owned(),
            digits: None,
            resources: vec![RESOURCE.to_owned()],
        },
    )?;
    let client = AdminOp::RadiusClientAdd {
        name: CLIENT.to_owned(),
        networks: vec![Ipv4Addr::LOCALHOST.to_string()],
        resource: RESOURCE.to_owned(),
        secret: None,
        weak_secret: false,
        message_authenticator: MessageAuthenticator::Require,
        first_factor: Some("local".to_owned()),
        set: otpost_ipc::admin::ClientSet::default(),
    };
    match ask(sandbox, client)? {
        AdminReply::ClientSecret { secret, .. } => Ok(secret),
        _ => Err(CtlError::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use otpost_conf::{DaemonConfig, PortalConfig, RadiusConfig, parse};

    use super::*;

    #[test]
    fn the_configuration_is_good_and_stays_inside_the_sandbox() {
        let sandbox = Sandbox::new().unwrap();
        let daemon: DaemonConfig = parse(Path::new("daemon.toml"), &daemon_toml(&sandbox)).unwrap();
        for path in [
            &daemon.store.path,
            &daemon.keys.master_key_file,
            &daemon.sockets.directory,
        ] {
            assert!(path.starts_with(sandbox.path()), "{path:?}");
        }
        let radius: RadiusConfig = parse(Path::new("radius.toml"), &radius_toml(&sandbox, 1812)).unwrap();
        assert_eq!(radius.listen, ["127.0.0.1:1812".parse().unwrap()]);
        assert_eq!(radius.socket, daemon.sockets.directory.join("radius.sock"));
        let portal: PortalConfig = parse(Path::new("portal.toml"), &portal_toml(&sandbox)).unwrap();
        assert_eq!(portal.socket, daemon.sockets.directory.join("portal.sock"));
        assert_eq!(portal.self_service.listen, ["127.0.0.1:0".parse().unwrap()]);
        assert_eq!(portal.console.listen, portal.self_service.listen);
    }

    #[test]
    fn the_phones_are_valid_mobile_numbers_of_their_country() {
        for phone in [PHONE, NEWCOMER_PHONE] {
            let number = phonenumber::parse(None, phone).unwrap();
            assert!(phonenumber::is_valid(&number), "{phone}");
            assert_eq!(number.country().id().unwrap().as_ref(), COUNTRY);
            let kind = number.number_type(&phonenumber::metadata::DATABASE);
            assert_eq!(kind, phonenumber::Type::Mobile, "{phone}");
        }
    }
}
