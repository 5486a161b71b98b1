//! A server of the test's own that answers as it is told, and FreeRADIUS for MS-CHAPv2.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use otpost_radius_wire::{
    MppeEncryption, MsChap, MsChapError, MsChapV2Credentials, ReplyBuilder, Salt, reveal_password,
};

use super::*;
use crate::sys::{Draw, SystemEntropy};

const SECRET: &str = "geheim zwischen den servern";
const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// What a server says to a request, written by `say`; silence where that is `false`.
type Say = fn(&Packet<'_>, &SharedSecret, &mut Vec<u8>) -> bool;

async fn server(say: Say) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let secret = SharedSecret::new(SECRET.as_bytes()).unwrap();
        let mut buffer = [0; MAX_PACKET];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let packet = Packet::parse(&buffer[..length]).unwrap();
            // Every request is signed, by its first attribute.
            assert_eq!(
                packet.attributes().next().unwrap().kind,
                attribute::MESSAGE_AUTHENTICATOR
            );
            assert_eq!(
                packet.check_message_authenticator(&secret),
                Ok(MessageAuthenticator::Valid)
            );
            assert_eq!(packet.first(attribute::NAS_IDENTIFIER), Some(&b"otpost"[..]));
            let mut answer = Vec::new();
            if say(&packet, &secret, &mut answer) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    address
}

fn answer(
    request: &Packet<'_>,
    secret: &SharedSecret,
    code: Code,
    write: impl FnOnce(&mut ReplyBuilder<'_>),
) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let mut reply = ReplyBuilder::new(&mut buffer, code, request).unwrap();
    write(&mut reply);
    reply.finish(secret).to_vec()
}

fn proxy(servers: &[String]) -> Proxy {
    let json = serde_json::json!({ "servers": servers, "secret": SECRET, "timeout-ms": 300, "tries": 2 });
    Proxy::new(
        "radius:test".parse().unwrap(),
        serde_json::from_value(json).unwrap(),
    )
    .unwrap()
}

async fn ask(proxy: &Proxy, user: &str, ask: Ask<'_>) -> Answered {
    proxy
        .check(user, ask, NOW, &mut Draw(Arc::new(SystemEntropy)))
        .await
}

fn password(packet: &Packet<'_>, secret: &SharedSecret) -> Vec<u8> {
    let hidden = packet.first(attribute::USER_PASSWORD).unwrap();
    reveal_password(hidden, secret, &packet.authenticator())
        .unwrap()
        .to_vec()
}

/// Asks for a number first, and knows its State again.
fn challenging(packet: &Packet<'_>, secret: &SharedSecret, out: &mut Vec<u8>) -> bool {
    let typed = password(packet, secret);
    *out = match (packet.first(attribute::STATE), typed.as_slice()) {
        (None, b"right") => answer(packet, secret, Code::AccessChallenge, |reply| {
            reply.attribute(attribute::STATE, b"\x00\xff state").unwrap();
            reply.text(attribute::REPLY_MESSAGE, "Your ").unwrap();
            reply.text(attribute::REPLY_MESSAGE, "number\x07?").unwrap();
        }),
        (Some(b"\x00\xff state"), b"4711") => answer(packet, secret, Code::AccessAccept, |reply| {
            reply.attribute(attribute::CLASS, b"staff").unwrap();
            reply.text(attribute::REPLY_MESSAGE, "Welcome").unwrap();
            reply.attribute(attribute::STATE, b"more").unwrap();
            reply.attribute(TUNNEL_PASSWORD, &[0; 18]).unwrap();
            reply.vendor(MICROSOFT, MS_MPPE_SEND_KEY, &[0; 34]).unwrap();
            reply.vendor(9, 1, b"shell:priv-lvl=15").unwrap();
        }),
        _ => answer(packet, secret, Code::AccessReject, |_| {}),
    };
    true
}

#[tokio::test]
async fn a_challenge_comes_through_and_its_answer_goes_to_the_same_server() {
    let silent = server(|_, _, _| false).await;
    let asks = server(challenging).await;
    let proxy = proxy(&[silent.clone(), asks.clone()]);
    let challenged = ask(&proxy, "carla", Ask::Password("right")).await;
    let Checked::Challenge {
        source,
        server,
        state,
        message,
    } = challenged.checked
    else {
        panic!("{challenged:?}");
    };
    assert_eq!((source.as_str(), &server), ("radius:test", &asks));
    assert_eq!(state, b"\x00\xff state");
    assert_eq!(message, "Your number ?");
    let with = |typed: &'static str| Ask::Answer {
        typed,
        server: &server,
        state: &state,
    };
    assert_eq!(ask(&proxy, "carla", with("4712")).await.checked, Checked::Failed);
    match ask(&proxy, "carla", with("4711")).await.checked {
        Checked::Passed {
            reply,
            ms_chap2: None,
            ..
        } => {
            // What is for the VPN, and nothing that holds between the server and us.
            let kinds: Vec<u8> = reply.iter().map(|attribute| attribute.kind).collect();
            assert_eq!(kinds, [attribute::CLASS, attribute::VENDOR_SPECIFIC]);
            assert_eq!(reply[0].value, b"staff");
            assert!(reply[1].value.ends_with(b"shell:priv-lvl=15"));
        }
        other => panic!("{other:?}"),
    }
    let elsewhere = Ask::Answer {
        typed: "4711",
        server: "192.0.2.1:1812",
        state: &state,
    };
    let gone = ask(&proxy, "carla", elsewhere).await;
    assert!(
        matches!(&gone.checked, Checked::Unavailable(outage) if outage.why.contains("no longer set")),
        "{gone:?}"
    );
}

#[tokio::test]
async fn silence_and_what_answers_no_request_denies() {
    for (say, words) in [
        ((|_, _, _| false) as Say, "no answer"),
        (
            |packet, secret, out| {
                *out = answer(packet, secret, Code::AccountingResponse, |_| {});
                true
            },
            "Accounting-Response",
        ),
        (
            |packet, _, out| {
                let other = SharedSecret::new(b"another secret").unwrap();
                *out = answer(packet, &other, Code::AccessAccept, |_| {});
                true
            },
            "not with our shared secret",
        ),
        (
            |packet, secret, out| {
                // An answer to another request.
                *out = answer(packet, secret, Code::AccessAccept, |_| {});
                out[1] = out[1].wrapping_add(1);
                true
            },
            "not with our shared secret",
        ),
        (
            |_, _, out| {
                out.extend([2, 0, 0, 19]);
                true
            },
            "no answer",
        ),
    ] {
        let proxy = proxy(&[server(say).await]);
        let answered = ask(&proxy, "alice", Ask::Password("geheim 4711")).await;
        match &answered.checked {
            Checked::Unavailable(outage) => {
                assert!(outage.why.contains(words), "{outage}");
                assert!(!outage.why.contains("geheim"), "{outage}");
            }
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_by_ms_chap_says_why() {
    fn refusing(packet: &Packet<'_>, secret: &SharedSecret, out: &mut Vec<u8>) -> bool {
        let code = match packet.first(attribute::USER_NAME).unwrap() {
            b"old" => MsChapError::PASSWORD_EXPIRED,
            b"off" => MsChapError::ACCOUNT_DISABLED,
            _ => MsChapError::AUTHENTICATION_FAILURE,
        };
        *out = answer(packet, secret, Code::AccessReject, |reply| {
            let error = MsChapError {
                code,
                retry: false,
                challenge: [0; 16],
                message: "",
            };
            reply.ms_chap_error(7, &error).unwrap();
        });
        true
    }
    let proxy = proxy(&[server(refusing).await]);
    let response = MsChap2Response {
        challenge: [1; 16],
        response: [2; 50],
    };
    for (user, wanted) in [("old", "expired"), ("off", "locked"), ("alice", "failed")] {
        let said = ask(&proxy, user, Ask::MsChap2(&response)).await;
        assert_eq!(said.checked.as_str(), wanted);
    }
}

#[tokio::test]
async fn keys_come_through_and_proof_is_needed() {
    fn knowing(packet: &Packet<'_>, secret: &SharedSecret, out: &mut Vec<u8>) -> bool {
        let Ok(Some(MsChap::V2(login))) = MsChap::read(packet) else {
            return false;
        };
        let user = packet.first(attribute::USER_NAME).unwrap();
        *out = match login.verify(user, "right") {
            // Without proof where the user is called so.
            Some(_) if user == b"bare" => answer(packet, secret, Code::AccessAccept, |_| {}),
            Some(accepted) => answer(packet, secret, Code::AccessAccept, |reply| {
                reply.ms_chap2_success(&accepted).unwrap();
                let salt = Salt::new([9, 9]);
                reply
                    .mppe(accepted.keys(), MppeEncryption::Required, salt, secret)
                    .unwrap();
            }),
            None => answer(packet, secret, Code::AccessReject, |_| {}),
        };
        true
    }
    let proxy = proxy(&[server(knowing).await]);
    let login = |user: &'static str, password: &'static str| MsChapV2Credentials {
        identifier: 7,
        user: user.as_bytes(),
        password,
        authenticator_challenge: [3; 16],
        peer_challenge: [4; 16],
    };
    let of = |login: &MsChapV2Credentials<'_>| MsChap2Response {
        challenge: login.authenticator_challenge,
        response: login.response(),
    };
    let right = login("alice", "right");
    match ask(&proxy, "alice", Ask::MsChap2(&of(&right))).await.checked {
        Checked::Passed {
            ms_chap2: Some(keys),
            reply,
            ..
        } => {
            let expected = right.expected();
            assert_eq!(keys.success.as_bytes(), &expected.success()[1..]);
            assert_eq!(keys.send.as_slice(), expected.keys().send());
            assert_eq!(keys.receive.as_slice(), expected.keys().recv());
            // Policy and types are for the VPN as they are.
            assert_eq!(reply.len(), 2);
            assert!(!format!("{keys:?}").contains("S="));
        }
        other => panic!("{other:?}"),
    }
    let wrong = of(&login("alice", "wrong"));
    assert_eq!(
        ask(&proxy, "alice", Ask::MsChap2(&wrong)).await.checked,
        Checked::Failed
    );
    let bare = of(&login("bare", "right"));
    let said = ask(&proxy, "bare", Ask::MsChap2(&bare)).await;
    assert!(
        matches!(&said.checked, Checked::Unavailable(outage) if outage.why.contains("MS-CHAP2-Success")),
        "{said:?}"
    );
}

const FREERADIUS: &str = r#"
name = otpost-mschap
prefix = /usr
libdir = /usr/lib/freeradius
logdir = "@DIR@"
run_dir = "@DIR@"
raddbdir = "@DIR@"
db_dir = "@DIR@"
pidfile = "@DIR@/freeradius.pid"
max_requests = 1024
log {
    destination = files
    file = "@DIR@/radius.log"
}
security {
    reject_delay = 0
    allow_vulnerable_openssl = yes
}
client otpost {
    ipaddr = 127.0.0.1
    secret = "geheim zwischen den servern"
    require_message_authenticator = yes
}
modules {
    files {
        usersfile = "@DIR@/users"
    }
    mschap {
        use_mppe = yes
        require_encryption = yes
        require_strong = yes
    }
    expr {
    }
}
instantiate {
    expr
}
server mschap {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = @PORT@
    }
    authorize {
        files
        mschap
    }
    authenticate {
        Auth-Type MS-CHAP {
            mschap
        }
    }
    post-auth {
        update reply {
            &Message-Authenticator := 0x00
        }
        Post-Auth-Type REJECT {
            update reply {
                &Message-Authenticator := 0x00
            }
        }
    }
}
"#;

/// A running FreeRADIUS; ends with this.
struct FreeRadius {
    child: Child,
    dir: PathBuf,
    address: String,
}

impl FreeRadius {
    async fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("otpost-mschap-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("users"), "alice Cleartext-Password := \"right\"\n").unwrap();
        fs::write(
            dir.join("dictionary"),
            "$INCLUDE /usr/share/freeradius/dictionary\n",
        )
        .unwrap();
        loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = socket.local_addr().unwrap();
            drop(socket);
            let config = FREERADIUS
                .replace("@DIR@", &dir.display().to_string())
                .replace("@PORT@", &address.port().to_string());
            fs::write(dir.join("radiusd.conf"), config).unwrap();
            let _ = fs::remove_file(dir.join("radius.log"));
            let mut child = Command::new("freeradius")
                .args(["-f", "-n", "radiusd", "-d"])
                .arg(&dir)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("freeradius is needed for this test (scripts/setup.sh check)");
            let clock = sys::Stopwatch::start();
            let up = loop {
                let log = fs::read_to_string(dir.join("radius.log")).unwrap_or_default();
                if log.contains("Ready to process requests") {
                    break true;
                }
                if child.try_wait().unwrap().is_some() {
                    // Another took the port in the meantime.
                    assert!(log.contains("bind"), "{log}");
                    break false;
                }
                assert!(clock.elapsed() < Duration::from_secs(20), "{log}");
                sys::sleep(Duration::from_millis(5)).await;
            };
            if up {
                let address = address.to_string();
                return Self { child, dir, address };
            }
        }
    }
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[tokio::test]
async fn freeradius_checks_ms_chap_and_its_keys_are_the_right_ones() {
    let server = FreeRadius::start().await;
    let json = serde_json::json!({ "servers": [server.address], "secret": SECRET, "timeout-ms": 5000 });
    let link = "radius:test".parse().unwrap();
    let proxy = Proxy::new(link, serde_json::from_value(json).unwrap()).unwrap();
    let login = |password: &'static str| MsChapV2Credentials {
        identifier: 7,
        user: b"alice",
        password,
        authenticator_challenge: [0x51; 16],
        peer_challenge: [0xa2; 16],
    };
    let of = |login: &MsChapV2Credentials<'_>| MsChap2Response {
        challenge: login.authenticator_challenge,
        response: login.response(),
    };
    let right = login("right");
    match ask(&proxy, "alice", Ask::MsChap2(&of(&right))).await.checked {
        Checked::Passed {
            ms_chap2: Some(keys), ..
        } => {
            let expected = right.expected();
            assert_eq!(keys.success.as_bytes(), &expected.success()[1..]);
            assert_eq!(keys.send.as_slice(), expected.keys().send());
            assert_eq!(keys.receive.as_slice(), expected.keys().recv());
        }
        other => panic!("{other:?}"),
    }
    let wrong = ask(&proxy, "alice", Ask::MsChap2(&of(&login("wrong")))).await;
    assert_eq!(wrong.checked, Checked::Failed);
}
