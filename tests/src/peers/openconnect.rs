//! openconnect, a client of SSL VPNs, as a person at a terminal runs it.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::host::Host;
use super::ocserv::NAME;
use super::talk::Talk;

/// What openconnect calls when the tunnel comes and goes.
const SCRIPT: &str = "#!/bin/sh
case $reason in
connect)
    ip address add \"$INTERNAL_IP4_ADDRESS/24\" dev \"$TUNDEV\"
    ip link set \"$TUNDEV\" up
    echo \"tunnel is up: $INTERNAL_IP4_ADDRESS\"
    ;;
esac
";

/// Says `user` and asks for everything else.
///
/// # Panics
/// When its files cannot be written.
#[must_use]
pub fn start(host: &Host, dir: &Path, (ca, server): (&str, &str), user: &str) -> Talk {
    let (authority, script) = (dir.join("ca.pem"), dir.join("tunnel.sh"));
    fs::write(&authority, ca).expect("the authority's certificate");
    fs::write(&script, SCRIPT).expect("a script");
    fs::set_permissions(&script, Permissions::from_mode(0o700)).expect("its permissions");
    let mut command = host.command("openconnect");
    command
        .arg(format!("--cafile={}", authority.display()))
        .arg(format!("--resolve={NAME}:{server}"))
        .arg(format!("--script={}", script.display()))
        .args(["--no-dtls", "--no-proxy", "--interface=tun0", "--user", user])
        .arg(format!("https://{NAME}/"));
    Talk::start(&mut command, &dir.join("openconnect.log"))
}
