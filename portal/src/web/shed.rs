//! Floods: who asks too often is told to wait, before anything costly is done.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use otpost_conf::PortalLimits;

/// A whole network may ask this many times as often as one address.
const NETWORK: u32 = 4;
/// Time between two tidyings.
pub(crate) const TIDY: Duration = Duration::from_secs(10);

/// Counts requests per address and per network.
#[derive(Debug)]
pub(crate) struct Shed {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Shed {
    pub(crate) fn new(limits: &PortalLimits) -> Self {
        let limiter = |times: u32| {
            let number = |n: u32| NonZeroU32::new(n.saturating_mul(times)).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::per_second(number(limits.requests_per_second));
            RateLimiter::keyed(quota.allow_burst(number(limits.burst)))
        };
        Self {
            addresses: limiter(1),
            networks: limiter(NETWORK),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request. `Err` is how many seconds to wait.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), u32> {
        // The network first: its share also bounds how fast new addresses can fill the other table.
        let (address, network) = keys(client);
        let asked = (self.networks.check_key(&network)).and_then(|()| self.addresses.check_key(&address));
        asked.map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            u32::try_from(wait.as_secs()).map_or(u32::MAX, |seconds| seconds.saturating_add(1))
        })
    }

    /// Forgets addresses whose share is whole again. To be called every [`TIDY`].
    pub(crate) fn tidy(&self) {
        for limiter in [&self.addresses, &self.networks] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.addresses.len()
    }
}

/// What an address counts as, and its network: IPv4 whole and /24, IPv6 /64 and /48.
fn keys(client: IpAddr) -> (IpAddr, IpAddr) {
    match client.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            (address.into(), Ipv4Addr::new(a, b, c, 0).into())
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            (
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(),
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(),
            )
        }
    }
}
