//! Stock OpenVPN, server and clients, beside a whole otpost, in a network of the test's own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::sched::{CloneFlags, unshare};
use otpost_ipc::admin::{AdminOp, ClientSet};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_tests::pamstack::{target_dir, wait_for};
use otpost_tests::stack::{Program, SECRET, Stack};

const OPENVPN: &str = "/usr/sbin/openvpn";

/// A network with nothing in it but loopback, for this thread and all that it starts. OpenVPN's tunnels and its port are nobody
/// else's there. `None`, and the test is listed as skipped, where that cannot be had.
pub(crate) fn alone() -> Option<()> {
    let missing = if !nix::unistd::geteuid().is_root() {
        "not root, which OpenVPN's tunnels and a network of one's own need"
    } else if !Path::new(OPENVPN).exists() {
        "OpenVPN is not installed"
    } else if !Path::new("/dev/net/tun").exists() {
        "there is no /dev/net/tun"
    } else {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.unwrap().success());
        return Some(());
    };
    otpost_tests::skip(missing);
    None
}

/// How the server has logins checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// otpost-openvpn.
    Helper,
    /// Debian's openvpn-auth-radius.
    Plugin,
}

/// Everything but the clients.
pub(crate) struct Place {
    pub(crate) stack: Stack,
    pub(crate) server: Program,
    dir: PathBuf,
}

impl Place {
    /// Daemon, RADIUS server with client `gw` set up for OpenVPN, alice, and an OpenVPN server.
    pub(crate) fn new(check: Check, flow: Option<&str>) -> Self {
        let mut stack = Stack::vpn();
        if check == Check::Plugin {
            // The plug-in reads no more than four digits of a port. In a network of one's own this one is free.
            stack.radius = None;
            stack.start_radius("127.0.0.1:1812");
        }
        let set = ClientSet {
            nas: Some("openvpn".to_owned()),
            flow: flow.map(str::to_owned),
            ..ClientSet::default()
        };
        stack.client_set("gw", None, set);
        if check == Check::Plugin {
            // It sends none.
            stack.admin(AdminOp::RadiusClientSet {
                name: "gw".to_owned(),
                networks: None,
                resource: None,
                secret: None,
                weak_secret: false,
                message_authenticator: Some(MessageAuthenticator::Off),
                first_factor: None,
                // And it lets nobody in whose Start nobody answers.
                set: ClientSet {
                    accounting: Some(true),
                    ..ClientSet::default()
                },
            });
        }
        let dir = stack.dir().join("openvpn");
        fs::create_dir_all(dir.join("tmp")).unwrap();
        certificates(&dir);
        let radius = stack.address();
        let how = match check {
            Check::Helper => helper(&dir, &[radius]),
            Check::Plugin => plugin(&dir, radius),
        };
        let config = format!(
            "dev tun\nproto udp\nlocal 127.0.0.1\nport 1194\n\
             server 10.99.0.0 255.255.255.0\ntopology subnet\nifconfig-noexec\nroute-noexec\n\
             dh none\nca ca.crt\ncert server.crt\nkey server.key\nverify-client-cert none\nusername-as-common-name\n\
             keepalive 10 60\ntmp-dir tmp\nverb 4\n{how}"
        );
        write(&dir, "server.conf", &config);
        let server = openvpn(&dir, "server");
        let mut place = Self { stack, server, dir };
        wait_for("the OpenVPN server to serve", || {
            assert_eq!(place.server.ended(), None, "{}", place.server.log());
            let log = place.server.log();
            log.contains("Initialization Sequence Completed").then_some(())
        });
        place
    }

    /// A client that is driven through its management interface, as graphical ones are.
    pub(crate) fn client(&self, name: &str, further: &str) -> Client {
        let socket = self.dir.join(format!("{name}.sock"));
        let config = format!(
            "{CLIENT}management {} unix\nmanagement-query-passwords\nmanagement-hold\n{further}",
            socket.display()
        );
        write(&self.dir, &format!("{name}.conf"), &config);
        let program = openvpn(&self.dir, name);
        let stream = wait_for("the client's management interface", || {
            UnixStream::connect(&socket).ok()
        });
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut client = Client {
            program,
            stream,
            lines,
            line: String::new(),
            ended: false,
        };
        client.says("state on");
        client
    }

    /// The command line of a client without a management interface.
    pub(crate) fn console(&self) -> String {
        write(&self.dir, "console.conf", CLIENT);
        format!("cd {} && {OPENVPN} --config console.conf", self.dir.display())
    }

    /// The helper's configuration, for other servers.
    pub(crate) fn helper(&self, servers: &[SocketAddr]) {
        helper(&self.dir, servers);
    }
}

impl Drop for Place {
    /// The plug-in has processes of its own, which only an orderly end takes along.
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// What all clients have in common.
const CLIENT: &str = "client\ndev tun\nproto udp\nremote 127.0.0.1 1194\nnobind\nifconfig-noexec\nroute-noexec\n\
    ca ca.crt\nremote-cert-tls server\nauth-user-pass\nauth-retry interact\nconnect-retry 1 1\nverb 3\n";

fn helper(dir: &Path, servers: &[SocketAddr]) -> String {
    secret(dir);
    let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
    let config = format!(
        "servers = [{}]\nsecret-file = \"{}\"\ntimeout = \"1s\"\ntries = 2\n",
        servers.join(", "),
        dir.join("secret").display()
    );
    write(dir, "helper.toml", &config);
    format!(
        "script-security 2\n\
         auth-user-pass-verify \"{} --config {}\" via-file\n\
         auth-gen-token 3600 3600\n",
        target_dir().join("otpost-openvpn").display(),
        dir.join("helper.toml").display()
    )
}

fn secret(dir: &Path) {
    let mut file = fs::OpenOptions::new();
    let file = file.write(true).create(true).truncate(true).mode(0o600);
    file.open(dir.join("secret"))
        .and_then(|mut file| file.write_all(SECRET.as_bytes()))
        .unwrap();
}

fn plugin(dir: &Path, radius: SocketAddr) -> String {
    fs::create_dir_all(dir.join("ccd")).unwrap();
    let config = format!(
        "NAS-Identifier=OpenVpn\nService-Type=5\nFramed-Protocol=1\nNAS-Port-Type=5\nNAS-IP-Address=127.0.0.1\n\
         OpenVPNConfig={}\nsubnet=255.255.255.0\noverwriteccfiles=true\nuseauthcontrolfile=true\n\
         server\n{{\n\tacctport=1813\n\tauthport={}\n\tname=127.0.0.1\n\tretry=2\n\twait=5\n\tsharedsecret={SECRET}\n}}\n",
        dir.join("server.conf").display(),
        radius.port()
    );
    write(dir, "radiusplugin.cnf", &config);
    format!(
        "client-config-dir {0}/ccd\nstatus {0}/status 1\nstatus-version 1\n\
         plugin /usr/lib/openvpn/radiusplugin.so {0}/radiusplugin.cnf\nauth-gen-token 3600 3600\n",
        dir.display()
    )
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

fn openvpn(dir: &Path, name: &str) -> Program {
    let mut command = Command::new(OPENVPN);
    command
        .args(["--config", &format!("{name}.conf")])
        // To standard error, where a program's log is looked for.
        .args(["--log-append", "/dev/stderr"])
        .current_dir(dir);
    Program::spawn(&mut command, &dir.join(format!("{name}.log")))
}

/// A CA, and the server's certificate by it.
fn certificates(dir: &Path) {
    let mut ca = rcgen::CertificateParams::default();
    // Its own name: a certificate that names itself as its issuer would be taken for a CA's.
    ca.distinguished_name
        .push(rcgen::DnType::CommonName, "CA of a test");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    write(dir, "ca.crt", &ca.self_signed(&ca_key).unwrap().pem());
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut own = rcgen::CertificateParams::new(vec!["server".to_owned()]).unwrap();
    own.key_usages = vec![
        rcgen::KeyUsagePurpose::DigitalSignature,
        rcgen::KeyUsagePurpose::KeyAgreement,
    ];
    own.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    write(dir, "server.crt", &own.signed_by(&key, &issuer).unwrap().pem());
    write(dir, "server.key", &key.serialize_pem());
}

/// How a try to connect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Connected.
    In,
    /// Refused; what the server said, if anything.
    Out(String),
}

impl Outcome {
    /// The parts of a dynamic challenge: flags, state, user, prompt.
    pub(crate) fn challenge(&self) -> [String; 4] {
        let Self::Out(reason) = self else {
            panic!("{self:?}");
        };
        let parts: Vec<&str> = reason.splitn(5, ':').collect();
        match parts.as_slice() {
            ["CRV1", flags, state, user, prompt] => [flags, state, user, prompt].map(|&part| part.to_owned()),
            _ => panic!("no dynamic challenge: {reason}"),
        }
    }

    /// What a client sends in answer.
    pub(crate) fn answered(&self, code: &str) -> String {
        let [_, state, _, _] = self.challenge();
        format!("CRV1::{state}::{code}")
    }
}

/// A client with its management interface.
pub(crate) struct Client {
    pub(crate) program: Program,
    stream: UnixStream,
    lines: BufReader<UnixStream>,
    line: String,
    ended: bool,
}

impl Client {
    fn says(&mut self, command: &str) {
        writeln!(self.stream, "{command}").unwrap();
    }

    /// The next line in which `found` finds something. Holds are released on the way.
    fn hears<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let mut heard = Vec::new();
        let mut result = None;
        wait_for(what, || {
            // A line may come in pieces; what was read of it stays.
            match self.lines.read_line(&mut self.line) {
                Ok(0) => self.ended = true,
                Ok(_) if self.line.ends_with('\n') => {
                    let line = std::mem::take(&mut self.line);
                    let line = line.trim_end();
                    if line.starts_with(">HOLD:") {
                        self.says("hold release");
                    }
                    result = found(line);
                    heard.push(line.to_owned());
                }
                _ => {}
            }
            assert!(
                !self.ended,
                "the client ended before {what}: {heard:#?}\n{}",
                self.program.log()
            );
            result.is_some().then_some(())
        });
        result.unwrap()
    }

    /// Waits until the client asks for name and password; gives what it says about a static challenge.
    pub(crate) fn asked(&mut self) -> String {
        self.hears("a question for name and password", |line| {
            let rest = line.strip_prefix(">PASSWORD:Need 'Auth' username/password")?;
            Some(rest.trim().to_owned())
        })
    }

    /// Types name and password when asked, and waits for the outcome.
    pub(crate) fn tries(&mut self, user: &str, password: &str) -> Outcome {
        self.asked();
        self.types(user, password);
        self.outcome()
    }

    pub(crate) fn types(&mut self, user: &str, password: &str) {
        self.says(&format!("username \"Auth\" \"{user}\""));
        self.says(&format!("password \"Auth\" \"{password}\""));
    }

    pub(crate) fn outcome(&mut self) -> Outcome {
        self.hears("the client to be let in or refused", |line| {
            if line.starts_with(">STATE:") && line.contains(",CONNECTED,SUCCESS,") {
                return Some(Outcome::In);
            }
            let rest = line.strip_prefix(">PASSWORD:Verification Failed: 'Auth'")?;
            let reason = rest
                .trim()
                .strip_prefix("['")
                .and_then(|rest| rest.strip_suffix("']"));
            Some(Outcome::Out(reason.unwrap_or_default().to_owned()))
        })
    }
}
