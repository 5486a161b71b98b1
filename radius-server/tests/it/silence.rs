//! What gets no answer.

use otpost_radius::Silence;
use otpost_radius_wire::{Code, MAX_PACKET, Signing, attribute};

use crate::common::{OLD_SECRET, Site, Vpn, client, until};
use otpost_ipc::radius::MessageAuthenticator;

#[test]
fn s04_an_unknown_client_gets_silence() {
    let (site, daemon) = Site::usual();
    let stranger = Vpn::new(site.v4(), "127.0.0.2");
    site.assert_silent(
        &stranger,
        &stranger.begin("alice", "right"),
        Silence::UnknownClient,
    );
    site.assert_silent(&stranger, &stranger.status(), Silence::UnknownClient);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s01_s03_malformed_packets_get_silence() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let good = vpn.begin("alice", "right");
    let with_length = |length: u16| {
        let mut packet = good.clone();
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet
    };
    let mut overrun = good.clone();
    overrun[21] = 255;
    let mut zero = good.clone();
    zero[21] = 0;
    let mut one = good.clone();
    one[21] = 1;
    let mut over_4096 = with_length(4097);
    over_4096.resize(4097, 0);
    let packets = [
        Vec::new(),
        vec![1],
        good[..19].to_vec(),
        with_length(0),
        with_length(19),
        with_length(u16::try_from(good.len() + 1).unwrap()),
        with_length(u16::MAX),
        over_4096,
        vec![0xff; 65_000],
        overrun,
        zero,
        one,
        good[..good.len() - 1].to_vec(),
    ];
    for packet in packets {
        site.assert_silent(&vpn, &packet, Silence::Malformed);
    }
    assert_eq!(daemon.asked(), 0);
    assert_eq!(vpn.exchange(&good).code, Code::AccessChallenge);
}

#[test]
fn s04_codes_that_a_port_does_not_serve_get_silence() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    for number in [0, 2, 3, 4, 5, 6, 11, 13, 40, 43, 255] {
        let packet = vpn.build(Code::from(number), Signing::MessageAuthenticator, |request| {
            vpn.pap(request, "alice", "right");
        });
        site.assert_silent(&vpn, &packet, Silence::Code);
    }
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s31_a_request_without_message_authenticator_gets_silence_where_one_is_required() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let packet = vpn.build(Code::AccessRequest, Signing::None, |request| {
        vpn.pap(request, "alice", "right");
    });
    site.assert_silent(&vpn, &packet, Silence::MessageAuthenticatorMissing);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s31_a_request_without_message_authenticator_is_answered_where_it_is_off() {
    let (site, _daemon) = Site::usual();
    let old = Vpn::new(site.v4(), "127.0.0.3");
    let packet = old.build(Code::AccessRequest, Signing::None, |request| {
        old.pap(request, "alice", "right");
    });
    // The reply carries one all the same; `exchange` sees to that.
    assert_eq!(old.exchange(&packet).code, Code::AccessChallenge);
}

#[test]
fn s30_s36_eap_and_status_server_need_message_authenticator_everywhere() {
    let (site, daemon) = Site::usual();
    let old = Vpn::new(site.v4(), "127.0.0.3");
    let eap = old.build(Code::AccessRequest, Signing::None, |request| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
        request
            .attribute(attribute::EAP_MESSAGE, &[2, 0, 0, 5, 1])
            .unwrap();
    });
    site.assert_silent(&old, &eap, Silence::MessageAuthenticatorMissing);
    let status = old.build(Code::StatusServer, Signing::None, |_| {});
    site.assert_silent(&old, &status, Silence::MessageAuthenticatorMissing);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s29_a_wrong_message_authenticator_gets_silence_even_where_it_is_off() {
    let (site, daemon) = Site::usual();
    for vpn in [site.vpn(), Vpn::new(site.v4(), "127.0.0.3")] {
        let mut forged = vpn.begin("alice", "right");
        forged[22] ^= 1;
        site.assert_silent(&vpn, &forged, Silence::MessageAuthenticatorWrong);
        let mut changed = vpn.begin("alice", "right");
        let last = changed.len() - 1;
        changed[last] ^= 1;
        site.assert_silent(&vpn, &changed, Silence::MessageAuthenticatorWrong);
        let doubled = vpn.access(|request| {
            vpn.pap(request, "alice", "right");
            request
                .attribute(attribute::MESSAGE_AUTHENTICATOR, &[0; 16])
                .unwrap();
        });
        site.assert_silent(&vpn, &doubled, Silence::MessageAuthenticatorWrong);
        for length in [0, 15, 17] {
            let odd = vpn.build(Code::AccessRequest, Signing::None, |request| {
                vpn.pap(request, "alice", "right");
                request
                    .attribute(attribute::MESSAGE_AUTHENTICATOR, &vec![0; length])
                    .unwrap();
            });
            site.assert_silent(&vpn, &odd, Silence::MessageAuthenticatorWrong);
        }
    }
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn a_request_with_another_shared_secret_gets_silence() {
    let (site, _daemon) = Site::usual();
    let mut vpn = site.vpn();
    vpn.secret = otpost_radius_wire::SharedSecret::new(OLD_SECRET.as_bytes()).unwrap();
    site.assert_silent(
        &vpn,
        &vpn.begin("alice", "right"),
        Silence::MessageAuthenticatorWrong,
    );
}

#[test]
fn s06_a_client_with_an_empty_secret_gets_silence_and_does_not_fall_to_a_wider_network() {
    let (site, daemon) = Site::usual();
    let policy = MessageAuthenticator::Off;
    daemon.set_clients(vec![
        client("empty", &["127.0.0.1/32"], "", policy),
        client("wide", &["127.0.0.0/8"], OLD_SECRET, policy),
    ]);
    let wide = Vpn::new(site.v4(), "127.0.0.3");
    let narrow = site.vpn();
    until("the table is replaced", || {
        narrow.socket.send(&narrow.status()).unwrap();
        let _ = wide.exchange(&wide.status());
        site.counters.silent(Silence::UnusableClient) > 0
    });
    while narrow.socket.set_nonblocking(true).is_ok() && narrow.socket.recv(&mut [0; MAX_PACKET]).is_ok() {}
    narrow.socket.set_nonblocking(false).unwrap();
    site.assert_silent(&narrow, &narrow.begin("alice", "right"), Silence::UnusableClient);
}
