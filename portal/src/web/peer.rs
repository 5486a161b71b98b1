//! Who asks, and over what: the connection, or what a trusted proxy says of it.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::Site;

/// How a request got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The client's address.
    pub(crate) client: IpAddr,
    /// Whether the client speaks HTTPS.
    pub(crate) https: bool,
    /// Whether the request may be served: HTTPS, or plain HTTP that crosses no network.
    pub(crate) acceptable: bool,
}

/// Only where the connection comes from a trusted proxy are its headers read: anybody can write them.
pub(crate) fn arrival(site: &Site, peer: IpAddr, headers: &HeaderMap) -> Arrival {
    let peer = peer.to_canonical();
    let local = site.loopback && peer.is_loopback();
    if !site.proxies.contains(&peer) {
        // The headers of a proxy that is not trusted show that the request is not local.
        let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
        return Arrival {
            client: peer,
            https: site.tls,
            acceptable: site.tls || local && !forwarded,
        };
    }
    let client = forwarded_for(site, peer, headers);
    let proto = headers
        .get("x-forwarded-proto")
        .and_then(|value| value.to_str().ok());
    let https = site.tls || proto.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"));
    let direct = proto.is_none() && !headers.contains_key("x-forwarded-for");
    Arrival {
        client,
        https,
        acceptable: https || local && direct,
    }
}

/// The last address in the chain that is no proxy of ours: what stands before it was written by that client.
fn forwarded_for(site: &Site, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut client = peer;
    let lines: Vec<&str> = (headers.get_all("x-forwarded-for").iter())
        .filter_map(|line| line.to_str().ok())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(hop.trim()) else {
            break;
        };
        client = address;
        if !site.proxies.contains(&address) {
            break;
        }
    }
    client
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let parsed = bare.parse::<IpAddr>().ok().or_else(|| {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|address| address.ip())
    });
    parsed.map(|address| address.to_canonical())
}
