//! What a login looks like on the wire.

use std::sync::atomic::Ordering;

use crate::common::{Act, SESSION, STATE, Site, Vpn, accept, challenge, deny, until};
use otpost_ipc::{
    Attribute, DenyKind, LoginReply,
    radius::{RadiusAnswer, RadiusOp, RadiusRefusal},
};
use otpost_radius::Silence;
use otpost_radius_wire::{Code, Signing, attribute};

#[test]
fn a_right_password_gets_a_challenge_and_the_code_an_accept() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let challenge = vpn.exchange(&vpn.begin("alice", "right"));
    assert_eq!(challenge.code, Code::AccessChallenge);
    assert_eq!(challenge.state(), STATE);
    let accept = vpn.exchange(&vpn.answer("alice", "123456", &challenge.state()));
    assert_eq!(accept.code, Code::AccessAccept);
    assert_eq!(daemon.asked(), 2);
    let RadiusOp::Answer(RadiusAnswer { client, session, .. }) = daemon.last() else {
        panic!("no answer")
    };
    assert_eq!((client.as_str(), session.as_str()), ("vpn", SESSION));
}

/// ARAP-Password (RFC 2869 section 5.4), which nobody checks.
const ARAP_PASSWORD: u8 = 70;

#[test]
fn a_challenge_has_one_state_a_text_the_lifetime_and_the_prompt() {
    for (echo, prompt) in [(false, 0), (true, 1)] {
        let (site, _daemon) = Site::with(move |_| {
            let mut reply = challenge();
            if let LoginReply::Prompt { echo: slot, .. } = &mut reply {
                *slot = echo;
            }
            Act::Say(reply)
        });
        let vpn = site.vpn();
        let reply = vpn.exchange(&vpn.begin("alice", "right"));
        let kinds = [
            attribute::MESSAGE_AUTHENTICATOR,
            attribute::STATE,
            attribute::REPLY_MESSAGE,
            attribute::SESSION_TIMEOUT,
            attribute::PROMPT,
        ];
        assert_eq!(reply.kinds(), kinds);
        assert_eq!(reply.text(), "Code sent to +49******678:");
        assert_eq!(
            reply.packet().first(attribute::SESSION_TIMEOUT),
            Some(300_u32.to_be_bytes().as_slice())
        );
        assert_eq!(
            reply.packet().first(attribute::PROMPT),
            Some([0, 0, 0, prompt].as_slice())
        );
    }
}

#[test]
fn a_long_prompt_is_split_between_characters() {
    let long = "Öffne 🔒 ".repeat(60);
    let said = long.clone();
    let (site, _daemon) = Site::with(move |_| {
        let (session, text) = (SESSION.to_owned(), said.clone());
        Act::Say(LoginReply::Prompt {
            session,
            text,
            echo: false,
            expires_in: 1,
        })
    });
    let vpn = site.vpn();
    let reply = vpn.exchange(&vpn.begin("alice", "right"));
    for piece in reply.packet().all(attribute::REPLY_MESSAGE) {
        assert!(str::from_utf8(piece).is_ok());
    }
    assert_eq!(reply.text(), long);
}

#[test]
fn a_challenge_without_a_text_still_shows_something() {
    let (site, _daemon) = Site::with(|_| {
        let (session, text) = (SESSION.to_owned(), String::new());
        Act::Say(LoginReply::Prompt {
            session,
            text,
            echo: false,
            expires_in: 1,
        })
    });
    let vpn = site.vpn();
    assert!(!vpn.exchange(&vpn.begin("alice", "right")).text().is_empty());
}

#[test]
fn a_wrong_code_that_the_daemon_forgives_is_a_new_challenge() {
    let (site, _daemon) = Site::with(|op| {
        Act::Say(if matches!(op, RadiusOp::Answer(_)) {
            challenge()
        } else {
            deny()
        })
    });
    let vpn = site.vpn();
    assert_eq!(
        vpn.exchange(&vpn.answer("alice", "000000", &STATE)).code,
        Code::AccessChallenge
    );
}

#[test]
fn an_accept_carries_the_attributes_of_the_resource_in_their_order() {
    let (site, _daemon) = Site::with(|_| Act::Say(accept()));
    let vpn = site.vpn();
    let reply = vpn.exchange(&vpn.begin("alice", "right"));
    assert_eq!(reply.code, Code::AccessAccept);
    assert_eq!(reply.kinds(), [attribute::MESSAGE_AUTHENTICATOR, 25, 11]);
    assert_eq!(reply.packet().first(25), Some([10, 11].as_slice()));
    assert_eq!(reply.packet().first(11), Some(b"staf".as_slice()));
}

#[test]
fn an_accept_whose_attributes_cannot_be_sent_is_not_sent_at_all() {
    let long = "00".repeat(254);
    for (code, value) in [(25, "xy"), (25, long.as_str()), (80, "00"), (33, "00")] {
        let attributes = vec![Attribute {
            code,
            value: value.to_owned(),
        }];
        let reply = LoginReply::Allow {
            attributes,
            reason: otpost_ipc::AllowReason::Code,
        };
        let (site, _daemon) = Site::with(move |_| Act::Say(reply.clone()));
        let vpn = site.vpn();
        site.assert_silent(&vpn, &vpn.begin("alice", "right"), Silence::Fault);
    }
}

#[test]
fn answers_that_radius_cannot_carry_get_silence() {
    let bad = |session: &str| LoginReply::Prompt {
        session: session.to_owned(),
        text: "Code?".to_owned(),
        echo: false,
        expires_in: 1,
    };
    for reply in [
        LoginReply::Ignore,
        bad(""),
        bad("0011"),
        bad(&"zz".repeat(16)),
        bad(&"00".repeat(17)),
    ] {
        let (site, _daemon) = Site::with(move |_| Act::Say(reply.clone()));
        let vpn = site.vpn();
        site.assert_silent(&vpn, &vpn.begin("alice", "right"), Silence::Fault);
    }
}

#[test]
fn a_reject_carries_a_text_and_proxy_state_and_nothing_else() {
    for kind in [DenyKind::Denied, DenyKind::MaxTries, DenyKind::Unavailable] {
        let (site, _daemon) = Site::with(move |_| {
            let (text, reference) = ("Access denied.".to_owned(), "K7QX".to_owned());
            Act::Say(LoginReply::Deny {
                text,
                kind,
                reference,
            })
        });
        let vpn = site.vpn();
        let reply = vpn.exchange(&vpn.access(|request| {
            vpn.pap(request, "alice", "wrong");
            request.attribute(attribute::PROXY_STATE, b"p").unwrap();
        }));
        assert_eq!(reply.code, Code::AccessReject);
        let kinds = [
            attribute::MESSAGE_AUTHENTICATOR,
            attribute::PROXY_STATE,
            attribute::REPLY_MESSAGE,
        ];
        assert_eq!(reply.kinds(), kinds);
        assert_eq!(reply.text(), "Access denied.");
    }
}

#[test]
fn rejects_of_any_user_have_the_same_size() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let sizes: Vec<usize> = [("alice", "wrong"), ("nobody", "right"), ("locked user", "x")]
        .iter()
        .map(|(user, password)| vpn.exchange(&vpn.begin(user, password)).octets.len())
        .collect();
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn s11_proxy_state_is_echoed_in_order_in_every_kind_of_reply() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let states: [&[u8]; 3] = [b"\x00second", b"", b"\x00first"];
    let proxied = |user: &str, password: &str, state: Option<&[u8]>| {
        vpn.access(|request| {
            request.attribute(attribute::PROXY_STATE, states[0]).unwrap();
            vpn.pap(request, user, password);
            request.attribute(attribute::PROXY_STATE, states[1]).unwrap();
            if let Some(state) = state {
                request.attribute(attribute::STATE, state).unwrap();
            }
            request.attribute(attribute::PROXY_STATE, states[2]).unwrap();
        })
    };
    let status = vpn.build(Code::StatusServer, Signing::MessageAuthenticator, |request| {
        states
            .iter()
            .for_each(|state| request.attribute(attribute::PROXY_STATE, state).unwrap());
    });
    for (request, code) in [
        (proxied("alice", "right", None), Code::AccessChallenge),
        (proxied("alice", "123456", Some(&STATE)), Code::AccessAccept),
        (proxied("alice", "wrong", None), Code::AccessReject),
        (proxied("alice", "right", Some(b"not ours")), Code::AccessReject),
        (status, Code::AccessAccept),
    ] {
        let reply = vpn.exchange(&request);
        assert_eq!(reply.code, code);
        assert_eq!(
            reply.packet().all(attribute::PROXY_STATE).collect::<Vec<_>>(),
            states
        );
    }
}

#[test]
fn s11_a_request_stuffed_with_proxy_state_is_still_rejected_and_all_of_it_echoed() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let request = vpn.access(|request| {
        vpn.pap(request, "alice", "wrong");
        for _ in 0..15 {
            request.attribute(attribute::PROXY_STATE, &[7; 253]).unwrap();
        }
        request.attribute(attribute::PROXY_STATE, &[8; 200]).unwrap();
    });
    let reply = vpn.exchange(&request);
    assert_eq!(reply.code, Code::AccessReject);
    assert_eq!(reply.packet().all(attribute::PROXY_STATE).count(), 16);
}

#[test]
fn s07_s10_refusals_are_not_asked_about_but_reported() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let name = |request: &mut otpost_radius_wire::RequestBuilder<'_>| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
    };
    let requests = [
        ("no credentials", vpn.access(|request| name(request))),
        (
            "state only",
            vpn.access(|request| {
                name(request);
                request.attribute(attribute::STATE, &STATE).unwrap();
            }),
        ),
        (
            "arap",
            vpn.access(|request| {
                name(request);
                request.attribute(ARAP_PASSWORD, &[1; 16]).unwrap();
            }),
        ),
        (
            "ms-chap v2",
            vpn.access(|request| {
                name(request);
                request
                    .attribute(attribute::VENDOR_SPECIFIC, &[0, 0, 1, 55, 25, 4, 0, 0])
                    .unwrap();
            }),
        ),
        (
            "eap",
            vpn.access(|request| {
                name(request);
                request
                    .attribute(attribute::EAP_MESSAGE, &[2, 0, 0, 5, 1])
                    .unwrap();
            }),
        ),
        (
            "password and chap",
            vpn.access(|request| {
                vpn.pap(request, "alice", "right");
                request.attribute(attribute::CHAP_PASSWORD, &[1; 17]).unwrap();
            }),
        ),
        (
            "password of 17 octets",
            vpn.access(|request| {
                name(request);
                request.attribute(attribute::USER_PASSWORD, &[1; 17]).unwrap();
            }),
        ),
        ("state of 15 octets", vpn.answer("alice", "123456", &[1; 15])),
        (
            "state of 32 octets",
            vpn.answer("alice", "123456", SESSION.as_bytes()),
        ),
        (
            "no name",
            vpn.access(|request| request.password(b"right", &vpn.secret).unwrap()),
        ),
        ("name with control characters", vpn.begin("ali\nce", "right")),
    ];
    let count = u64::try_from(requests.len()).unwrap();
    for (what, request) in requests {
        let reply = vpn.exchange(&request);
        assert_eq!(reply.code, Code::AccessReject, "{what}");
        // A peer that speaks EAP reads EAP alone (RFC 3579 section 2.6.5).
        let said = if what == "eap" {
            attribute::EAP_MESSAGE
        } else {
            attribute::REPLY_MESSAGE
        };
        assert_eq!(reply.kinds(), [attribute::MESSAGE_AUTHENTICATOR, said], "{what}");
        let names_pap = ["no credentials", "state only", "arap"].contains(&what);
        assert_eq!(
            reply.text().contains("PAP"),
            names_pap,
            "{what}: {}",
            reply.text()
        );
    }
    assert_eq!(daemon.asked(), 0);
    until("every reject is counted", || daemon.told.count() == count);
    let reports = daemon.told.reports.lock().unwrap().clone();
    let first = &reports[0];
    assert_eq!(
        (
            first.client.as_str(),
            first.user.as_str(),
            first.reason,
            first.more
        ),
        ("vpn", "alice", RadiusRefusal::NoCredentials, 0)
    );
    assert_eq!(first.nas.source, "127.0.0.1");
    let last = reports.last().unwrap();
    // A name is shown as far as it can be.
    assert_eq!(
        (last.user.as_str(), last.reason),
        ("ali\u{fffd}ce", RadiusRefusal::UserNameUnusable)
    );
}

#[test]
fn a_daemon_that_does_not_take_reports_delays_no_reject_and_no_login() {
    let (mut site, daemon) = Site::usual();
    daemon.told.mute.store(true, Ordering::Relaxed);
    let vpn = site.vpn();
    for _ in 0..100 {
        let reply = vpn.exchange(&vpn.answer("alice", "123456", b"not ours"));
        assert_eq!(reply.code, Code::AccessReject);
    }
    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    // One is under way; the others wait.
    until("the daemon hears", || daemon.told.count() > 0);
    assert_eq!(daemon.told.reports.lock().unwrap().len(), 1);
    // Nor does the server wait for ever when it stops.
    assert!(site.stop().is_ok());
}

#[test]
fn a_retransmitted_reject_is_reported_once_and_a_stop_tells_the_rest() {
    let (mut site, daemon) = Site::usual();
    let vpn = site.vpn();
    let arap = vpn.access(|request| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
        request.attribute(ARAP_PASSWORD, &[1; 16]).unwrap();
    });
    let first = vpn.exchange(&arap);
    for _ in 0..9 {
        assert_eq!(vpn.exchange(&arap), first);
    }
    until("the daemon hears", || daemon.told.count() == 1);
    // These come within the pause after that round.
    for _ in 0..7 {
        let reply = vpn.exchange(&vpn.answer("alice", "123456", b"not ours"));
        assert_eq!(reply.code, Code::AccessReject);
    }
    assert!(site.stop().is_ok());
    assert_eq!(daemon.told.count(), 8);
    let reports = daemon.told.reports.lock().unwrap().clone();
    assert_eq!(reports[0].reason, RadiusRefusal::MethodUnsupported);
    assert_eq!(reports.last().unwrap().reason, RadiusRefusal::StateUnknown);
    assert!(reports.len() <= 1 + 5 + 5, "{reports:?}");
}

#[test]
fn ipv6_clients_are_served() {
    let (site, daemon) = Site::usual();
    let vpn = Vpn::new(site.addresses[1], "::1");
    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    let RadiusOp::Begin(begin) = daemon.last() else {
        panic!("no begin")
    };
    assert_eq!((begin.client.as_str(), begin.nas.source.as_str()), ("vpn", "::1"));
}

#[test]
fn a_reply_leaves_from_the_address_that_was_asked() {
    let site = Site::alone(&["0.0.0.0:0", "[::]:0"]);
    let _daemon = site.daemon(crate::common::usual);
    let port = site.v4().port();
    let asked = |address: [u8; 4]| Vpn::new((address, port).into(), "127.0.0.1");
    // A connected socket drops what comes from another address.
    let vpn = asked([127, 0, 0, 1]);
    until("the server answers", || {
        vpn.socket
            .set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        vpn.socket.send(&vpn.status()).unwrap();
        vpn.socket.recv(&mut [0; 4096]).is_ok()
    });
    for address in [[127, 0, 0, 2], [127, 8, 9, 10], [127, 0, 0, 1]] {
        let vpn = asked(address);
        assert_eq!(
            vpn.exchange(&vpn.begin("alice", "right")).code,
            Code::AccessChallenge,
            "{address:?}"
        );
    }
    let six = Vpn::new(
        (std::net::Ipv6Addr::LOCALHOST, site.addresses[1].port()).into(),
        "::1",
    );
    assert_eq!(
        six.exchange(&six.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    // Alone on its port, `[::]` takes IPv4 as well; the source is IPv4 to the table.
    let mapped = Vpn::new(([127, 0, 0, 5], site.addresses[1].port()).into(), "127.0.0.1");
    assert_eq!(
        mapped.exchange(&mapped.begin("alice", "right")).code,
        Code::AccessChallenge
    );
}

#[test]
fn s02_octets_behind_the_length_are_ignored() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    let mut padded = request.clone();
    padded.extend([0xff; 100]);
    vpn.socket.send(&padded).unwrap();
    assert_eq!(vpn.receive(&request).code, Code::AccessChallenge);
}

#[test]
fn the_largest_request_is_answered() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let request = vpn.access(|request| {
        vpn.pap(request, "alice", "right");
        while request.attribute(attribute::VENDOR_SPECIFIC, &[9; 253]).is_ok() {}
        for room in (0..253).rev() {
            if request
                .attribute(attribute::VENDOR_SPECIFIC, &vec![9; room])
                .is_ok()
            {
                break;
            }
        }
    });
    assert_eq!(request.len(), 4096);
    assert_eq!(vpn.exchange(&request).code, Code::AccessChallenge);
}

#[test]
fn the_attempt_names_the_packet() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    vpn.exchange(&vpn.begin("alice", "right"));
    vpn.exchange(&vpn.begin("alice", "right"));
    let attempts: Vec<String> = daemon
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|op| match op {
            RadiusOp::Begin(begin) => begin.attempt.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(attempts.len(), 2);
    assert_ne!(attempts[0], attempts[1]);
    assert!(attempts.iter().all(|attempt| attempt.len() == 64));
}

#[test]
fn s19_a_state_that_nobody_handed_out_never_begins_a_login() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    for (state, asked) in [
        (&[9; 16][..], 1),
        (&[9; 15][..], 1),
        (&[9; 17][..], 1),
        (&[][..], 1),
        (b"0123456789abcdef".as_slice(), 2),
    ] {
        let reply = vpn.exchange(&vpn.answer("alice", "123456", state));
        assert_eq!(reply.code, Code::AccessReject, "{state:?}");
        assert_eq!(daemon.asked(), asked, "{state:?}");
        // The daemon is asked about an answer, which sends no text, and never about a new login.
        assert!(matches!(daemon.last(), RadiusOp::Answer(_)));
    }
}

#[test]
fn s33_message_authenticator_is_the_first_attribute_of_every_reply() {
    let (site, _daemon) = Site::usual();
    let vpn = site.vpn();
    let signed = |user: &str, password: &str, state: Option<&[u8]>| {
        vpn.access(|request| {
            request.attribute(attribute::PROXY_STATE, b"first").unwrap();
            vpn.pap(request, user, password);
            if let Some(state) = state {
                request.attribute(attribute::STATE, state).unwrap();
            }
        })
    };
    let old = Vpn::new(site.v4(), "127.0.0.3");
    let bare = old.build(Code::AccessRequest, Signing::None, |request| {
        request.attribute(attribute::PROXY_STATE, b"first").unwrap();
        old.pap(request, "alice", "right");
    });
    for (vpn, request, code) in [
        (&vpn, signed("alice", "right", None), Code::AccessChallenge),
        (&vpn, signed("alice", "123456", Some(&STATE)), Code::AccessAccept),
        (&vpn, signed("alice", "wrong", None), Code::AccessReject),
        (&vpn, signed("alice", "x", Some(b"not ours")), Code::AccessReject),
        (&vpn, vpn.status(), Code::AccessAccept),
        (&old, bare, Code::AccessChallenge),
    ] {
        // `exchange` fails unless it is there once, valid and the first.
        let reply = vpn.exchange(&request);
        assert_eq!(reply.code, code);
        assert_eq!(reply.packet().all(attribute::MESSAGE_AUTHENTICATOR).count(), 1);
    }
}
