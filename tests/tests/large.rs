//! Tables that are larger than a frame between the programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, ClientView, ResourceSettings, UserAdd};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_tests::command::{Ended, program, run};
use otpost_tests::pamstack::wait_for;
use otpost_tests::radclient;
use otpost_tests::stack::{PASSWORD, SECRET, Stack};

/// The client that is tested has the highest number, so it is the last of the table.
const LAST: u16 = 700;

fn name(n: u16) -> String {
    format!("client-with-a-rather-long-name-in-the-branch-office-{n:04}")
}

fn add(name: &str, networks: Vec<String>) -> AdminOp {
    AdminOp::RadiusClientAdd {
        name: name.to_owned(),
        networks,
        resource: "vpn".to_owned(),
        secret: Some(SECRET.into()),
        weak_secret: false,
        message_authenticator: MessageAuthenticator::Require,
        first_factor: None,
        set: otpost_ipc::admin::ClientSet::default(),
    }
}

fn ctl(stack: &Stack, args: &[&str]) -> Ended {
    let ended = run(program("otpostctl", args)
        .arg("--socket")
        .arg(stack.socket("admin")));
    assert!(ended.status.success(), "{args:?}: {ended:?}");
    ended
}

fn listed(stack: &Stack) -> Vec<ClientView> {
    let ended = ctl(stack, &["radius", "client", "list", "--json"]);
    match serde_json::from_str(&ended.out).unwrap() {
        AdminReply::Clients { clients, more: false } => clients,
        other => panic!("{other:?}"),
    }
}

fn first(stack: &Stack, seconds: u32) -> radclient::Received {
    let attributes = radclient::password("alice", PASSWORD);
    radclient::ask(stack.address(), SECRET, &attributes, seconds)
}

#[test]
fn the_last_of_700_clients_is_served_until_it_is_removed_and_never_after() {
    let mut stack = Stack::new();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    stack.user("alice", 5678, &["vpn"]);
    for n in 1..LAST {
        let network = format!("10.{}.{}.0/24", n / 250, n % 250);
        stack.admin(add(&name(n), vec![network]));
    }
    stack.admin(add(&name(LAST), vec!["127.0.0.1/32".to_owned()]));
    stack.start_radius("127.0.0.1:0");
    assert!(first(&stack, 5).is("Access-Challenge"));

    let clients = listed(&stack);
    let names: Vec<String> = clients.into_iter().map(|client| client.name).collect();
    assert_eq!(names, (1..=LAST).map(name).collect::<Vec<_>>());

    ctl(&stack, &["radius", "client", "remove", &name(LAST)]);
    assert_eq!(listed(&stack).len(), usize::from(LAST) - 1);
    wait_for("the server to hear of it", || {
        let log = stack.radius.as_ref()?.log();
        log.contains("client table replaced").then_some(())
    });
    let silence = first(&stack, 1);
    assert_eq!(silence.code, None, "{silence:?}");

    // A client with as many networks as are allowed needs a frame's worth by itself, and is served like any other.
    let mut networks: Vec<String> = (1..256)
        .map(|n| format!("2001:db8:1000:1000:1000:1000:1000:{n:x}/128"))
        .collect();
    networks.push("127.0.0.1/32".to_owned());
    stack.admin(add("wide", networks.clone()));
    wait_for("the new client to be served", || {
        first(&stack, 1).is("Access-Challenge").then_some(())
    });
    networks.push("192.0.2.0/24".to_owned());
    let fault = stack.refused(add("wider", networks));
    assert_eq!(fault.code, FaultCode::Invalid);
    assert!(fault.message.contains("at most 256 networks, not 257"), "{fault}");

    // Nobody but the entries of a whole table is known after a restart either.
    drop(stack.radius.take());
    stack.start_radius("127.0.0.1:0");
    assert!(first(&stack, 5).is("Access-Challenge"));
    ctl(&stack, &["radius", "client", "remove", "wide"]);
    drop(stack.radius.take());
    stack.start_radius("127.0.0.1:0");
    let silence = first(&stack, 1);
    assert_eq!(silence.code, None, "{silence:?}");
}

#[test]
fn long_names_do_not_keep_lists_from_being_read() {
    let stack = Stack::new();
    let resource = |n: usize| format!("{}-{n:03}", "\u{1F510}".repeat(60));
    let login = |n: usize| format!("{}-{n:03}", "u".repeat(60));
    for n in 0..250 {
        let set = ResourceSettings {
            pam_services: Some(vec![format!("{}-{n:03}", "s".repeat(60))]),
            ..ResourceSettings::default()
        };
        stack.resource(&resource(n), set);
    }
    for n in 0..250 {
        stack.admin(AdminOp::UserAdd(UserAdd {
            login: login(n),
            resources: (0..5).map(resource).collect(),
            ..UserAdd::default()
        }));
        stack.admin(AdminOp::UserLock {
            user: login(n),
            why: "\u{1F510}".repeat(200),
        });
    }

    let json = |args: &[&str]| serde_json::from_str::<AdminReply>(&ctl(&stack, args).out).unwrap();
    let AdminReply::Audit { rows } = json(&["audit", "tail", "-n", "200", "--json"]) else {
        panic!("no rows")
    };
    let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    let newest = *numbers.last().unwrap();
    assert_eq!(numbers, (newest - 199..=newest).collect::<Vec<_>>());
    assert!(newest >= 750, "{newest}");
    assert_eq!(rows[199].user, login(249));
    let text = ctl(&stack, &["audit", "tail", "-n", "450"]).out;
    assert_eq!(text.lines().count(), 450);

    let AdminReply::Users { users, .. } = json(&["user", "list", "--json"]) else {
        panic!("no users")
    };
    let logins: Vec<String> = users.into_iter().map(|user| user.login).collect();
    assert_eq!(logins, (0..250).map(login).collect::<Vec<_>>());

    let AdminReply::Resources { resources, .. } = json(&["resource", "list", "--json"]) else {
        panic!("no resources")
    };
    let names: Vec<String> = resources.into_iter().map(|resource| resource.name).collect();
    assert_eq!(names, (0..250).map(resource).collect::<Vec<_>>());
}
