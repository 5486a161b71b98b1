//! slapd with a directory of its own below a scratch directory, on loopback.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::{Program, Scratch};
use serde_json::{Value, json};

use crate::free_tcp;

/// Password of the account that searches.
pub(crate) const SERVICE: &str = "dienstgeheimnis-0815";

const CONFIG: &str = r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile @DIR@/slapd.pid
@TLS@
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=hidden,dc=corp,dc=example" by * none
access to * by users read by anonymous read
database mdb
maxsize 10485760
suffix "dc=corp,dc=example"
rootdn "cn=admin,dc=corp,dc=example"
directory @DIR@/db
overlay memberof
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=corp,dc=example"
ppolicy_use_lockout
"#;

const DATA: &str = "
dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
dc: corp
o: Corp

dn: ou=people,dc=corp,dc=example
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=corp,dc=example
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=corp,dc=example
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=corp,dc=example
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdMaxAge: 0
pwdLockout: TRUE

dn: cn=short,ou=policies,dc=corp,dc=example
objectClass: device
objectClass: pwdPolicy
cn: short
pwdAttribute: userPassword
pwdMaxAge: 60

dn: cn=otpost,dc=corp,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: otpost
userPassword: @SERVICE@

dn: uid=alice,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: alice
cn: Alice Weber
sn: Weber
mail: alice@corp.example
userPassword: alice's password
memberOf: cn=vpn,ou=groups,dc=corp,dc=example
memberOf: cn=Büro\\, Nord,ou=groups,dc=corp,dc=example

dn: uid=bob,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Bob
userPassword: bob's password

dn: uid=erna,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: erna
cn: Erna
sn: Erna
userPassword: erna's password
pwdChangedTime: 20200101000000Z
pwdPolicySubentry: cn=short,ou=policies,dc=corp,dc=example

dn: uid=lothar,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: lothar
cn: Lothar
sn: Lothar
userPassword: lothar's password
pwdAccountLockedTime: 000001010000Z

dn: uid=nobody,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: nobody
cn: Without password
sn: Nobody

dn: cn=vpn,ou=groups,dc=corp,dc=example
objectClass: groupOfNames
cn: vpn
member: uid=alice,ou=people,dc=corp,dc=example

dn: cn=Büro\\, Nord,ou=groups,dc=corp,dc=example
objectClass: groupOfNames
cn: Büro, Nord
member: uid=alice,ou=people,dc=corp,dc=example
";

/// A certificate for `localhost`, and who issued it.
pub(crate) struct Identity {
    /// PEM of the authority.
    pub(crate) ca: String,
    certificate: String,
    key: String,
}

impl Identity {
    pub(crate) fn new(name: &str) -> Self {
        let mut ca = rcgen::CertificateParams::default();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        Self {
            ca: pem,
            certificate: own.signed_by(&key, &issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A directory.
pub(crate) struct Slapd {
    pub(crate) program: Program,
    pub(crate) ldap: u16,
    pub(crate) ldaps: u16,
    /// Its authority.
    pub(crate) ca: String,
    _scratch: Scratch,
}

impl Slapd {
    /// With a certificate for `localhost`.
    pub(crate) fn start() -> Self {
        Self::with(Some(&Identity::new("localhost")))
    }

    /// Starts it anew where another took its port in the meantime.
    pub(crate) fn with(identity: Option<&Identity>) -> Self {
        let scratch = Scratch::new();
        let dir = scratch.path().to_owned();
        install(&dir, identity);
        loop {
            let (ldap, ldaps) = (free_tcp(), free_tcp());
            let mut urls = format!("ldap://127.0.0.1:{ldap}/");
            if identity.is_some() {
                urls.push_str(&format!(" ldaps://127.0.0.1:{ldaps}/"));
            }
            let mut command = Command::new("/usr/sbin/slapd");
            command.args(["-d", "0", "-f"]).arg(dir.join("slapd.conf"));
            command.args(["-h", &urls]);
            let mut program = Program::spawn(&mut command, &dir.join("slapd.log"));
            let up = wait_for("slapd to listen", || {
                if let Some(status) = program.ended() {
                    assert!(status.signal().is_none(), "slapd: {status}: {}", program.log());
                    return Some(false);
                }
                TcpStream::connect(("127.0.0.1", ldap)).is_ok().then_some(true)
            });
            if up {
                return Self {
                    program,
                    ldap,
                    ldaps,
                    ca: identity.map_or_else(String::new, |identity| identity.ca.clone()),
                    _scratch: scratch,
                };
            }
            let log = program.log();
            assert!(
                log.is_empty() || log.contains("bind"),
                "slapd does not start: {log}"
            );
        }
    }

    /// By StartTLS.
    pub(crate) fn url(&self) -> String {
        format!("ldap://localhost:{}", self.ldap)
    }

    /// By TLS from the first octet.
    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.ldaps)
    }

    /// Settings of a source that searches here, by StartTLS.
    pub(crate) fn config(&self) -> Value {
        json!({ "urls": [self.url()], "ca": self.ca, "bind": { "search": search() }, "groups": { "attribute": "memberOf" } })
    }
}

/// How the user's entry is found.
pub(crate) fn search() -> Value {
    json!({ "bind-dn": "cn=otpost,dc=corp,dc=example", "password": SERVICE, "base": "ou=people,dc=corp,dc=example",
        "filter": "(&(objectClass=inetOrgPerson)(uid={user}))" })
}

fn install(dir: &Path, identity: Option<&Identity>) {
    fs::create_dir(dir.join("db")).unwrap();
    let mut tls = String::new();
    if let Some(identity) = identity {
        for (name, setting, text) in [
            ("cert.pem", "TLSCertificateFile", &identity.certificate),
            ("key.pem", "TLSCertificateKeyFile", &identity.key),
            ("ca.pem", "TLSCACertificateFile", &identity.ca),
        ] {
            fs::write(dir.join(name), text).unwrap();
            tls.push_str(&format!("{setting} {}/{name}\n", dir.display()));
        }
    }
    let config = CONFIG
        .replace("@DIR@", &dir.display().to_string())
        .replace("@TLS@", &tls);
    fs::write(dir.join("slapd.conf"), config).unwrap();
    fs::write(dir.join("data.ldif"), DATA.replace("@SERVICE@", SERVICE)).unwrap();
    let added = Command::new("/usr/sbin/slapadd")
        .arg("-f")
        .arg(dir.join("slapd.conf"))
        .arg("-l")
        .arg(dir.join("data.ldif"))
        .output()
        .expect("slapd is needed for this test (scripts/setup.sh check)");
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
}
