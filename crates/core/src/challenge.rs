//! Challenges and the sessions that clients hold of them.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::code::{CodeOf, Digits, Purpose};
use crate::ids::{AttemptId, ChallengeId, ResourceId, SessionId, TokenId, UserId};
use crate::net::Source;
use crate::{Rng, Timestamp};

/// Longest life of a whole login, resends included.
pub const LOGIN_LIMIT: Duration = Duration::from_secs(600);
/// Challenges a user may have open at once.
pub const MAX_OPEN: usize = 3;
/// Prompts of one login, whatever is typed: bounds clients that loop for ever.
pub const MAX_ROUNDS: u32 = 16;
/// How long after its start a challenge may be joined by a second server of the same VPN.
pub const JOIN_WINDOW: Duration = Duration::from_secs(20);

/// Life that must be left to a login that is joined: time to type the code.
pub const JOIN_LEFT: Duration = Duration::from_secs(30);

/// How a login came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A PAM service on this host.
    Pam,
    /// A RADIUS client.
    Radius,
}

impl Channel {
    /// Its word in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pam => "pam",
            Self::Radius => "radius",
        }
    }
}

/// Two characters that prompt and text share, so that a person sees which text belongs to which prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label([char; 2]);

impl Label {
    /// A fresh label: a letter and a digit, without those that look alike.
    pub fn random(rng: &mut dyn Rng) -> Self {
        const LETTERS: [char; 16] = [
            'A', 'C', 'D', 'E', 'F', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'R', 'T', 'X', 'Y',
        ];
        const DIGITS: [char; 8] = ['2', '3', '4', '5', '6', '7', '8', '9'];
        let mut octets = [0; 2];
        rng.fill(&mut octets);
        let pick =
            |set: &[char], octet: u8| set.iter().copied().cycle().nth(usize::from(octet)).unwrap_or('X');
        Self([pick(&LETTERS, octets[0]), pick(&DIGITS, octets[1])])
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        write!(f, "{a}{b}")
    }
}

/// A process, so that a number used again is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start: u64,
}

/// What tells whether a second request belongs to the same login (domain decision 6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// Keyed tag of the typed password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_tag: Option<[u8; 32]>,
    /// Calling-Station-Id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub calling_station: String,
    /// NAS-Port.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nas_port: String,
    /// Acct-Session-Id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acct_session: String,
    /// Address of the person's device that the client is trusted to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<IpAddr>,
    /// Groups that a directory named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Attributes of an upstream server for the VPN: type and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply: Vec<(u8, Vec<u8>)>,
    /// PAM: the calling process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// PAM: its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Process>,
    /// PAM_TTY.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tty: String,
    /// PAM: whether PAM_RHOST was set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote: bool,
}

/// Where a challenge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits for its code.
    Open,
    /// Its code was accepted for the request `by`.
    Consumed {
        /// The request that carried the code.
        by: AttemptId,
    },
    /// Ended without: tries used, user locked, cancelled.
    Dead,
}

/// One code's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Challenge {
    /// Stable id, never shown to clients.
    pub id: ChallengeId,
    /// Whose login.
    pub user: UserId,
    /// Where the code goes.
    pub token: TokenId,
    /// What it opens.
    pub resource: ResourceId,
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service: an answer must come the same way.
    pub group: String,
    /// Request that began it.
    pub attempt: AttemptId,
    /// Session that this request was given.
    pub first_session: SessionId,
    /// What it is for.
    pub purpose: Purpose,
    /// Grows when a resend needs other digits.
    pub generation: u32,
    /// Length of the code.
    pub digits: Digits,
    /// Shown in prompt and text.
    pub label: Label,
    /// Start.
    pub created: Timestamp,
    /// End of the present code.
    pub expires: Timestamp,
    /// End of the whole login.
    pub deadline: Timestamp,
    /// Wrong codes so far.
    pub tries: u32,
    /// Wrong codes that end it.
    pub max_tries: u32,
    /// Texts asked for.
    pub sends: u32,
    /// Earliest next text.
    pub next_send: Timestamp,
    /// Whether any answer came.
    pub answered: bool,
    /// Where it stands.
    pub state: State,
    /// What a second request of the same login must match.
    pub origin: Origin,
    /// Where the login comes from.
    pub source: Source,
}

impl Challenge {
    /// What its present code is derived from.
    #[must_use]
    pub fn code(&self) -> CodeOf {
        CodeOf {
            challenge: self.id,
            token: self.token,
            purpose: self.purpose,
            generation: self.generation,
            digits: self.digits,
        }
    }

    /// Whether it still waits for its code at `now`.
    #[must_use]
    pub fn open_at(&self, now: Timestamp) -> bool {
        self.state == State::Open && now < self.expires && now < self.deadline
    }

    /// Whether a new request of the same user belongs to this login (domain decision 6, rule b).
    #[must_use]
    pub fn joins(&self, request: &Joining<'_>, now: Timestamp) -> bool {
        let same_door = self.channel == request.channel
            && self.group == request.group
            && self.resource == request.resource;
        if !same_door || !self.open_at(now.plus(JOIN_LEFT)) {
            return false;
        }
        let (mine, other) = (&self.origin, request.origin);
        match self.channel {
            Channel::Radius => {
                // Without either, a stranger behind the same address would look like a second server.
                let told_apart = sent(&other.nas_port) || sent(&other.acct_session);
                !self.answered
                    && now < self.created.plus(JOIN_WINDOW)
                    && told_apart
                    && other.password_tag.is_some()
                    && mine.password_tag == other.password_tag
                    && !other.calling_station.is_empty()
                    && mine.calling_station == other.calling_station
                    && mine.nas_port == other.nas_port
                    && mine.acct_session == other.acct_session
            }
            // Helpers of servers ask for everybody from one process; only a terminal belongs to one person, and only there
            // does the process tell that it is the same person's next try.
            Channel::Pam => {
                let process = other.process.is_some() && mine.process == other.process;
                let parent = other.parent.is_some() && mine.parent == other.parent;
                terminal(&other.tty)
                    && mine.tty == other.tty
                    && !mine.remote
                    && !other.remote
                    && self.source == *request.source
                    && (process || parent)
            }
        }
    }
}

/// A request that may belong to a login that waits already.
#[derive(Debug, Clone, Copy)]
pub struct Joining<'a> {
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service.
    pub group: &'a str,
    /// What it would open.
    pub resource: ResourceId,
    /// What tells logins apart.
    pub origin: &'a Origin,
    /// Where from.
    pub source: &'a Source,
}

/// Whether an attribute tells ports or sessions apart; many servers send a constant zero.
fn sent(attribute: &str) -> bool {
    !attribute.is_empty() && attribute != "0"
}

/// Whether PAM_TTY names a terminal; services without one put their own name there.
fn terminal(tty: &str) -> bool {
    let name = tty.strip_prefix("/dev/").unwrap_or(tty);
    name.starts_with("pts/") || (name.starts_with("tty") && name.len() > 3)
}

/// How a session was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// The code was right.
    Allowed,
    /// A further prompt under this session.
    Again(SessionId),
    /// Refused for good.
    Denied,
}

/// What a client holds of a challenge. One answer each; a further prompt has a further session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Session {
    /// RADIUS State; unguessable.
    pub id: SessionId,
    /// What it belongs to.
    pub challenge: ChallengeId,
    /// How many prompts came before it in this login.
    pub round: u32,
    /// Request that answered it, and how: a retransmit gets the same.
    pub answered: Option<(AttemptId, Answered)>,
    /// What its prompt says besides the number.
    pub notice: Notice,
}

/// What happened before a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A text is on its way.
    Sent,
    /// The text is sent again.
    SentAgain,
    /// The code was wrong; this many tries are left.
    Wrong {
        /// Tries left.
        left: u32,
    },
    /// No new text yet.
    Wait {
        /// Seconds until one may be asked for.
        seconds: u32,
    },
    /// No further text is allowed for this login or number just now.
    NoMore,
    /// The password was typed instead of the code.
    NotPassword,
}
