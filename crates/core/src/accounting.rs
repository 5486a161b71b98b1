//! Connections that RADIUS clients account for (RFC 2866).

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Longest text kept of an attribute, in octets: what an attribute can hold.
pub const TEXT: usize = 253;

/// One connection, as its client tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// Made of client and Acct-Session-Id.
    pub id: [u8; 16],
    /// RADIUS client.
    pub client: String,
    /// User-Name as sent.
    pub user: String,
    /// Acct-Session-Id.
    pub session: String,
    /// Calling-Station-Id.
    pub station: String,
    /// Framed-IP-Address or Framed-IPv6-Address.
    pub framed: String,
    /// Start.
    pub started: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// End.
    pub ended: Option<Timestamp>,
    /// Octets from the person.
    pub octets_in: u64,
    /// Octets to the person.
    pub octets_out: u64,
    /// Acct-Terminate-Cause.
    pub cause: Option<u32>,
}

/// Acct-Status-Type of one connection (RFC 2866 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 1.
    Start,
    /// 2.
    Stop,
    /// 3.
    Interim,
}

impl Status {
    /// The status of this number; the others speak of no single connection.
    #[must_use]
    pub fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Start),
            2 => Some(Self::Stop),
            3 => Some(Self::Interim),
            _ => None,
        }
    }
}

/// What a request says of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Kind of request.
    pub status: Status,
    /// When it happened: receipt less Acct-Delay-Time.
    pub at: Timestamp,
    /// Acct-Session-Time in seconds.
    pub seconds: Option<u32>,
    /// Octets from and to the person.
    pub octets: Option<(u64, u64)>,
    /// Acct-Terminate-Cause.
    pub cause: Option<u32>,
}

impl Connection {
    /// The connection after `told`. Requests may come late, twice and in any order: what ended stays ended, counters never fall.
    #[must_use]
    pub fn told(mut self, told: &Told) -> Self {
        if let Some(seconds) = told.seconds {
            let began = told.at.minus(std::time::Duration::from_secs(u64::from(seconds)));
            self.started = self.started.min(began);
        }
        if told.status == Status::Start {
            self.started = self.started.min(told.at);
        }
        self.seen = self.seen.max(told.at);
        if let Some((from, to)) = told.octets {
            self.octets_in = self.octets_in.max(from);
            self.octets_out = self.octets_out.max(to);
        }
        if told.status == Status::Stop {
            self.ended = self.ended.or(Some(told.at));
            self.cause = self.cause.or(told.cause);
        }
        self
    }

    /// The connection where its access server has started anew (Accounting-On and -Off): it is over.
    #[must_use]
    pub fn cut(mut self, at: Timestamp) -> Self {
        if self.started <= at {
            self.ended = self.ended.or(Some(at));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            id: [1; 16],
            client: "vpn".to_owned(),
            user: "alice".to_owned(),
            session: "s1".to_owned(),
            station: String::new(),
            framed: String::new(),
            started: Timestamp(1_000_000),
            seen: Timestamp(1_000_000),
            ended: None,
            octets_in: 0,
            octets_out: 0,
            cause: None,
        }
    }

    fn told(status: Status, at: u64, seconds: Option<u32>, octets: Option<(u64, u64)>) -> Told {
        Told {
            status,
            at: Timestamp(at),
            seconds,
            octets,
            cause: None,
        }
    }

    #[test]
    fn requests_in_any_order_make_the_same_connection() {
        let requests = [
            told(Status::Start, 1_000_000, None, None),
            told(Status::Interim, 1_600_000, Some(600), Some((10, 20))),
            told(Status::Stop, 1_900_000, Some(900), Some((15, 30))),
        ];
        let forwards = requests.iter().fold(connection(), |c, t| c.told(t));
        let backwards = requests.iter().rev().fold(connection(), |c, t| c.told(t));
        let twice = requests
            .iter()
            .chain(&requests)
            .fold(connection(), |c, t| c.told(t));
        assert_eq!(forwards, backwards);
        assert_eq!(forwards, twice);
        assert_eq!(forwards.ended, Some(Timestamp(1_900_000)));
        assert_eq!((forwards.octets_in, forwards.octets_out), (15, 30));
    }

    #[test]
    fn a_restart_ends_what_began_before_it() {
        assert_eq!(
            connection().cut(Timestamp(2_000_000)).ended,
            Some(Timestamp(2_000_000))
        );
        assert_eq!(connection().cut(Timestamp(999_999)).ended, None);
    }
}
