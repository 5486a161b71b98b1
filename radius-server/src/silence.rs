//! Why a datagram got no answer: counters for all of it, and log lines that a flood cannot multiply.

use std::{
    collections::HashMap,
    fmt::Write as _,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Why no answer was sent. RADIUS says "no" with a packet only to clients it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Silence {
    /// The source address belongs to no client.
    UnknownClient,
    /// The source address belongs to a client whose entry cannot be used.
    UnusableClient,
    /// The datagram breaks a length rule of RFC 2865.
    Malformed,
    /// A kind of packet that the port does not serve.
    Code,
    /// No Message-Authenticator where one is required.
    MessageAuthenticatorMissing,
    /// A Message-Authenticator that is wrong, doubled or of another length.
    MessageAuthenticatorWrong,
    /// Proxy-State without a Message-Authenticator, where that is not allowed.
    ProxyStateUnsigned,
    /// An Accounting-Request whose authenticator is wrong.
    AccountingWrong,
    /// An Accounting-Request of a client whose accounting is not answered.
    AccountingOff,
    /// An Accounting-Request that does not say what it is about.
    AccountingUnusable,
    /// The same request is being worked on.
    Duplicate,
    /// The client has re-used address, port and Identifier for a new request meanwhile.
    Superseded,
    /// Too much to ask the daemon: this one found no room, or waited too long.
    Busy,
    /// There is no connection to otpostd, or no client table from it yet.
    DaemonAway,
    /// otpostd could not decide, or gave an answer that RADIUS cannot carry.
    Fault,
}

impl Silence {
    const ALL: [Self; 15] = [
        Self::UnknownClient,
        Self::UnusableClient,
        Self::Malformed,
        Self::Code,
        Self::MessageAuthenticatorMissing,
        Self::MessageAuthenticatorWrong,
        Self::ProxyStateUnsigned,
        Self::AccountingWrong,
        Self::AccountingOff,
        Self::AccountingUnusable,
        Self::Duplicate,
        Self::Superseded,
        Self::Busy,
        Self::DaemonAway,
        Self::Fault,
    ];

    /// Whether the administrator should read of it. A VPN that retransmits does nothing wrong, and `link` says when the
    /// daemon is away.
    pub(crate) fn is_worth_a_line(self) -> bool {
        !matches!(
            self,
            Self::Duplicate | Self::Superseded | Self::DaemonAway | Self::Fault
        )
    }

    /// What to call it in one or two words.
    fn short(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown client",
            Self::UnusableClient => "unusable client",
            Self::Malformed => "malformed",
            Self::Code => "other kind",
            Self::MessageAuthenticatorMissing => "unsigned",
            Self::MessageAuthenticatorWrong => "wrong secret",
            Self::ProxyStateUnsigned => "unsigned proxy",
            Self::AccountingWrong => "accounting wrong secret",
            Self::AccountingOff => "accounting off",
            Self::AccountingUnusable => "accounting unusable",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Busy => "busy",
            Self::DaemonAway => "daemon away",
            Self::Fault => "undecided",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::UnknownClient => {
                "not a known RADIUS client; if it is yours, add it: otpostctl radius client add"
            }
            Self::UnusableClient => {
                "its client entry cannot be used; set it anew: otpostctl radius client set"
            }
            Self::Malformed => "malformed RADIUS packet",
            Self::Code => "a kind of packet that this port does not serve; accounting has a port of its own",
            Self::MessageAuthenticatorMissing => {
                "no Message-Authenticator; update the VPN, or make it optional for this client"
            }
            Self::MessageAuthenticatorWrong => {
                "wrong Message-Authenticator: the shared secret differs, or the packet is forged"
            }
            Self::ProxyStateUnsigned => {
                "Proxy-State without Message-Authenticator; update the proxy, or allow it for this client"
            }
            Self::AccountingWrong => {
                "wrong authenticator in an Accounting-Request: the shared secret differs, or the packet is forged"
            }
            Self::AccountingOff => {
                "accounting is off for this client; switch it on, or off at the VPN: otpostctl radius client set"
            }
            Self::AccountingUnusable => "an Accounting-Request without Acct-Status-Type",
            Self::Duplicate => "retransmission of a request in work",
            Self::Superseded => "the client has asked anew meanwhile",
            Self::Busy => "more requests than otpostd decides in time",
            Self::DaemonAway => "no connection to otpostd",
            Self::Fault => "otpostd could not decide",
        }
    }
}

/// How many datagrams got no answer, by reason, and how many replies left.
#[derive(Debug, Default)]
pub struct Counters {
    silent: [AtomicU64; Silence::ALL.len()],
    replies: AtomicU64,
    resent: AtomicU64,
    lost: AtomicU64,
}

impl Counters {
    /// Datagrams without an answer for this reason, since the start.
    #[must_use]
    pub fn silent(&self, why: Silence) -> u64 {
        self.slot(why).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Replies made, without repetitions.
    #[must_use]
    pub fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    /// Replies repeated from the cache for a retransmission.
    #[must_use]
    pub fn resent(&self) -> u64 {
        self.resent.load(Ordering::Relaxed)
    }

    /// Datagrams that the kernel dropped because a socket's receive buffer was full, as it was seen some seconds ago.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// All of it in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut line = format!("{} answered, {} answered again", self.replies(), self.resent());
        for why in Silence::ALL {
            let count = self.silent(why);
            if count > 0 {
                let _ = write!(line, ", {count} {}", why.short());
            }
        }
        let _ = write!(line, ", {} dropped by the kernel", self.lost());
        line
    }

    pub(crate) fn set_lost(&self, lost: u64) {
        self.lost.store(lost, Ordering::Relaxed);
    }

    pub(crate) fn count_silent(&self, why: Silence) {
        if let Some(count) = self.slot(why) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_reply(&self) {
        self.replies.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_resent(&self) {
        self.resent.fetch_add(1, Ordering::Relaxed);
    }

    fn slot(&self, why: Silence) -> Option<&AtomicU64> {
        Silence::ALL
            .iter()
            .position(|other| *other == why)
            .and_then(|at| self.silent.get(at))
    }
}

/// At most one line per source, reason and this period.
pub(crate) const PERIOD: Duration = Duration::from_secs(60);

/// Sources remembered at once: forged source addresses must not fill the memory.
const SOURCES: usize = 1024;

#[derive(Debug)]
struct Seen {
    since: Instant,
    unlogged: u64,
}

/// Decides which silences are worth a log line.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    seen: HashMap<(IpAddr, Silence), Seen>,
    others: u64,
}

/// A line to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// `None` for all sources that there was no room to remember.
    pub(crate) source: Option<IpAddr>,
    /// `None` with them.
    pub(crate) why: Option<Silence>,
    /// Datagrams since the last line.
    pub(crate) count: u64,
}

impl Line {
    pub(crate) fn write(&self) {
        let count = self.count;
        match (self.source, self.why) {
            (Some(source), Some(why)) => {
                tracing::warn!(%source, count, "no answer: {}", why.advice());
            }
            _ => tracing::warn!(count, "no answer: datagrams of many other sources"),
        }
    }
}

impl Limiter {
    /// Counts one silence; a line where one is due.
    pub(crate) fn note(&mut self, now: Instant, source: IpAddr, why: Silence) -> Option<Line> {
        if let Some(seen) = self.seen.get_mut(&(source, why)) {
            seen.unlogged += 1;
            if now.saturating_duration_since(seen.since) < PERIOD {
                return None;
            }
            let count = std::mem::take(&mut seen.unlogged);
            seen.since = now;
            return Some(Line {
                source: Some(source),
                why: Some(why),
                count,
            });
        }
        if self.seen.len() >= SOURCES {
            self.others += 1;
            return None;
        }
        self.seen.insert(
            (source, why),
            Seen {
                since: now,
                unlogged: 0,
            },
        );
        Some(Line {
            source: Some(source),
            why: Some(why),
            count: 1,
        })
    }

    /// Lines whose period is over; forgets the sources that stopped.
    pub(crate) fn flush(&mut self, now: Instant) -> Vec<Line> {
        let mut lines = Vec::new();
        self.seen.retain(|&(source, why), seen| {
            if now.saturating_duration_since(seen.since) < PERIOD {
                return true;
            }
            let count = std::mem::take(&mut seen.unlogged);
            seen.since = now;
            if count > 0 {
                lines.push(Line {
                    source: Some(source),
                    why: Some(why),
                    count,
                });
            }
            count > 0
        });
        if self.others > 0 {
            lines.push(Line {
                source: None,
                why: None,
                count: std::mem::take(&mut self.others),
            });
        }
        lines
    }
}

#[cfg(test)]
mod tests;
