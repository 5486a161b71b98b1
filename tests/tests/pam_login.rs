//! Logins through the real `pam_otpost.so` and the real otpostd, at pamtester, sshd, su and sudo.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings};
use otpost_ipc::{Hello, Role, frame};
use otpost_tests::pamstack::{
    PATIENCE, Pamtester, Running, Sandbox, Tested, connections, module_line, wait_for,
};
use otpost_tests::radclient;
use otpost_tests::sshd::{Session, Sshd, Typed};
use otpost_tests::stack::{PASSWORD, SECRET, Stack, Texted, number};
use otpost_tests::terminal::{CTRL_C, Terminal};

const GRANTED: &str = "pamtester: successfully authenticated";
const DENIED: &str = "Authentication failure";
const UNAVAILABLE: &str = "Authentication service cannot retrieve authentication info";
const TRIES_USED: &str = "Have exhausted maximum number of retries for service";
const SERVICE_ERROR: &str = "Error in service module";

const USER: &str = "otpalice";
const MASKED: &str = "+49 *** *** 78";
const NOBODY: u32 = 65_534;

/// Passed by whoever knows the password, and then by the code.
const SERVICES: [&str; 5] = ["door", "console", "sshd", "su", "sudo"];

/// A machine: otpostd with user, phone and resource `hosts`, and a sandbox for the programs that log in.
struct Machine {
    stack: Stack,
    sandbox: Sandbox,
}

impl Machine {
    fn or_skip(programs: &[&str]) -> Option<Self> {
        let sandbox = Sandbox::or_skip(programs)?;
        let machine = Self {
            stack: Stack::new(),
            sandbox,
        };
        machine.stack.inbox();
        machine.stack.resource("hosts", services(&SERVICES));
        machine.stack.resource("vpn", ResourceSettings::default());
        machine.stack.client("gw", "127.0.0.1/32", "vpn", "local");
        machine.stack.user(USER, 5678, &["hosts", "vpn"]);
        machine.door("");
        Some(machine)
    }

    fn pamtester() -> Option<Self> {
        Self::or_skip(&["pamtester"])
    }

    /// With a login of the operating system for [`USER`].
    fn with_login(programs: &[&str]) -> Option<Self> {
        let machine = Self::or_skip(&[programs, &["useradd", "chpasswd"]].concat())?;
        machine.sandbox.add_user(USER, PASSWORD);
        Some(machine)
    }

    fn line(&self, arguments: &str) -> String {
        module_line(&self.stack.socket("pam"), "required", arguments)
    }

    /// The service `name`: the first factor has passed, our module, and a module that lets in whoever we ignore.
    fn service(&self, name: &str, arguments: &str) {
        let module = self.line(arguments);
        self.sandbox.service(
            name,
            &format!("{module}auth required pam_permit.so\naccount required pam_permit.so\n"),
        );
    }

    fn door(&self, arguments: &str) {
        self.service("door", arguments);
    }

    fn at<'a>(&'a self, service: &'a str) -> Pamtester<'a> {
        Pamtester::new(&self.sandbox, service, USER)
    }

    /// A pamtester at `service` that has been asked for the code of this text.
    fn asked_at(&self, service: &str) -> (Running, Texted) {
        let before = self.stack.texts().len();
        let waiting = self.at(service).start();
        (waiting, self.stack.text_after(before))
    }

    fn asked(&self) -> (Running, Texted) {
        self.asked_at("door")
    }

    /// A login at the door with the right code must succeed.
    fn opens(&self) {
        let (waiting, text) = self.asked();
        let tested = waiting.typing(&format!("{}\n", text.code()));
        assert!(tested.success && tested.text.contains(GRANTED), "{tested:?}");
    }

    fn unlock(&self) {
        self.stack.admin(AdminOp::UserUnlock {
            user: USER.to_owned(),
        });
    }

    fn waiting_logins(&self) -> u64 {
        match self.stack.admin(AdminOp::Status) {
            AdminReply::Status(status) => status.open_challenges,
            other => panic!("{other:?}"),
        }
    }

    /// Nobody in the sandbox and no connection to the daemon.
    fn nothing_left(&self) {
        wait_for("the sandbox to be empty", || {
            self.sandbox.processes().is_empty().then_some(())
        });
        self.no_connection();
    }

    fn no_connection(&self) {
        let pam = self.stack.socket("pam");
        wait_for("the daemon's connections to end", || {
            (connections(&pam) == 0).then_some(())
        });
    }

    fn stop(&mut self) {
        assert!(self.stack.daemon.take().unwrap().stop().success());
    }

    /// Password and code.
    fn sshd(&self, arguments: &str) -> Sshd {
        let module = self.line(arguments);
        let stack = format!("auth required pam_unix.so nodelay\n{module}");
        Sshd::start(&self.sandbox, &stack, "MaxAuthTries 1")
    }

    /// Code alone, behind a public key.
    fn sshd_with_keys(&self) -> Sshd {
        let methods = "AuthenticationMethods publickey,keyboard-interactive";
        Sshd::start(&self.sandbox, &self.line(""), methods)
    }
}

fn services(names: &[&str]) -> ResourceSettings {
    ResourceSettings {
        pam_services: Some(names.iter().map(|&n| n.to_owned()).collect()),
        ..ResourceSettings::default()
    }
}

/// Six digits that are not `code`.
fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

fn denied(tested: &Tested, why: &str) {
    assert!(!tested.success && tested.text.contains(why), "{why}: {tested:?}");
    assert!(tested.took < PATIENCE, "{tested:?}");
}

#[test]
fn the_code_of_the_text_opens_and_prompt_and_text_belong_together() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, text) = machine.asked();
    assert_eq!(text.to, number(5678));
    assert!(text.text.starts_with("hosts: "), "{}", text.text);
    assert!(text.text.contains(" for door from 192.0.2.7."), "{}", text.text);
    let tested = waiting.typing(&format!("{}\n", text.code()));
    assert!(tested.success && tested.text.contains(GRANTED), "{tested:?}");
    let prompt = format!("Code from text {} to {MASKED} (6 digits", text.label());
    assert!(tested.text.contains(&prompt), "{tested:?}");
    let log = machine
        .sandbox
        .logged(&format!("allowed user={USER} rhost=192.0.2.7"));
    let everything = format!("{}{log}{}", tested.text, machine.sandbox.log().join("\n"));
    for secret in [number(5678).as_str(), "1712345678", text.code().as_str()] {
        assert!(!everything.contains(secret), "{everything}");
    }
    assert_eq!(machine.stack.settled(), 1);
    machine.nothing_left();
}

#[test]
fn a_used_code_is_none_for_the_next_login() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, first) = machine.asked();
    assert!(waiting.typing(&format!("{}\n", first.code())).success);
    let (waiting, second) = machine.asked();
    assert_ne!(first.reference, second.reference);
    if first.code() != second.code() {
        let tested = waiting.typing(&format!("{}\n{}\n", first.code(), second.code()));
        assert!(tested.success, "{tested:?}");
        assert_eq!(
            tested.text.matches("Wrong code, 4 tries left.").count(),
            1,
            "{tested:?}"
        );
    }
}

#[test]
fn a_wrong_code_and_then_the_right_one_open_with_one_text() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, text) = machine.asked();
    let code = text.code();
    let tested = waiting.typing(&format!("{}\nno digits at all\n {code} \n", wrong(&code)));
    assert!(tested.success, "{tested:?}");
    for notice in ["Wrong code, 4 tries left.", "Wrong code, 3 tries left."] {
        assert!(tested.text.contains(notice), "{tested:?}");
    }
    assert_eq!(machine.stack.settled(), 1);
}

#[test]
fn five_wrong_codes_lock_and_then_nothing_is_sent_until_the_lock_is_taken_away() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, text) = machine.asked();
    let code = text.code();
    let typed = format!("{}{code}\n", format!("{}\n", wrong(&code)).repeat(5));
    denied(&waiting.typing(&typed), TRIES_USED);
    let tested = machine.at("door").typing(&format!("{code}\n"));
    denied(&tested, DENIED);
    assert!(!tested.text.contains("Code from text"), "{tested:?}");
    assert_eq!(machine.stack.settled(), 1);
    let reasons = machine.stack.reasons();
    for reason in ["otp-locked-now", "otp-locked"] {
        assert!(reasons.iter().any(|r| r == reason), "{reasons:?}");
    }
    machine.unlock();
    machine.opens();
}

#[test]
fn eof_at_the_prompt_ends_the_login_at_the_daemon_too() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, text) = machine.asked();
    denied(&waiting.typing(""), "Conversation error");
    assert_eq!(machine.waiting_logins(), 0);
    machine.nothing_left();
    // Its code is none for the next login.
    let (waiting, next) = machine.asked();
    if text.code() != next.code() {
        let tested = waiting.typing(&format!("{}\n{}\n", text.code(), next.code()));
        assert!(tested.success && tested.text.contains("Wrong code"), "{tested:?}");
    }
}

#[test]
fn ctrl_c_at_the_prompt_leaves_no_process_and_no_connection() {
    let Some(machine) = Machine::or_skip(&["pamtester", "script"]) else {
        return;
    };
    let mut terminal = Terminal::start(
        &machine.sandbox,
        &format!("exec pamtester door {USER} authenticate"),
    );
    terminal.shows("empty to resend): ");
    machine.no_connection();
    let inside = machine.sandbox.processes();
    assert!(!inside.is_empty());
    terminal.types(CTRL_C);
    let (success, shown) = terminal.end();
    assert!(!success && !shown.contains(GRANTED), "{shown}");
    Sandbox::ended(&inside);
    machine.nothing_left();
    machine.opens();
    // And by a signal from elsewhere.
    let (waiting, _) = machine.asked();
    machine.no_connection();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(waiting.pid()).unwrap());
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    assert!(!waiting.typing("").success);
    machine.nothing_left();
    machine.opens();
}

#[test]
fn a_stopped_daemon_denies_and_only_safe_leaves_it_to_the_stack() {
    let Some(mut machine) = Machine::pamtester() else {
        return;
    };
    machine.service("console", "failmode=safe timeout=2");
    machine.door("timeout=2");
    machine
        .sandbox
        .service("alone", &machine.line("failmode=safe timeout=2"));
    machine.opens();
    // While the daemon is there, safe asks for the code as secure does.
    let (waiting, text) = machine.asked_at("console");
    denied(
        &waiting.typing(&format!("{}\n", wrong(&text.code()))),
        "Conversation error",
    );
    machine.stop();
    let tested = machine.at("door").typing("123456\n");
    denied(&tested, UNAVAILABLE);
    assert!(!tested.text.contains("Code from text"), "{tested:?}");
    assert!(
        machine
            .sandbox
            .logged("cannot connect to")
            .contains("is otpostd running")
    );
    let tested = machine.at("console").typing("");
    assert!(tested.success && tested.text.contains(GRANTED), "{tested:?}");
    let _ = machine.sandbox.logged("SECOND FACTOR SKIPPED (failmode=safe)");
    denied(&machine.at("alone").typing(""), "Permission denied");
    machine.stack.start_daemon();
    machine.opens();
}

#[test]
fn an_unknown_option_is_a_service_error_with_the_daemon_and_without() {
    let Some(mut machine) = Machine::pamtester() else {
        return;
    };
    machine.door("failmode=safe nullok");
    denied(&machine.at("door").typing("123456\n"), SERVICE_ERROR);
    assert!(machine.sandbox.logged("unknown option").contains("nullok"));
    assert_eq!(machine.stack.settled(), 0);
    machine.stop();
    denied(&machine.at("door").typing("123456\n"), SERVICE_ERROR);
}

/// Connects to `path` until its backlog is full.
fn fill_backlog(path: &Path) -> Vec<OwnedFd> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let address = UnixAddr::new(path).unwrap();
    let mut waiting = Vec::new();
    loop {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None).unwrap();
        match connect(fd.as_raw_fd(), &address) {
            Ok(()) => waiting.push(fd),
            Err(Errno::EAGAIN) => return waiting,
            Err(error) => panic!("after {} connections: {error}", waiting.len()),
        }
    }
}

/// Stops the daemon's process where it is and waits until it stands.
fn freeze(stack: &Stack) {
    let daemon = stack.daemon.as_ref().unwrap();
    daemon.signal(Signal::SIGSTOP);
    let stat = format!("/proc/{}/stat", daemon.pid());
    wait_for("the daemon to stand still", || {
        fs::read_to_string(&stat).unwrap().contains(") T ").then_some(())
    });
}

#[test]
fn a_frozen_daemon_with_a_full_backlog_holds_nobody_past_the_timeout() {
    let Some(machine) = Machine::with_login(&["pamtester", "sshd", "ssh"]) else {
        return;
    };
    machine.door("timeout=1");
    machine.service("console", "failmode=safe timeout=1");
    let sshd = machine.sshd("timeout=1");
    machine.opens();
    freeze(&machine.stack);
    // Room in the backlog, but nobody reads.
    denied(&machine.at("door").typing("123456\n"), UNAVAILABLE);
    let waiting = fill_backlog(&machine.stack.socket("pam"));
    denied(&machine.at("door").typing("123456\n"), UNAVAILABLE);
    assert!(machine.at("console").typing("").success);
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 1), "{session:?}");
    assert!(session.took < PATIENCE, "{session:?}");
    drop(waiting);
    machine.stack.daemon.as_ref().unwrap().signal(Signal::SIGCONT);
    machine.no_connection();
    let _ = machine.stack.settled();
    machine.opens();
}

#[derive(Debug, Clone, Copy)]
enum Restart {
    Orderly,
    Killed,
}

impl Restart {
    fn stop(self, stack: &mut Stack) {
        // The text is on its way for certain, and so need not be sent again.
        let _ = stack.settled();
        let mut daemon = stack.daemon.take().unwrap();
        match self {
            Self::Orderly => assert!(daemon.stop().success()),
            Self::Killed => daemon.kill(),
        }
    }
}

#[test]
fn a_daemon_restarted_between_prompt_and_answer_takes_the_code_of_the_first_text() {
    let Some(mut machine) = Machine::pamtester() else {
        return;
    };
    for how in [Restart::Orderly, Restart::Killed] {
        let before = machine.stack.settled();
        // Back before the answer.
        let (waiting, text) = machine.asked();
        how.stop(&mut machine.stack);
        machine.stack.start_daemon();
        let tested = waiting.typing(&format!("{}\n", text.code()));
        assert!(tested.success, "{how:?}: {tested:?}");
        assert_eq!(machine.stack.settled(), before + 1, "{how:?}");
        // The answer comes while nobody listens, wrong at first: the tries are remembered too.
        let (waiting, text) = machine.asked();
        how.stop(&mut machine.stack);
        let typed = format!("{}\n{}\n", wrong(&text.code()), text.code());
        let tested = std::thread::scope(|scope| {
            let login = scope.spawn(|| waiting.typing(&typed));
            machine.stack.start_daemon();
            login.join().unwrap()
        });
        assert!(tested.success, "{how:?}: {tested:?}");
        assert!(
            tested.text.contains("Wrong code, 4 tries left."),
            "{how:?}: {tested:?}"
        );
        assert_eq!(machine.stack.settled(), before + 2, "{how:?}");
    }
}

#[test]
fn an_answer_to_a_daemon_that_stays_away_is_denied() {
    let Some(mut machine) = Machine::pamtester() else {
        return;
    };
    machine.door("timeout=2");
    let (waiting, text) = machine.asked();
    Restart::Killed.stop(&mut machine.stack);
    denied(&waiting.typing(&format!("{}\n", text.code())), UNAVAILABLE);
}

fn radius(stack: &Stack, user: &str, state: Option<&str>, typed: &str) -> radclient::Received {
    let attributes = match state {
        None => radclient::password(user, typed),
        Some(state) => radclient::code(user, state, typed),
    };
    radclient::ask(stack.address(), SECRET, &attributes, 5)
}

/// A challenged login over RADIUS; gives State and text.
fn challenged(stack: &Stack, user: &str) -> (String, Texted) {
    let before = stack.texts().len();
    let reply = radius(stack, user, None, PASSWORD);
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    (reply.state(), stack.text_after(before))
}

#[test]
fn a_code_for_the_vpn_is_none_for_the_host_nor_the_other_way_about() {
    let Some(mut machine) = Machine::or_skip(&["pamtester", "radclient"]) else {
        return;
    };
    machine.stack.start_radius("127.0.0.1:0");
    let (state, vpn) = challenged(&machine.stack, USER);
    let (waiting, host) = machine.asked();
    assert!(vpn.text.starts_with("vpn: ") && host.text.starts_with("hosts: "));
    let (vpn, host) = (vpn.code(), host.code());
    // Equal once in a million.
    if vpn != host {
        let again = radius(&machine.stack, USER, Some(&state), &host);
        assert!(again.is("Access-Challenge"), "{again:?}");
        let tested = waiting.typing(&format!("{vpn}\n{host}\n"));
        assert!(tested.success, "{tested:?}");
        assert_eq!(tested.text.matches("Wrong code").count(), 1, "{tested:?}");
        let reply = radius(&machine.stack, USER, Some(&again.state()), &vpn);
        assert!(reply.is("Access-Accept"), "{reply:?}");
    }
    assert_eq!(machine.stack.settled(), 2);
}

#[test]
fn tries_and_locks_are_shared_by_radius_and_pam_and_by_all_spellings() {
    let Some(mut machine) = Machine::or_skip(&["pamtester", "radclient"]) else {
        return;
    };
    machine.stack.start_radius("127.0.0.1:0");
    let realm = format!("CORP\\\\{USER}");
    let spelled = format!("CORP\\{}", USER.to_uppercase());
    // Five wrong codes over RADIUS lock at PAM.
    let (mut state, text) = challenged(&machine.stack, &realm);
    for last in [false, false, false, false, true] {
        let reply = radius(&machine.stack, &realm, Some(&state), &wrong(&text.code()));
        assert!(
            reply.is(if last { "Access-Reject" } else { "Access-Challenge" }),
            "{reply:?}"
        );
        if !last {
            state = reply.state();
        }
    }
    let sent = machine.stack.settled();
    for user in [USER, &spelled] {
        let tested = Pamtester::new(&machine.sandbox, "door", user).typing("123456\n");
        denied(&tested, DENIED);
    }
    machine.unlock();
    // Three there and two here lock both.
    let (mut state, text) = challenged(&machine.stack, &realm);
    for _ in 0..3 {
        let reply = radius(&machine.stack, &realm, Some(&state), &wrong(&text.code()));
        assert!(reply.is("Access-Challenge"), "{reply:?}");
        state = reply.state();
    }
    let (waiting, host) = machine.asked();
    let typed = format!("{0}\n{0}\n{1}\n", wrong(&host.code()), host.code());
    let tested = waiting.typing(&typed);
    denied(&tested, TRIES_USED);
    assert!(tested.text.contains("Wrong code, last try."), "{tested:?}");
    let reply = radius(&machine.stack, &realm, Some(&state), &text.code());
    assert!(reply.is("Access-Reject"), "{reply:?}");
    assert!(radius(&machine.stack, USER, None, PASSWORD).is("Access-Reject"));
    assert_eq!(machine.stack.settled(), sent + 2);
    // Another spelling at PAM is the same user, with the same phone.
    machine.unlock();
    let waiting = Pamtester::new(&machine.sandbox, "door", &spelled).start();
    let text = machine.stack.text_after(sent + 2);
    assert_eq!(text.to, number(5678));
    assert!(waiting.typing(&format!("{}\n", text.code())).success);
}

#[test]
fn a_service_is_guarded_by_its_own_resource_or_by_that_of_all_others_or_closed() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    for name in ["gate", "cellar"] {
        machine.service(name, "");
    }
    let tested = machine.at("gate").typing("123456\n");
    assert!(
        !tested.success && !tested.text.contains("Code from text"),
        "{tested:?}"
    );
    assert!(machine.stack.reasons().contains(&"no-resource".to_owned()));
    assert_eq!(machine.stack.settled(), 0);
    machine.stack.resource("rest", services(&["*"]));
    machine.stack.resource("cellar", services(&["cellar"]));
    // A resource that does not know the user lets nobody in, and no other resource steps in.
    for name in ["gate", "cellar"] {
        denied(&machine.at(name).typing("123456\n"), DENIED);
    }
    assert!(machine.stack.reasons().contains(&"not-in-resource".to_owned()));
    assert_eq!(machine.stack.settled(), 0);
    machine.stack.user("bob", 2222, &["rest", "cellar"]);
    for (service, guarded_by) in [("gate", "rest: "), ("cellar", "cellar: ")] {
        let before = machine.stack.texts().len();
        let waiting = Pamtester::new(&machine.sandbox, service, "bob").start();
        let text = machine.stack.text_after(before);
        assert!(text.text.starts_with(guarded_by), "{service}: {}", text.text);
        assert!(waiting.typing(&format!("{}\n", text.code())).success);
    }
    let (waiting, text) = machine.asked();
    assert!(text.text.starts_with("hosts: "), "{}", text.text);
    assert!(waiting.typing(&format!("{}\n", text.code())).success);
    let off = ResourceSettings {
        enabled: Some(false),
        ..ResourceSettings::default()
    };
    machine.stack.admin(AdminOp::ResourceSet {
        name: "hosts".to_owned(),
        set: off,
    });
    denied(&machine.at("door").typing("123456\n"), DENIED);
}

#[test]
fn asking_for_another_text_too_soon_says_how_long_and_sends_none() {
    let Some(machine) = Machine::pamtester() else {
        return;
    };
    let (waiting, text) = machine.asked();
    let tested = waiting.typing(&format!("resend\nr\n\n{}\n", text.code()));
    assert!(tested.success, "{tested:?}");
    let notices: Vec<&str> = tested.text.split("No new text for ").skip(1).collect();
    assert_eq!(notices.len(), 3, "{tested:?}");
    for notice in notices {
        let (seconds, rest) = notice.split_once(" s. ").unwrap();
        assert!((1..=30).contains(&seconds.parse::<u32>().unwrap()), "{tested:?}");
        let prompt = format!("Code from text {} to {MASKED}", text.label());
        assert!(rest.starts_with(&prompt), "{tested:?}");
    }
    assert!(!tested.text.contains("1712345678"), "{tested:?}");
    assert_eq!(machine.stack.settled(), 1);
}

/// Lets everybody reach the sockets, as in `/run/otpost`.
fn reachable(stack: &Stack) {
    fs::set_permissions(stack.dir(), fs::Permissions::from_mode(0o711)).unwrap();
}

/// Restarts the daemon with users allowed to ask for themselves at the service `locker`.
fn allow_locker(machine: &mut Machine) {
    let file = machine.stack.dir().join("daemon.toml");
    let config = fs::read_to_string(&file).unwrap();
    let config = config.replace("[sockets]\n", "[sockets]\nlockers = [\"locker\"]\n");
    fs::write(&file, config).unwrap();
    machine.stop();
    machine.stack.start_daemon();
}

#[test]
fn only_root_may_ask_for_anybody() {
    let Some(mut machine) = Machine::or_skip(&["pamtester", "setpriv"]) else {
        return;
    };
    reachable(&machine.stack);
    machine.stack.resource("lockers", services(&["locker"]));
    machine.stack.user("nobody", 4444, &["lockers", "hosts"]);
    // Not even a stack that lets in whom we ignore.
    machine.door("failmode=safe");
    machine.service("locker", "failmode=safe");
    for (service, user) in [
        ("door", USER),
        ("door", "root"),
        ("door", "nobody"),
        ("locker", "nobody"),
    ] {
        let tested = Pamtester::new(&machine.sandbox, service, user)
            .as_uid(NOBODY)
            .typing("123456\n");
        denied(&tested, DENIED);
    }
    assert!(
        machine
            .sandbox
            .logged("refuses the request")
            .contains("only root may ask")
    );
    assert_eq!(machine.stack.settled(), 0);
    // A screen locker asks for its own user and for nobody else.
    allow_locker(&mut machine);
    for (service, user) in [
        ("door", USER),
        ("door", "nobody"),
        ("locker", USER),
        ("locker", "root"),
    ] {
        let tested = Pamtester::new(&machine.sandbox, service, user)
            .as_uid(NOBODY)
            .typing("123456\n");
        denied(&tested, DENIED);
    }
    let _ = machine.sandbox.logged("users may ask only for themselves");
    assert_eq!(machine.stack.settled(), 0);
    let waiting = Pamtester::new(&machine.sandbox, "locker", "nobody")
        .as_uid(NOBODY)
        .start();
    let text = machine.stack.text_after(0);
    assert_eq!(text.to, number(4444));
    // What such a caller says of its remote host is not believed.
    assert!(!text.text.contains("192.0.2.7"), "{}", text.text);
    let tested = waiting.typing(&format!("{}\n", text.code()));
    assert!(tested.success, "{tested:?}");
}

#[test]
fn a_user_who_hoards_connections_keeps_nobody_out() {
    let Some(mut machine) = Machine::or_skip(&["pamtester", "perl"]) else {
        return;
    };
    reachable(&machine.stack);
    // With lockers, users may connect at all.
    allow_locker(&mut machine);
    let hello = machine.sandbox.dir().join("hello");
    fs::write(&hello, frame::encode(&Hello::of(Role::Pam)).unwrap()).unwrap();
    let script = "use IO::Socket::UNIX; use Socket; $SIG{PIPE} = 'IGNORE'; \
                  open(H, '<:raw', $ARGV[1]) or die $!; read(H, $hello, 4096) or die $!; \
                  for (1..200) { \
                      my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die $!; \
                      syswrite($s, $hello) if $_ <= 100; push @all, $s } \
                  syswrite(STDOUT, scalar(@all)); sysread(STDIN, $_, 1)";
    let ready = machine.sandbox.dir().join("ready");
    let mut hoarder = Command::new("perl")
        .args(["-e", script])
        .arg(machine.stack.socket("pam"))
        .arg(&hello)
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&ready).unwrap())
        .spawn()
        .unwrap();
    wait_for("two hundred connections", || {
        assert_eq!(hoarder.try_wait().unwrap(), None);
        (fs::read(&ready).unwrap() == b"200").then_some(())
    });
    machine.opens();
    // What is left of them is the user's share, and it does not keep the daemon from stopping either.
    wait_for("the rest to be turned away", || {
        (connections(&machine.stack.socket("pam")) == 4).then_some(())
    });
    machine.opens();
    assert_eq!(hoarder.try_wait().unwrap(), None);
    machine.stop();
    hoarder.kill().unwrap();
    hoarder.wait().unwrap();
}

// Programs at a terminal.

/// Password first, then the code; further arguments for our module.
fn password_and_code(machine: &Machine, service: &str, control: &str, arguments: &str) {
    let module = machine.line(arguments);
    machine.sandbox.service(
        service,
        &format!(
            "auth {control} pam_unix.so nodelay\n{module}account required pam_permit.so\nsession required pam_permit.so\n"
        ),
    );
}

/// Runs `line` as another user than root.
fn as_user(user: &str, line: &str) -> String {
    format!("exec setpriv --reuid {user} --regid {user} --init-groups --reset-env {line}")
}

#[test]
fn su_asks_for_password_and_code() {
    let Some(machine) = Machine::with_login(&["su", "script", "setpriv"]) else {
        return;
    };
    password_and_code(&machine, "su", "required", "");
    machine.sandbox.add_user("otpbob", "bob's own");
    let su = as_user("otpbob", &format!("su -c 'id -un; echo in' {USER}"));
    let mut terminal = Terminal::start(&machine.sandbox, &su);
    terminal.shows("Password: ");
    terminal.types(&format!("{PASSWORD}\n"));
    let prompt = terminal.shows("empty to resend): ");
    let text = machine.stack.text_after(0);
    assert!(
        prompt.contains(&format!("text {} to {MASKED}", text.label())),
        "{prompt}"
    );
    assert!(text.text.contains(" for su."), "{}", text.text);
    terminal.types(&format!("{}\n", text.code()));
    let (success, shown) = terminal.end();
    assert!(success && shown.contains(&format!("{USER}\r\nin")), "{shown}");
    // The wrong code does not.
    let mut terminal = Terminal::start(&machine.sandbox, &su);
    terminal.shows("Password: ");
    terminal.types(&format!("{PASSWORD}\n"));
    terminal.shows("empty to resend): ");
    let text = machine.stack.text_after(1);
    for left in ["4 tries left", "3 tries left", "2 tries left", "last try"] {
        terminal.types(&format!("{}\n", wrong(&text.code())));
        terminal.shows(left);
        terminal.shows("(6 digits): ");
    }
    terminal.types(&format!("{}\n", wrong(&text.code())));
    let (success, shown) = terminal.end();
    assert!(!success && !shown.contains("\r\nin"), "{shown}");
    assert_eq!(machine.stack.settled(), 2);
    machine.nothing_left();
}

#[test]
fn su_after_ctrl_c_goes_on_with_the_text_that_is_there() {
    let Some(machine) = Machine::with_login(&["su", "script"]) else {
        return;
    };
    machine.service("su", "");
    machine.sandbox.service(
        "su",
        &format!(
            "{}account required pam_permit.so\nsession required pam_permit.so\n",
            machine.line("")
        ),
    );
    // The shell outlives the key.
    let line =
        format!("trap : INT; su -c true {USER}; echo first $?; su -c 'echo in' {USER}; echo second $?");
    let mut terminal = Terminal::start(&machine.sandbox, &line);
    let first = terminal.shows("empty to resend): ");
    let text = machine.stack.text_after(0);
    machine.no_connection();
    let inside = machine.sandbox.processes();
    terminal.types(CTRL_C);
    terminal.shows("first 130");
    let second = terminal.shows("empty to resend): ");
    for prompt in [first, second] {
        assert!(
            prompt.contains(&format!("text {} to {MASKED}", text.label())),
            "{prompt}"
        );
    }
    terminal.types(&format!("{}\n", text.code()));
    let (_, shown) = terminal.end();
    assert!(
        shown.contains("\r\nin\r\n") && shown.contains("second 0"),
        "{shown}"
    );
    assert_eq!(machine.stack.settled(), 1);
    Sandbox::ended(&inside);
    machine.nothing_left();
}

/// A sudo that asks three times, each time for everything.
fn sudo(machine: &Machine) -> Terminal {
    let sudoers = machine.sandbox.dir().join("etc/sudoers");
    let rules = format!(
        "Defaults passwd_tries=3, timestamp_timeout=0, lecture=never, !use_pty\nroot ALL=(ALL:ALL) ALL\n{USER} ALL=(ALL:ALL) ALL\n"
    );
    let _ = fs::remove_file(&sudoers);
    fs::write(&sudoers, rules).unwrap();
    fs::set_permissions(&sudoers, fs::Permissions::from_mode(0o440)).unwrap();
    password_and_code(machine, "sudo", "requisite", "retries=1");
    Terminal::start(
        &machine.sandbox,
        &as_user(USER, "sudo -- sh -c 'id -un; echo in'"),
    )
}

#[test]
fn the_three_tries_of_one_sudo_cost_one_text() {
    let Some(machine) = Machine::with_login(&["sudo", "script", "setpriv"]) else {
        return;
    };
    let mut terminal = sudo(&machine);
    terminal.shows("assword");
    terminal.types("not the password\n");
    terminal.shows("try again");
    assert_eq!(machine.stack.settled(), 0);
    terminal.shows("assword");
    terminal.types(&format!("{PASSWORD}\n"));
    let first = terminal.shows("(6 digits, empty to resend): ");
    let text = machine.stack.text_after(0);
    terminal.types(&format!("{}\n", wrong(&text.code())));
    terminal.shows("try again");
    terminal.shows("assword");
    terminal.types(&format!("{PASSWORD}\n"));
    let second = terminal.shows("(6 digits, empty to resend): ");
    for prompt in [first, second] {
        assert!(
            prompt.contains(&format!("text {} to {MASKED}", text.label())),
            "{prompt}"
        );
    }
    terminal.types(&format!("{}\n", text.code()));
    let (success, shown) = terminal.end();
    assert!(success && shown.contains("root\r\nin"), "{shown}");
    assert_eq!(machine.stack.settled(), 1);
    let joined = machine.stack.reasons().iter().filter(|r| *r == "joined").count();
    assert_eq!(joined, 1);
}

#[test]
fn a_sudo_without_the_code_fails_three_times_with_one_text() {
    let Some(machine) = Machine::with_login(&["sudo", "script", "setpriv"]) else {
        return;
    };
    let mut terminal = sudo(&machine);
    let mut code = None;
    for _ in 0..3 {
        terminal.shows("assword");
        terminal.types(&format!("{PASSWORD}\n"));
        terminal.shows("(6 digits, empty to resend): ");
        let code = code.get_or_insert_with(|| machine.stack.text_after(0).code());
        terminal.types(&format!("{}\n", wrong(code)));
    }
    let (success, shown) = terminal.end();
    assert!(!success && !shown.contains("\r\nin"), "{shown}");
    assert!(shown.contains("3 incorrect password attempts"), "{shown}");
    assert_eq!(machine.stack.settled(), 1);
    // The tries are those of the login, not of each attempt.
    let wrong = machine
        .stack
        .reasons()
        .iter()
        .filter(|r| *r == "wrong-code")
        .count();
    assert_eq!(wrong, 3);
    machine.nothing_left();
}

// sshd.

/// What the user types at a prompt for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Right,
    Wrong,
    Words(&'static str),
    Leave,
    Interrupt,
}

fn pressed(keys: Keys, code: &str) -> Typed {
    match keys {
        Keys::Right => Typed::from(code),
        Keys::Wrong => Typed::Text(wrong(code)),
        Keys::Words(words) => Typed::from(words),
        Keys::Leave => Typed::Leave,
        Keys::Interrupt => Typed::Interrupt,
    }
}

/// Types the password where it is asked for, then `keys` at each further prompt; goes away when they are used up.
fn answering<'a>(stack: &'a Stack, keys: &'a [Keys]) -> impl FnMut(&str) -> Typed + 'a {
    let before = stack.texts().len();
    let mut keys = keys.iter();
    move |prompt| {
        if prompt.starts_with("Password:") {
            return Typed::from(PASSWORD);
        }
        let code = stack.text_after(before).code();
        pressed(*keys.next().unwrap_or(&Keys::Leave), &code)
    }
}

fn in_as(session: &Session) -> Option<&str> {
    session.success.then_some(session.stdout.as_str())
}

fn ssh_machine() -> Option<Machine> {
    Machine::with_login(&["sshd", "ssh", "ssh-keygen"])
}

#[test]
fn ssh_takes_password_and_code() {
    let Some(machine) = ssh_machine() else { return };
    let sshd = machine.sshd("");
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    let text = machine.stack.text_after(0);
    assert!(text.text.contains(" for sshd from 127.0.0.1."), "{}", text.text);
    let prompt = format!("Code from text {} to {MASKED} (6 digits", text.label());
    assert_eq!(session.prompts.len(), 2, "{session:?}");
    assert!(session.prompts[1].starts_with(&prompt), "{session:?}");
    // Wrong at first, and impatient.
    let keys = [Keys::Wrong, Keys::Words("resend"), Keys::Right];
    let session = sshd.login(USER, None, answering(&machine.stack, &keys));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert!(
        session.prompts[2].starts_with("Wrong code, 4 tries left."),
        "{session:?}"
    );
    assert!(session.prompts[3].starts_with("No new text for "), "{session:?}");
    assert!(
        session.prompts.iter().all(|p| !p.contains("1712345678")),
        "{session:?}"
    );
    assert_eq!(machine.stack.settled(), 2);
    // The right code does not make up for a wrong password.
    let mut keys = answering(&machine.stack, &[Keys::Right]);
    let session = sshd.login(USER, None, |prompt| {
        if prompt.starts_with("Password:") {
            Typed::from("not the password")
        } else {
            keys(prompt)
        }
    });
    assert_eq!(in_as(&session), None, "{session:?}");
}

#[test]
fn ssh_with_five_wrong_codes_locks() {
    let Some(machine) = ssh_machine() else { return };
    let sshd = machine.sshd("");
    let keys = [Keys::Wrong; 6];
    let session = sshd.login(USER, None, answering(&machine.stack, &keys));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 6), "{session:?}");
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 1), "{session:?}");
    assert_eq!(machine.stack.settled(), 1);
    machine.unlock();
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
}

#[test]
fn ssh_takes_a_public_key_and_a_code_and_neither_alone() {
    let Some(machine) = ssh_machine() else { return };
    let sshd = machine.sshd_with_keys();
    let key = sshd.key_for(USER);
    let session = sshd.login(
        USER,
        Some(&key),
        answering(&machine.stack, &[Keys::Wrong, Keys::Right]),
    );
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert_eq!(session.prompts.len(), 2, "no password is asked: {session:?}");
    assert!(session.prompts[0].starts_with("Code from text "), "{session:?}");
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 0), "{session:?}");
    let keys = [Keys::Wrong; 6];
    let session = sshd.login(USER, Some(&key), answering(&machine.stack, &keys));
    assert_eq!(in_as(&session), None, "{session:?}");
    assert_eq!(machine.stack.settled(), 2);
}

#[test]
fn ssh_users_who_go_away_at_the_prompt_leave_nothing_behind() {
    let Some(machine) = ssh_machine() else { return };
    let sshd = machine.sshd("");
    for gone in [Keys::Leave, Keys::Interrupt] {
        let mut inside = Vec::new();
        let mut keys = answering(&machine.stack, std::slice::from_ref(&gone));
        let session = sshd.login(USER, None, |prompt| {
            let answer = keys(prompt);
            if !prompt.starts_with("Password:") {
                inside = machine.sandbox.processes();
                // The module holds none while the user looks for the phone.
                machine.no_connection();
            }
            answer
        });
        assert_eq!((in_as(&session), session.prompts.len()), (None, 2), "{session:?}");
        assert!(inside.len() > 1, "{inside:?}");
        Sandbox::ended(&inside);
        machine.nothing_left();
        let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
        assert_eq!(in_as(&session), Some(USER), "{gone:?}: {session:?}");
    }
}

#[test]
fn ssh_without_a_daemon_is_denied_and_nothing_hangs() {
    let Some(mut machine) = ssh_machine() else { return };
    let sshd = machine.sshd("timeout=2");
    machine.stop();
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 1), "{session:?}");
    assert!(session.took < PATIENCE, "{session:?}");
    let _ = machine.sandbox.logged("cannot connect to");
    machine.nothing_left();
    machine.stack.start_daemon();
    let session = sshd.login(USER, None, answering(&machine.stack, &[Keys::Right]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
}

#[test]
fn ssh_survives_a_restart_of_the_daemon_between_prompt_and_answer() {
    let Some(mut machine) = ssh_machine() else { return };
    let sshd = machine.sshd("");
    for how in [Restart::Orderly, Restart::Killed] {
        let before = machine.stack.settled();
        let stack = &mut machine.stack;
        let session = sshd.login(USER, None, |prompt| {
            if prompt.starts_with("Password:") {
                return Typed::from(PASSWORD);
            }
            let text = stack.text_after(before);
            how.stop(stack);
            stack.start_daemon();
            Typed::Text(text.code())
        });
        assert_eq!(in_as(&session), Some(USER), "{how:?}: {session:?}");
        assert_eq!(session.prompts.len(), 2, "{how:?}: {session:?}");
        assert_eq!(machine.stack.settled(), before + 1, "{how:?}");
    }
}
