//! Addresses and networks: literal only, names never match.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network in CIDR notation; host bits are cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// Text that is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address")]
pub struct BadNetwork(String);

impl Network {
    /// The network of `base`'s first `prefix` bits.
    #[must_use]
    pub fn new(base: IpAddr, prefix: u8) -> Self {
        let base = base.to_canonical();
        let base = match base {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask32(prefix))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask128(prefix))),
        };
        Self { base, prefix }
    }

    /// Whether `address` lies in this network; an IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(v4)) => v4.to_bits() & mask32(self.prefix) == base.to_bits(),
            (IpAddr::V6(base), IpAddr::V6(v6)) => v6.to_bits() & mask128(self.prefix) == base.to_bits(),
            _ => false,
        }
    }

    /// Whether an address lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.base) || other.contains(self.base)
    }

    /// Length of the prefix in bits.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }
}

fn mask32(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn mask128(prefix: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(prefix.min(128)))
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|p| *p <= longest).ok_or_else(bad)?,
            None => longest,
        };
        Ok(Self::new(address, prefix))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;

    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// Where a login comes from, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Source {
    /// Literal address of the person's device, where the channel carries one.
    pub address: Option<IpAddr>,
    /// The host, service or VPN the login goes through; counts where there is no address.
    pub via: String,
}

impl Source {
    /// Parses what a caller says; anything but a literal address is no address.
    #[must_use]
    pub fn new(address: &str, via: &str) -> Self {
        Self {
            address: address.parse().ok().map(|a: IpAddr| a.to_canonical()),
            via: via.to_owned(),
        }
    }

    /// Key of the source network for counters: /24 or /64 of the address, else the way in.
    #[must_use]
    pub fn key(&self) -> String {
        match self.address {
            Some(a @ IpAddr::V4(_)) => Network::new(a, 24).to_string(),
            Some(a @ IpAddr::V6(_)) => Network::new(a, 64).to_string(),
            None => format!("via {}", self.via),
        }
    }

    /// [`Self::key`] where there is an address: only that tells one source from another.
    #[must_use]
    pub fn network(&self) -> Option<String> {
        self.address.map(|_| self.key())
    }

    /// For people: the address, else the way in.
    #[must_use]
    pub fn shown(&self) -> String {
        self.address.map_or_else(|| self.via.clone(), |a| a.to_string())
    }
}
