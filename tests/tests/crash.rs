//! kill -9 of otpostd in the middle of VPN logins. What was acknowledged is still true after the restart: a code works
//! once and never again, a challenge that was handed out can be answered, no login gets a second text or other digits.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply, AuditView, ResourceSettings, UserAdd};
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::{FaultCode, Role, Secret};
use otpost_radius_wire::Code;
use otpost_tests::dice::Dice;
use otpost_tests::gateway::{self, Gateway, text_in};
use otpost_tests::pamstack::{PATIENCE, wait_for};
use otpost_tests::stack::{PASSWORD, Program, SECRET, Stack, Texted, number};
use otpost_tests::vpn::Vpn;

/// Times the daemon is killed.
const KILLS: usize = 20;
/// Logins that go on at the same time.
const VPNS: u16 = 16;
/// Users each VPN has; it takes the next one when a user can begin no further login.
const USERS: u16 = 4;
/// Logins of a user that may wait for codes at once.
const MOST_OPEN: usize = 3;
/// Logins there must be at least, in all.
const LOGINS: usize = 50;
/// A kill comes within so many packets after the start before it.
const PACKETS: u64 = 120;
/// Texts the daemon hands to providers at the same time, as configured.
const WORKERS: usize = 8;
/// A text that takes longer than this is asked after.
const SLOW: Duration = Duration::from_secs(2);

/// The development inbox, read as it grows.
struct Inbox {
    path: PathBuf,
    read: Mutex<(u64, String, Vec<Texted>)>,
}

impl Inbox {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: Mutex::default(),
        }
    }

    /// The text to `to` after the first `before`.
    fn find(&self, to: &str, before: usize) -> Option<Texted> {
        let mut read = self.read.lock().unwrap();
        let (offset, rest, texts) = &mut *read;
        if let Ok(mut file) = File::open(&self.path) {
            file.seek(SeekFrom::Start(*offset)).unwrap();
            let mut new = Vec::new();
            *offset += file.read_to_end(&mut new).unwrap() as u64;
            rest.push_str(std::str::from_utf8(&new).unwrap());
            while let Some((line, after)) = rest.split_once('\n') {
                texts.push(serde_json::from_str(line).unwrap());
                *rest = after.to_owned();
            }
        }
        texts.iter().filter(|text| text.to == to).nth(before).cloned()
    }
}

/// What all threads share.
struct Ground {
    server: SocketAddr,
    admin: PathBuf,
    inbox: Inbox,
    packets: Arc<AtomicU64>,
    enough: AtomicBool,
}

impl Ground {
    fn ask(&self, op: AdminOp) -> Result<AdminReply, CallError> {
        let deadline = Deadline::after(Duration::from_secs(10));
        Client::<AdminOp, AdminReply>::connect(&self.admin, Role::Admin, deadline)?.call(op)
    }

    /// What the daemon knows of the newest text to a number that ends like this one; `None` while it is away.
    fn fate(&self, phone: &str) -> Option<String> {
        let masked = format!("+49 *** *** {}", &phone[phone.len() - 2..]);
        match self.ask(AdminOp::SmsMessages {
            limit: 200,
            after: None,
        }) {
            Ok(AdminReply::Messages { messages, .. }) => messages
                .into_iter()
                .find(|message| message.phone == masked)
                .map(|message| message.state),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        }
    }

    /// The text of a login; `None` where the daemon was killed so that nobody knows whether it left.
    fn text(&self, phone: &str, before: usize) -> Option<Texted> {
        let slow = Deadline::after(SLOW);
        let what = format!("text {} to {phone}", before + 1);
        wait_for(&what, || {
            if let Some(text) = self.inbox.find(phone, before) {
                return Some(Some(text));
            }
            let asked_after = slow.remaining().is_none().then(|| self.fate(phone)).flatten();
            matches!(asked_after.as_deref(), Some("leased" | "unknown")).then_some(None)
        })
    }
}

/// What one user has been told.
#[derive(Debug, Default, Clone)]
struct Told {
    challenges: usize,
    wrong: usize,
    /// State and code of every Access-Accept.
    accepted: Vec<(Vec<u8>, String)>,
    /// States that were answered with a wrong code, and the right one.
    spent: Vec<(Vec<u8>, String)>,
    lost: usize,
    /// Answers that came only after the packet was sent again.
    resent: usize,
}

fn login_name(n: u16) -> String {
    format!("user{n}")
}

/// Logs in until it is enough; gives what each user was told.
fn drive(ground: &Ground, vpn: u16, mut dice: Dice) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::<String, Told>::new();
    let packets = Arc::clone(&ground.packets);
    let mut server = Vpn::new(ground.server, SECRET, Dice::new(dice.roll())).counted(packets);
    let mut users = vpn * USERS..(vpn + 1) * USERS;
    let mut n = users.next().unwrap();
    while !ground.enough.load(Ordering::Relaxed) {
        let user = login_name(n);
        let mine = told.entry(user.clone()).or_default();
        let challenged = server.ask(&user, PASSWORD, None);
        assert_eq!(
            challenged.code,
            Code::AccessChallenge,
            "{user}: {}",
            challenged.message
        );
        mine.challenges += 1;
        mine.resent += usize::from(challenged.sent > 1);
        // Every login of this user before had exactly one.
        let Some(text) = ground.text(&number(n), mine.accepted.len()) else {
            mine.lost += 1;
            if mine.lost == MOST_OPEN {
                n = users.next().expect("a user whose texts arrive");
            }
            continue;
        };
        let label = format!("from text {} to ", text.label());
        assert!(
            challenged.message.contains(&label),
            "{user}: {}",
            challenged.message
        );
        let code = text.code();
        let mut state = challenged.state;
        if dice.below(4) == 0 {
            let again = server.ask(&user, &wrong(&code), Some(&state));
            assert_eq!(again.code, Code::AccessChallenge, "{user}: {}", again.message);
            // Counted once, however often the packet was sent and the daemon killed.
            assert!(
                again.message.starts_with("Wrong code, 4 tries left."),
                "{user}: {}",
                again.message
            );
            mine.wrong += 1;
            mine.spent.push((state, code.clone()));
            state = again.state;
        }
        let accepted = server.ask(&user, &code, Some(&state));
        assert_eq!(accepted.code, Code::AccessAccept, "{user}: {}", accepted.message);
        let replayed = server.ask(&user, &code, Some(&state));
        assert_eq!(replayed.code, Code::AccessReject, "{user}: a code worked twice");
        mine.resent += usize::from(accepted.sent > 1);
        mine.accepted.push((state, code));
    }
    told
}

fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

/// Makes users as long as the logins go on; gives the names that the daemon has acknowledged.
fn administrate(ground: &Ground) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let login = format!("new{n}");
        let known = wait_for("the daemon to take a user", || {
            if ground.enough.load(Ordering::Relaxed) {
                return Some(None);
            }
            match ground.ask(AdminOp::UserAdd(UserAdd {
                login: login.clone(),
                ..UserAdd::default()
            })) {
                Ok(_) => Some(Some(login.clone())),
                // Stored before the kill, although the answer was not heard.
                Err(CallError::Fault(fault)) if fault.code == FaultCode::Conflict => {
                    Some(Some(login.clone()))
                }
                Err(_) => None,
            }
        });
        match known {
            Some(login) => acknowledged.push(login),
            None => break,
        }
    }
    acknowledged
}

fn people(stack: &Stack) {
    for n in 0..VPNS * USERS {
        stack.user(&login_name(n), n, &["vpn"]);
    }
}

fn audit(stack: &Stack) -> Vec<AuditView> {
    let mut all: Vec<AuditView> = Vec::new();
    loop {
        let after = Some(all.last().map_or(0, |row| row.seq));
        match stack.admin(AdminOp::AuditTail { after, limit: 200 }) {
            AdminReply::Audit { rows } if rows.is_empty() => return all,
            AdminReply::Audit { rows } => all.extend(rows),
            other => panic!("{other:?}"),
        }
    }
}

/// Runs a Python script on the database of a daemon that does not run, and gives its output.
fn on_database(stack: &Stack, script: &str) -> String {
    let database: &Path = &stack.dir().join("data/otpost.db");
    let output = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(database)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Ends all leases of a daemon that was killed: twenty seconds pass in a moment. Gives their number.
fn end_leases(stack: &Stack) -> usize {
    let script = "import json, sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        rows = db.execute('select id, body from messages where wake is not null').fetchall()\n\
        leased = [(i, json.loads(b)) for i, b in rows if 'leased' in json.loads(b)['state']]\n\
        for i, body in leased:\n\
        \x20   body['state']['leased']['until'] -= 60000\n\
        \x20   db.execute('update messages set body = ?, wake = wake - 60000 where id = ?', (json.dumps(body), i))\n\
        db.commit()\n\
        print(len(leased))\n";
    on_database(stack, script).parse().unwrap()
}

/// Kills the daemon at a random point and starts it again; now and then also while it starts.
fn kill_and_start(stack: &mut Stack, ground: &Ground, dice: &mut Dice) {
    let due = ground.packets.load(Ordering::Relaxed) + 1 + dice.below(PACKETS);
    wait_for("packets", || {
        (ground.packets.load(Ordering::Relaxed) >= due).then_some(())
    });
    pause(Duration::from_micros(dice.below(3000)));
    stack.daemon.as_mut().unwrap().kill();
    if dice.below(4) == 0 {
        let dir = stack.dir().to_owned();
        let starting = Program::start("otpostd", &dir.join("daemon.toml"), &dir.join("daemon.log"));
        pause(Duration::from_micros(dice.below(40_000)));
        stack.daemon = Some(starting);
        stack.daemon.as_mut().unwrap().kill();
    }
    stack.start_daemon();
}

/// A random point in time is what is tested here; nothing is waited for.
fn pause(span: Duration) {
    let _ = Deadline::after(PATIENCE).pause(span);
}

#[test]
fn twenty_kills_lose_no_login_and_let_no_code_work_twice() {
    let mut dice = Dice::cast("crash");
    let mut stack = Stack::new();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    people(&stack);
    stack.start_radius("127.0.0.1:0");
    let ground = Arc::new(Ground {
        server: stack.address(),
        admin: stack.socket("admin"),
        inbox: Inbox::new(stack.dir().join("inbox.jsonl")),
        packets: Arc::default(),
        enough: AtomicBool::new(false),
    });
    let vpns: Vec<_> = (0..VPNS)
        .map(|vpn| {
            let (ground, dice) = (Arc::clone(&ground), Dice::new(dice.roll()));
            thread::spawn(move || drive(&ground, vpn, dice))
        })
        .collect();
    let administrator = thread::spawn({
        let ground = Arc::clone(&ground);
        move || administrate(&ground)
    });
    let mut killed = 0;
    // A thread that ends early has failed; its panic is shown below.
    while killed < KILLS && !vpns.iter().any(thread::JoinHandle::is_finished) {
        kill_and_start(&mut stack, &ground, &mut dice);
        killed += 1;
    }
    ground.enough.store(true, Ordering::Relaxed);
    let mut told = BTreeMap::new();
    for vpn in vpns {
        told.extend(vpn.join().unwrap());
    }
    let new = administrator.join().unwrap();
    assert_eq!(killed, KILLS);
    let accepted: usize = told.values().map(|t| t.accepted.len()).sum();
    assert!(accepted >= LOGINS, "only {accepted} logins");
    let resent: usize = told.values().map(|t| t.resent).sum();
    assert!(resent >= KILLS, "only {resent} packets noticed a kill");

    // Texts that nobody knows about end as such; no second one follows, as there is nobody else to send it.
    stack.daemon.as_mut().unwrap().kill();
    let unknown = end_leases(&stack);
    stack.start_daemon();
    let texts = stack.settled();
    let lost: usize = told.values().map(|t| t.lost).sum();
    let _ = writeln!(
        std::io::stderr(),
        "crash: {accepted} logins accepted, {texts} texts, {unknown} of unknown outcome, {lost} never seen, {} users made",
        new.len()
    );

    nothing_is_forgotten(&stack, &told, &new, dice);
    the_books_agree(&stack, &told, unknown);
    the_database_is_sound(&mut stack);
}

/// Used codes stay used, acknowledged users are there.
fn nothing_is_forgotten(stack: &Stack, told: &BTreeMap<String, Told>, new: &[String], dice: Dice) {
    let mut server = Vpn::new(stack.address(), SECRET, dice);
    for (user, told) in told {
        for (state, code) in told.accepted.iter().chain(&told.spent) {
            let replayed = server.ask(user, code, Some(state));
            assert_eq!(replayed.code, Code::AccessReject, "{user}: a code worked twice");
        }
    }
    assert!(!new.is_empty());
    for login in new {
        match stack.admin(AdminOp::UserShow { user: login.clone() }) {
            AdminReply::User(user) => assert_eq!(user.login, *login),
            other => panic!("{other:?}"),
        }
    }
}

/// The audit log, the inbox and what users were told are the same story.
fn the_books_agree(stack: &Stack, told: &BTreeMap<String, Told>, unknown: usize) {
    let rows = audit(stack);
    let count = |kind: &str, reason: &str, user: &str| {
        rows.iter()
            .filter(|row| row.kind == kind && row.reason == reason && row.user == user)
            .count()
    };
    for (user, told) in told {
        assert_eq!(
            count("login.challenge", "challenge", user),
            told.challenges,
            "{user}"
        );
        assert_eq!(
            count("login.wrong-code", "wrong-code", user),
            told.wrong,
            "{user}"
        );
        assert_eq!(count("login.allow", "code", user), told.accepted.len(), "{user}");
    }
    let again = rows.iter().filter(|row| row.reason == "retransmit").count();
    let _ = writeln!(
        std::io::stderr(),
        "crash: {again} packets came after their answer was stored"
    );
    let mut texts = BTreeMap::<String, Vec<Texted>>::new();
    for text in stack.texts() {
        texts.entry(text.reference.clone()).or_default().push(text);
    }
    let mut unknowns = 0;
    for row in rows.iter().filter(|row| row.reason == "challenge") {
        let ends: Vec<&str> = rows
            .iter()
            .filter(|other| other.reference == row.reference && other.kind.starts_with("sms."))
            .map(|other| other.kind.as_str())
            .collect();
        let texts = texts.remove(&row.reference).unwrap_or_default();
        let codes: BTreeSet<String> = texts.iter().map(Texted::code).collect();
        assert!(codes.len() <= 1, "{}: {codes:?}", row.user);
        match ends.as_slice() {
            ["sms.accepted"] => assert_eq!(texts.len(), 1, "{}", row.user),
            ["sms.unknown"] => {
                unknowns += 1;
                assert!(texts.len() <= 1, "{}", row.user);
            }
            _ => panic!("{}: {ends:?}", row.user),
        }
    }
    assert!(texts.is_empty(), "texts of no login: {texts:?}");
    // Leases that ended by themselves, while the kills went on, are there too. A kill leaves no more than were under way.
    let lost: usize = told.values().map(|told| told.lost).sum();
    assert!(
        unknowns >= unknown && unknowns >= lost,
        "{unknowns}, {unknown}, {lost}"
    );
    assert!(unknowns <= KILLS.saturating_add(1).saturating_mul(2 * WORKERS));
}

fn the_database_is_sound(stack: &mut Stack) {
    match stack.admin(AdminOp::AuditVerify) {
        AdminReply::AuditVerified {
            rows,
            broken_at: None,
            ..
        } => assert!(rows > 0),
        other => panic!("{other:?}"),
    }
    assert!(stack.daemon.as_mut().unwrap().stop().success());
    for log in ["daemon.log", "radius.log"] {
        let log = std::fs::read_to_string(stack.dir().join(log)).unwrap();
        assert!(!log.is_empty() && !log.contains("panicked at"));
    }
    let script = "import sqlite3, sys\n\
        print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchall())\n";
    assert_eq!(on_database(stack, script), "[('ok',)]");
}

#[test]
fn a_text_cut_off_by_a_kill_goes_once_more_with_the_same_code_through_another_provider() {
    let gateway = Gateway::start();
    let mut stack = Stack::new();
    gateway::provider(&stack, "hangs", 1, &gateway.json("/hang"));
    stack.admin(AdminOp::SmsProviderAdd {
        name: "inbox".to_owned(),
        kind: "file".to_owned(),
        priority: Some(2),
        sender: String::new(),
        config: Secret::new(serde_json::json!({ "path": stack.dir().join("inbox.jsonl") }).to_string()),
    });
    stack.roomy();
    stack.resource("vpn", ResourceSettings::default());
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    stack.user("alice", 5678, &["vpn"]);
    stack.start_radius("127.0.0.1:0");
    let mut vpn = Vpn::new(stack.address(), SECRET, Dice::new(2));
    let challenged = vpn.ask("alice", PASSWORD, None);
    assert_eq!(challenged.code, Code::AccessChallenge, "{}", challenged.message);
    let first = text_in(&gateway.received(1)[0]);
    stack.daemon.as_mut().unwrap().kill();
    assert_eq!(end_leases(&stack), 1);
    assert!(stack.texts().is_empty());
    stack.start_daemon();
    let second = stack.text_after(0);
    assert_eq!((&second.to, second.code()), (&first.to, first.code()));
    let accepted = vpn.ask("alice", &second.code(), Some(&challenged.state));
    assert_eq!(accepted.code, Code::AccessAccept, "{}", accepted.message);
    assert_eq!(stack.settled(), 1);
    assert_eq!(gateway.requests().len(), 1);
    match stack.admin(AdminOp::SmsMessages {
        limit: 10,
        after: None,
    }) {
        AdminReply::Messages { messages, .. } => {
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].state, "accepted");
            assert_eq!(messages[0].tried, ["hangs", "inbox"]);
        }
        other => panic!("{other:?}"),
    }
}
