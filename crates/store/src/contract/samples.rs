//! Aggregates to put and find again, with every field set.

use std::sync::OnceLock;

use otpost_core::audit::Event;
use otpost_core::challenge::{Challenge, Channel, Label, Notice, Origin, Process, Session, State};
use otpost_core::client::{MessageAuthenticator, RadiusClient, Sealed, Settings};
use otpost_core::code::{Digits, Purpose};
use otpost_core::ids::{
    AttemptId, ChallengeId, ClientId, MessageId, ProviderId, Reference, ResourceId, SessionId, TokenId,
    UserId,
};
use otpost_core::name::{BadName, LoginName};
use otpost_core::net::{Network, Source};
use otpost_core::outbox::{self, Kind, Message};
use otpost_core::phone::{BadPhone, Phone};
use otpost_core::provider::{Provider, ProviderKind};
use otpost_core::resource::Resource;
use otpost_core::source::Chain;
use otpost_core::token::{Status, Token};
use otpost_core::user::{PasswordHash, User};
use otpost_core::{Rng, Timestamp};
use zeroize::Zeroizing;

use crate::{Row, StoreError};

/// The time samples are made at.
pub const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// A generator that repeats itself (SplitMix64): for tests and benches, never for keys or ids that count.
#[derive(Debug, Clone)]
pub struct Seeded(pub u64);

impl Rng for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.0;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            for (octet, fresh) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *octet = fresh;
            }
        }
    }
}

/// A sixteen-octet id from a small number.
#[must_use]
pub fn id(number: u8) -> [u8; 16] {
    let mut octets = [0xa5; 16];
    octets[15] = number;
    octets
}

/// A login name.
///
/// # Errors
/// [`StoreError::Refused`] where it is none.
pub fn name(text: &str) -> Result<LoginName, StoreError> {
    LoginName::parse(text).map_err(|e: BadName| StoreError::Refused(e.to_string()))
}

/// One of a hundred valid mobile numbers.
///
/// # Errors
/// [`StoreError::Refused`] where there is none.
pub fn phone(number: u8) -> Result<Phone, StoreError> {
    // Parsing a number is slow beside everything else here.
    static PHONES: [OnceLock<Result<Phone, BadPhone>>; 100] = [const { OnceLock::new() }; 100];
    let number = number % 100;
    let parse = || Phone::parse(&format!("+49 171 23456{number:02}"), None);
    PHONES
        .get(usize::from(number))
        .map_or_else(parse, |phone| phone.get_or_init(parse).clone())
        .map_err(|e| StoreError::Refused(e.to_string()))
}

/// A user named `login`.
///
/// # Errors
/// [`StoreError::Refused`] where that is no login.
pub fn user(number: u8, login: &str) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(id(number)),
        login: login.to_owned(),
        name: name(login)?,
        aliases: Vec::new(),
        email: None,
        password: Some(PasswordHash(Zeroizing::new(
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA".to_owned(),
        ))),
        locked: Some("lost the phone".to_owned()),
        bypass_until: Some(Timestamp(NOW.0 + 1)),
        profile: otpost_core::user::Profile::default(),
        resources: Vec::new(),
        created: NOW,
    })
}

/// A token of `owner`.
///
/// # Errors
/// [`StoreError::Refused`] where the number is none.
pub fn token(number: u8, owner: UserId) -> Result<Token, StoreError> {
    Ok(Token {
        id: TokenId(id(number)),
        user: owner,
        name: "Work phone".to_owned(),
        phone: phone(number)?,
        digits: Digits::try_from(8).unwrap_or(Digits::SIX),
        status: Status::Active,
        verified: true,
        resources: vec![ResourceId(id(1)), ResourceId(id(2))],
        created: NOW,
    })
}

/// A resource.
#[must_use]
pub fn resource(number: u8, name: &str) -> Resource {
    Resource::new(ResourceId(id(number)), name, NOW)
}

/// A challenge of `user`, open until its deadline.
#[must_use]
pub fn challenge(number: u8, user: UserId) -> Challenge {
    Challenge {
        id: ChallengeId(id(number)),
        user,
        token: TokenId(id(1)),
        resource: ResourceId(id(1)),
        channel: Channel::Radius,
        group: "office-vpn".to_owned(),
        attempt: AttemptId(id(number)),
        first_session: SessionId(id(number)),
        purpose: Purpose::Login,
        generation: 1,
        digits: Digits::SIX,
        label: Label::random(&mut Seeded(u64::from(number))),
        created: NOW,
        expires: Timestamp(NOW.0 + 300_000),
        deadline: Timestamp(NOW.0 + 600_000),
        tries: 1,
        max_tries: 5,
        sends: 2,
        next_send: Timestamp(NOW.0 + 30_000),
        answered: true,
        state: State::Open,
        origin: Origin {
            trusted: None,
            groups: Vec::new(),
            reply: Vec::new(),
            password_tag: Some([7; 32]),
            calling_station: "198.51.100.7".to_owned(),
            nas_port: "12".to_owned(),
            acct_session: "4711".to_owned(),
            process: Some(Process { pid: 77, start: 99 }),
            parent: Some(Process { pid: 1, start: 2 }),
            tty: "pts/3".to_owned(),
            remote: true,
        },
        source: Source::new("198.51.100.7", "office-vpn"),
    }
}

/// A session of `challenge`.
#[must_use]
pub fn session(number: u8, challenge: ChallengeId) -> Session {
    Session {
        id: SessionId(id(number)),
        challenge,
        round: 2,
        answered: None,
        notice: Notice::Wrong { left: 3 },
    }
}

/// A text that is queued and due at [`NOW`].
#[must_use]
pub fn message(number: u8) -> Message {
    Message {
        id: MessageId(id(number)),
        kind: Kind::Code {
            challenge: ChallengeId(id(1)),
            generation: 1,
            token: TokenId(id(1)),
        },
        state: outbox::State::Queued,
        due: NOW,
        deadline: Timestamp(NOW.0 + 270_000),
        submissions: 1,
        tried: vec!["first".to_owned()],
        barred: vec!["third".to_owned()],
        uncertain: true,
        epoch: 1,
        reference: reference(number),
        only: Some("second".to_owned()),
        detail: "the gateway said 503".to_owned(),
        created: NOW,
    }
}

/// A reference.
#[must_use]
pub fn reference(number: u8) -> Reference {
    Reference::random(&mut Seeded(u64::from(number)))
}

/// A RADIUS client of `resource`.
#[must_use]
pub fn client(number: u8, name: &str, resource: ResourceId) -> RadiusClient {
    RadiusClient {
        id: ClientId(id(number)),
        name: name.to_owned(),
        networks: ["192.0.2.0/24", "2001:db8::/32"]
            .iter()
            .filter_map(|n| n.parse::<Network>().ok())
            .collect(),
        secret: Sealed(Zeroizing::new(format!("correct-horse-battery-{number}"))),
        resource,
        message_authenticator: MessageAuthenticator::Require,
        signed: None,
        unsigned: None,
        settings: Settings::default(),
        first_factor: Chain::stack(),
        created: NOW,
    }
}

/// A provider.
#[must_use]
pub fn provider(number: u8, name: &str) -> Provider {
    Provider {
        id: ProviderId(id(number)),
        name: name.to_owned(),
        kind: ProviderKind::Http,
        priority: u32::from(number),
        enabled: true,
        sender: "OTPOST".to_owned(),
        config: Sealed(Zeroizing::new(
            r#"{"url":"https://sms.example/","token":"staple-tr0ub4dor"}"#.to_owned(),
        )),
        created: NOW,
    }
}

/// A 32-octet key from a small number.
#[must_use]
pub fn key(number: u8) -> [u8; 32] {
    let mut octets = [0x5a; 32];
    octets[31] = number;
    octets
}

/// A document with neither owner, key nor time.
#[must_use]
pub fn document(kind: &str, number: u8) -> Row {
    Row {
        kind: kind.to_owned(),
        id: id(number),
        owner: None,
        key: None,
        due: None,
        body: Zeroizing::new(format!("{{\"text\":\"velvet-canary-{number}\"}}").into_bytes()),
    }
}

/// An audit event.
#[must_use]
pub fn event(number: u8) -> Event {
    Event {
        at: NOW,
        kind: "login.allow".to_owned(),
        reason: "code".to_owned(),
        reference: reference(number),
        user: "alice".to_owned(),
        resource: "Office VPN".to_owned(),
        via: "radius office-vpn".to_owned(),
        source: "198.51.100.7".to_owned(),
        detail: String::new(),
    }
}
