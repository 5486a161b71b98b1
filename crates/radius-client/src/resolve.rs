use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use crate::ClientError;

/// Where RADIUS servers listen (RFC 2865 section 3).
pub const PORT: u16 = 1812;

/// Finds a server by address or name; the port is [`PORT`] unless given.
///
/// # Errors
/// [`ClientError::Server`].
pub fn resolve(server: &str) -> Result<SocketAddr, ClientError> {
    let unknown = || ClientError::Server {
        server: server.to_owned(),
    };
    if let Ok(address) = server.parse::<IpAddr>() {
        return Ok(SocketAddr::from((address, PORT)));
    }
    let bare = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(Ok(address)) = bare.map(str::parse::<Ipv6Addr>) {
        return Ok(SocketAddr::from((address, PORT)));
    }
    let found = if server.contains(':') {
        server.to_socket_addrs()
    } else {
        (server, PORT).to_socket_addrs()
    };
    found.ok().and_then(|mut all| all.next()).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_with_and_without_port() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:1812"),
            ("192.0.2.1:1645", "192.0.2.1:1645"),
            ("2001:db8::1", "[2001:db8::1]:1812"),
            ("[2001:db8::1]", "[2001:db8::1]:1812"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
        ] {
            assert_eq!(resolve(text).unwrap().to_string(), address);
        }
        for text in ["", "192.0.2.1:", "192.0.2.1:99999", "no such host"] {
            assert!(matches!(resolve(text), Err(ClientError::Server { .. })), "{text}");
        }
    }
}
