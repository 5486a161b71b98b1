//! What clients were seen to do about Message-Authenticator: kept until the daemon knows it and says so itself.
//!
//! A latch holds from the packet that closed it on. Until the daemon's table says `signed` too, a table that does not
//! would open it again, so it is remembered here by name.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use otpost_ipc::{
    client::CallError,
    radius::{ClientTable, RadiusOp, RadiusSigned},
};

use crate::link::Daemon;

/// A client's requests without Message-Authenticator are reported this often.
pub(crate) const UNSIGNED_PERIOD: Duration = Duration::from_secs(3600);

/// What is known of one client and not, or not yet, in the daemon's table.
#[derive(Debug, Default)]
struct Seen {
    /// It has sent a valid one, and the table in force does not say so.
    signed: bool,
    /// When a request without was reported.
    unsigned: Option<Instant>,
}

/// By client name. Bounded by the client table.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    seen: HashMap<String, Seen>,
    untold: BTreeMap<String, RadiusSigned>,
}

impl Latch {
    /// A valid Message-Authenticator came.
    pub(crate) fn signed(&mut self, client: &str) {
        self.seen.entry(client.to_owned()).or_default().signed = true;
        self.untold(client).signed = true;
    }

    /// A request without came.
    pub(crate) fn unsigned(&mut self, now: Instant, client: &str) {
        let seen = self.seen.entry(client.to_owned()).or_default();
        let known = seen
            .unsigned
            .is_some_and(|when| now.saturating_duration_since(when) < UNSIGNED_PERIOD);
        if !known {
            seen.unsigned = Some(now);
            self.untold(client).unsigned = true;
        }
    }

    /// Whether a valid one came that the daemon's table may not know of.
    pub(crate) fn is_latched(&self, client: &str) -> bool {
        self.seen.get(client).is_some_and(|seen| seen.signed)
    }

    /// Forgets what a table now says itself, and the clients that are gone.
    pub(crate) fn settle(&mut self, table: &ClientTable) {
        let told: HashSet<&str> = table
            .clients
            .iter()
            .filter(|client| client.signed)
            .map(|client| client.name.as_str())
            .collect();
        let named: HashSet<&str> = table.clients.iter().map(|client| client.name.as_str()).collect();
        self.seen.retain(|client, seen| {
            seen.signed = seen.signed && !told.contains(client.as_str());
            named.contains(client.as_str()) && (seen.signed || seen.unsigned.is_some())
        });
        self.untold.retain(|client, _| named.contains(client.as_str()));
    }

    /// Everything that the daemon is to be told.
    pub(crate) fn take(&mut self) -> Vec<RadiusSigned> {
        std::mem::take(&mut self.untold).into_values().collect()
    }

    /// Puts back what it may not have heard.
    pub(crate) fn put_back(&mut self, seen: &RadiusSigned) {
        let untold = self.untold(&seen.client);
        untold.signed |= seen.signed;
        untold.unsigned |= seen.unsigned;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.untold.is_empty()
    }

    fn untold(&mut self, client: &str) -> &mut RadiusSigned {
        self.untold
            .entry(client.to_owned())
            .or_insert_with(|| RadiusSigned {
                client: client.to_owned(),
                signed: false,
                unsigned: false,
            })
    }
}

/// Tells the daemon; gives back what it may not have heard.
pub(crate) async fn tell(daemon: &Daemon, news: Vec<RadiusSigned>) -> Vec<RadiusSigned> {
    let mut untold = Vec::new();
    for seen in news {
        match daemon.calls.call(RadiusOp::Signed(seen.clone())).await {
            Ok(_) => {}
            Err(CallError::Fault(fault)) => {
                tracing::warn!(client = ?seen.client, %fault, "otpostd does not keep what the client was seen to send");
                untold.push(seen);
            }
            Err(_) => untold.push(seen),
        }
    }
    untold
}

#[cfg(test)]
mod tests {
    use otpost_ipc::{
        Secret,
        radius::{MessageAuthenticator, RadiusClient},
    };

    use super::*;

    fn table(clients: &[(&str, bool)]) -> ClientTable {
        let entry = |&(name, signed): &(&str, bool)| RadiusClient {
            name: name.to_owned(),
            networks: Vec::new(),
            secret: Secret::from("s"),
            message_authenticator: MessageAuthenticator::Auto,
            signed,
            limit_proxy_state: false,
            eap: false,
            accounting: false,
        };
        ClientTable {
            version: 1,
            clients: clients.iter().map(entry).collect(),
            more: false,
        }
    }

    #[test]
    fn a_latch_holds_until_the_table_says_it_and_then_follows_the_table() {
        let mut latch = Latch::default();
        latch.signed("vpn");
        latch.settle(&table(&[("vpn", false), ("other", true)]));
        assert!(latch.is_latched("vpn") && !latch.is_latched("other"));
        latch.settle(&table(&[("vpn", true)]));
        // From here on an administrator can open it again.
        assert!(!latch.is_latched("vpn"));
    }

    #[test]
    fn a_client_that_is_gone_is_forgotten_with_what_was_to_be_told_of_it() {
        let mut latch = Latch::default();
        latch.signed("gone");
        latch.unsigned(crate::sys::now(), "gone");
        latch.settle(&table(&[]));
        assert!(!latch.is_latched("gone") && latch.is_empty() && latch.seen.is_empty());
    }

    #[test]
    fn unsigned_requests_are_told_once_an_hour_and_news_that_was_not_heard_again() {
        let (mut latch, now) = (Latch::default(), crate::sys::now());
        latch.unsigned(now, "old");
        latch.signed("old");
        latch.unsigned(now + Duration::from_secs(3599), "old");
        let told = latch.take();
        let expected = RadiusSigned {
            client: "old".to_owned(),
            signed: true,
            unsigned: true,
        };
        assert_eq!(told, std::slice::from_ref(&expected));
        assert!(latch.is_empty());
        latch.unsigned(now + Duration::from_secs(3599), "old");
        assert!(latch.is_empty());
        latch.put_back(&told[0]);
        assert_eq!(latch.take(), [expected]);
        latch.unsigned(now + UNSIGNED_PERIOD, "old");
        assert!(latch.take().iter().all(|seen| seen.unsigned && !seen.signed));
    }
}
