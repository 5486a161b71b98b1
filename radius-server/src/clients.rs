//! The client table: which shared secret belongs to a source address. The longest prefix wins.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use otpost_ipc::radius::{ClientTable, MessageAuthenticator, RadiusClient};
use otpost_radius_wire::SharedSecret;

/// One client, ready for use.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: Arc<str>,
    pub(crate) secret: SharedSecret,
    pub(crate) message_authenticator: MessageAuthenticator,
    /// Requests with Proxy-State need a Message-Authenticator.
    pub(crate) limit_proxy_state: bool,
    /// Whether EAP is answered.
    pub(crate) eap: bool,
    /// Whether Accounting-Requests are answered.
    pub(crate) accounting: bool,
    /// Whether it has sent a valid Message-Authenticator, as far as the daemon and we know.
    signed: AtomicBool,
    /// When a request without was noted last, as [`Self::is_news`] counts.
    unsigned: AtomicU64,
}

impl Client {
    /// Takes an entry of the daemon's table.
    ///
    /// # Errors
    /// What is wrong with the shared secret.
    pub(crate) fn new(entry: &RadiusClient) -> Result<Self, otpost_radius_wire::WireError> {
        Ok(Self {
            name: entry.name.as_str().into(),
            secret: SharedSecret::new(entry.secret.expose().as_bytes())?,
            message_authenticator: entry.message_authenticator,
            limit_proxy_state: entry.limit_proxy_state,
            eap: entry.eap,
            accounting: entry.accounting,
            signed: AtomicBool::new(entry.signed),
            unsigned: AtomicU64::new(0),
        })
    }

    /// Whether an Access-Request without Message-Authenticator gets silence.
    pub(crate) fn must_sign(&self) -> bool {
        match self.message_authenticator {
            MessageAuthenticator::Require => true,
            MessageAuthenticator::Auto => self.signed.load(Ordering::Acquire),
            MessageAuthenticator::Off => false,
        }
    }

    /// Remembers that it has sent a valid Message-Authenticator. Whether that is news.
    pub(crate) fn latch(&self) -> bool {
        !self.signed.load(Ordering::Acquire) && !self.signed.swap(true, Ordering::AcqRel)
    }

    /// Whether a request without Message-Authenticator at `second`, counted from any start, is the first within
    /// `period` seconds.
    pub(crate) fn is_news(&self, second: u64, period: u64) -> bool {
        // 0 is "never".
        let second = second.saturating_add(1);
        let last = self.unsigned.load(Ordering::Relaxed);
        let news = last == 0 || second.saturating_sub(last) >= period;
        if news {
            self.unsigned.store(second, Ordering::Relaxed);
        }
        news
    }

    /// For tests: nothing allowed but what every client may do.
    #[cfg(test)]
    pub(crate) fn sample(name: &str, secret: &str) -> Self {
        Self {
            name: name.into(),
            secret: SharedSecret::new(secret.as_bytes()).unwrap(),
            message_authenticator: MessageAuthenticator::Require,
            limit_proxy_state: false,
            eap: false,
            accounting: false,
            signed: AtomicBool::new(false),
            unsigned: AtomicU64::new(0),
        }
    }
}

/// What the table says of a source address.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A client.
    Client(&'a Arc<Client>),
    /// A client whose entry cannot be used. It gets silence: a shorter prefix has another's secret.
    Unusable,
    /// Nobody.
    Unknown,
}

/// All networks of one address family: prefix length, longest first, and the networks of that length.
type Networks = Vec<(u8, HashMap<u128, Option<Arc<Client>>>)>;

/// The table in a form that answers fast.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) version: u64,
    /// Whether any client's Accounting-Requests are answered.
    pub(crate) accounting: bool,
    v4: Networks,
    v6: Networks,
}

/// Something in the daemon's table that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) client: String,
    pub(crate) what: String,
}

impl Table {
    /// Builds the table; entries that cannot be used are reported and their networks get silence. `latched` says
    /// who has sent a Message-Authenticator of which the daemon may not know yet.
    pub(crate) fn new(table: ClientTable, latched: impl Fn(&str) -> bool) -> (Self, Vec<Complaint>) {
        let mut built = Self {
            version: table.version,
            ..Self::default()
        };
        let mut complaints = Vec::new();
        for mut client in table.clients {
            client.signed = client.signed || latched(&client.name);
            built.accounting |= client.accounting;
            built.add(&client, &mut complaints);
        }
        for networks in [&mut built.v4, &mut built.v6] {
            networks.sort_unstable_by_key(|(length, _)| std::cmp::Reverse(*length));
        }
        (built, complaints)
    }

    fn add(&mut self, client: &RadiusClient, complaints: &mut Vec<Complaint>) {
        let mut complain = |what: String| {
            complaints.push(Complaint {
                client: client.name.clone(),
                what,
            });
        };
        let usable = match Client::new(client) {
            Ok(client) => Some(Arc::new(client)),
            Err(error) => {
                complain(error.to_string());
                None
            }
        };
        let networks = &client.networks;
        for text in networks {
            let Some(network) = Network::parse(text) else {
                complain(format!(
                    "{text:?} is no network; write it like 192.0.2.0/24 or 2001:db8::/64"
                ));
                continue;
            };
            let family = if network.v4 { &mut self.v4 } else { &mut self.v6 };
            let at = family
                .iter()
                .position(|(length, _)| *length == network.length)
                .unwrap_or_else(|| {
                    family.push((network.length, HashMap::new()));
                    family.len() - 1
                });
            let Some((_, same_length)) = family.get_mut(at) else {
                continue;
            };
            match same_length.entry(network.prefix) {
                Entry::Vacant(free) => {
                    free.insert(usable.clone());
                }
                Entry::Occupied(_) => complain(format!("{text} belongs to another client already")),
            }
        }
    }

    /// Looks a source address up. `::ffff:a.b.c.d` is `a.b.c.d`.
    pub(crate) fn find(&self, source: IpAddr) -> Found<'_> {
        let (networks, bits) = match source.to_canonical() {
            IpAddr::V4(address) => (&self.v4, u128::from(address.to_bits()) << 96),
            IpAddr::V6(address) => (&self.v6, address.to_bits()),
        };
        for (length, same_length) in networks {
            match same_length.get(&(bits & mask(*length))) {
                Some(Some(client)) => return Found::Client(client),
                Some(None) => return Found::Unusable,
                None => {}
            }
        }
        Found::Unknown
    }
}

/// A prefix; IPv4 lies in the upper 32 bits.
#[derive(Debug, PartialEq, Eq)]
struct Network {
    v4: bool,
    prefix: u128,
    length: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => {
                // `u8::from_str` takes a sign.
                let digits = !length.is_empty() && length.bytes().all(|octet| octet.is_ascii_digit());
                (address, Some(length.parse::<u8>().ok().filter(|_| digits)?))
            }
            None => (text, None),
        };
        let (v4, bits, widest, length) = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => (true, u128::from(address.to_bits()) << 96, 32, length),
            IpAddr::V6(address) => match mapped(address, length) {
                Some((bits, length)) => (true, bits, 32, length),
                None => (false, address.to_bits(), 128, length),
            },
        };
        let length = length.unwrap_or(widest);
        (length <= widest).then(|| Self {
            v4,
            prefix: bits & mask(length),
            length,
        })
    }
}

/// `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
fn mapped(address: Ipv6Addr, length: Option<u8>) -> Option<(u128, Option<u8>)> {
    let v4 = address.to_ipv4_mapped()?;
    let length = match length {
        Some(length) => Some(length.checked_sub(96).filter(|length| *length <= 32)?),
        None => None,
    };
    Some((u128::from(v4.to_bits()) << 96, length))
}

fn mask(length: u8) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(u32::from(length)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
