//! FreeRADIUS as the server that knows the passwords, with nothing in its configuration that the tests do not need.

use std::fs;
use std::process::Command;

use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::{Program, Scratch};
use serde_json::{Value, json};

use crate::free_udp;

/// Shared with otpost.
pub(crate) const SECRET: &str = "geheim zwischen den servern";

const CONFIG: &str = r#"
name = otpost-upstream
prefix = /usr
libdir = /usr/lib/freeradius
logdir = "@DIR@"
run_dir = "@DIR@"
raddbdir = "@DIR@"
db_dir = "@DIR@"
pidfile = "@DIR@/freeradius.pid"
max_request_time = 30
cleanup_delay = 5
max_requests = 1024
hostname_lookups = no
log {
    destination = files
    file = "@DIR@/radius.log"
    auth = no
}
security {
    max_attributes = 200
    reject_delay = 0
    status_server = no
    allow_vulnerable_openssl = yes
}
thread pool {
    start_servers = 1
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 4
    max_requests_per_server = 0
}
client otpost {
    ipaddr = 127.0.0.1
    secret = "@SECRET@"
    require_message_authenticator = yes
}
modules {
    files {
        usersfile = "@DIR@/users"
    }
    pap {
        normalise = no
    }
    expr {
    }
    always handled {
        rcode = handled
    }
}
instantiate {
    expr
}
server upstream {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = @PORT@
    }
    authorize {
        if (&User-Name == "carla" && !&State) {
            update control {
                &Auth-Type := Ask
            }
        }
        elsif (&User-Name == "carla") {
            update control {
                &Auth-Type := Answer
                &Cleartext-Password := &session-state:Tmp-String-0
            }
        }
        else {
            files
            pap
        }
    }
    authenticate {
        Auth-Type PAP {
            pap
        }
        Auth-Type Ask {
            update session-state {
                &Tmp-String-0 := "4711"
            }
            update reply {
                @SIGN@
                &Reply-Message := "Which number is on your card?"
            }
            update control {
                &Response-Packet-Type := Access-Challenge
            }
            handled
        }
        Auth-Type Answer {
            pap
        }
    }
    post-auth {
        update reply {
            @SIGN@
            &Class := "staff"
            &Filter-Id := "vpn-users"
        }
        Post-Auth-Type REJECT {
            update reply {
                @SIGN@
                &Reply-Message := "No."
            }
        }
    }
}
"#;

const USERS: &str = "\
alice Cleartext-Password := \"alice's password\"
corp-bob Cleartext-Password := \"bob's password\"
";

/// A server.
pub(crate) struct FreeRadius {
    pub(crate) program: Program,
    pub(crate) port: u16,
    _scratch: Scratch,
}

impl FreeRadius {
    pub(crate) fn start() -> Self {
        Self::with("&Message-Authenticator := 0x00")
    }

    /// One that does not sign its replies, as servers did before 2024.
    pub(crate) fn unsigned() -> Self {
        Self::with("")
    }

    fn with(sign: &str) -> Self {
        let scratch = Scratch::new();
        let dir = scratch.path().to_owned();
        fs::write(dir.join("users"), USERS).unwrap();
        fs::write(
            dir.join("dictionary"),
            "$INCLUDE /usr/share/freeradius/dictionary\n",
        )
        .unwrap();
        loop {
            let port = free_udp();
            let config = CONFIG
                .replace("@DIR@", &dir.display().to_string())
                .replace("@SECRET@", SECRET)
                .replace("@SIGN@", sign)
                .replace("@PORT@", &port.to_string());
            fs::write(dir.join("radiusd.conf"), config).unwrap();
            let log = dir.join("radius.log");
            let _ = fs::remove_file(&log);
            let mut command = Command::new("freeradius");
            command.arg("-f").arg("-d").arg(&dir).args(["-n", "radiusd"]);
            let mut program = Program::spawn(&mut command, &dir.join("output.log"));
            let up = wait_for("freeradius to be ready", || {
                let said = fs::read_to_string(&log).unwrap_or_default();
                if program.ended().is_some() {
                    // Another took the port in the meantime.
                    assert!(said.contains("bind"), "freeradius: {said}{}", program.log());
                    return Some(false);
                }
                said.contains("Ready to process requests").then_some(true)
            });
            if up {
                return Self {
                    program,
                    port,
                    _scratch: scratch,
                };
            }
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Settings of a source that asks here.
    pub(crate) fn config(&self) -> Value {
        json!({ "servers": [self.address()], "secret": SECRET, "timeout-ms": 2000, "tries": 2 })
    }
}
