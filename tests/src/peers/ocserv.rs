//! ocserv, an SSL VPN server that checks logins over RADIUS by the library radcli.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use nix::sys::signal::Signal;

use super::host::Host;
use crate::pamstack::wait_for;
use crate::stack::{Program, SECRET};

/// Name in its certificate.
pub const NAME: &str = "vpn.test";
/// Its own address within the tunnel; people get others of the same network.
pub const INNER: &str = "198.51.100.1";

/// A server on its usual port of a [`Host`].
#[derive(Debug)]
pub struct Ocserv {
    program: Program,
}

impl Ocserv {
    /// Starts it with its files in `dir`; `certificate` and `key` are PEM.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(host: &Host, dir: &Path, radius: SocketAddr, (certificate, key): (&str, &str)) -> Self {
        let at = dir.display();
        let files = [
            ("ocserv.pem", certificate.to_owned()),
            ("ocserv.key", key.to_owned()),
            ("radcli.conf", radcli(dir, radius)),
            ("radcli.servers", format!("{} {SECRET}\n", radius.ip())),
            ("ocserv.conf", config(dir)),
        ];
        for (name, text) in files {
            fs::write(dir.join(name), text).expect("a file of ocserv");
        }
        let mut command = host.command("/usr/sbin/ocserv");
        command.args(["--foreground", "--debug", "3", "--config"]);
        let mut program = Program::spawn(command.arg(format!("{at}/ocserv.conf")), &dir.join("ocserv.log"));
        wait_for("ocserv to listen", || {
            assert!(program.ended().is_none(), "ocserv ended: {}", program.log());
            let port = SocketAddr::from(([127, 0, 0, 1], 443));
            host.inside(|| std::net::TcpStream::connect(port).is_ok())
                .then_some(())
        });
        Self { program }
    }

    /// Everything it logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.program.log()
    }
}

impl Drop for Ocserv {
    fn drop(&mut self) {
        // Its workers end with it only when it is asked.
        self.program.signal(Signal::SIGTERM);
        wait_for("ocserv to stop", || self.program.ended());
    }
}

fn config(dir: &Path) -> String {
    format!(
        "auth = \"radius[config={0}/radcli.conf]\"\n\
         tcp-port = 443\n\
         run-as-user = nobody\n\
         run-as-group = nogroup\n\
         socket-file = /run/ocserv-socket\n\
         pid-file = /run/ocserv.pid\n\
         server-cert = {0}/ocserv.pem\n\
         server-key = {0}/ocserv.key\n\
         isolate-workers = false\n\
         max-ban-score = 0\n\
         auth-timeout = 60\n\
         device = vpns\n\
         ipv4-network = 198.51.100.0/24\n\
         use-occtl = false\n",
        dir.display()
    )
}

fn radcli(dir: &Path, radius: SocketAddr) -> String {
    format!(
        "authserver {radius}\n\
         acctserver {radius}\n\
         servers {0}/radcli.servers\n\
         dictionary /etc/radcli/dictionary\n\
         default_realm\n\
         radius_timeout 10\n\
         radius_retries 3\n\
         bindaddr *\n",
        dir.display()
    )
}
