//! How many logins a second the store bears, and how long each takes.
//!
//! A login is two durable transactions: issue (challenge, session, text, counters, audit row), then consume (session and
//! challenge read and replaced, audit row). With `full`, it also reads what the login service reads before it decides.
//! Usage: store_bench [DIRECTORY] [SECONDS] [USERS] [CLIENTS]; the database is made in DIRECTORY (default: the system's temporary
//! one) with USERS (default 200), each with a token. CLIENTS log in at once (default: 1, 64, then 128).
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use otpost_core::challenge::{Answered, State};
use otpost_core::gate::Counts;
use otpost_core::ids::{AttemptId, ChallengeId, MessageId, Reference, SessionId, TokenId, UserId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::outbox::Kind;
use otpost_core::phone::Phone;
use otpost_core::{Rng, Timestamp};
use otpost_store::contract::samples::{self, NOW, Seeded};
use otpost_store::sqlite::{OpenOptions, SqliteStore};
use otpost_store::{CounterKey, Store, StoreError, Tx, write};

type Error = Box<dyn std::error::Error>;

struct Login {
    user: UserId,
    number: u32,
    phone: Phone,
    challenge: ChallengeId,
    session: SessionId,
    attempt: AttemptId,
    answer: AttemptId,
    message: MessageId,
    reference: Reference,
    now: Timestamp,
}

fn id_of(number: u32) -> [u8; 16] {
    UserId::random(&mut Seeded(u64::from(number) << 32)).0
}

fn phone_of(number: u32) -> Result<Phone, StoreError> {
    samples::phone(number.to_le_bytes()[0] % 200)
}

fn look(tx: &mut dyn Tx, login: &Login) -> Result<(), StoreError> {
    let name = samples::name(&format!("user{}", login.number))?;
    let user = tx.user_by_name(&name)?.ok_or(StoreError::Closed)?;
    tx.resource_of_service("sshd")?;
    tx.guard(user.id)?;
    tx.tokens_of(user.id)?;
    tx.open_challenges(user.id, login.now)?;
    tx.session(login.session)?;
    tx.counter(CounterKey::PasswordsFromSource(user.id, "198.51.100.0/24"))?;
    tx.counter(CounterKey::PasswordsOfUser(user.id))?;
    tx.source_success(user.id, "198.51.100.0/24")?;
    tx.send_policy()?;
    Ok(())
}

fn issue(tx: &mut dyn Tx, login: &Login, full: bool) -> Result<(), StoreError> {
    if full {
        look(tx, login)?;
    }
    let keys = [
        CounterKey::TextsToNumber(&login.phone),
        CounterKey::TextsForUser(login.user),
        CounterKey::TextsForSource("198.51.100.0/24"),
        CounterKey::TextsInAll,
    ];
    let counts = Counts {
        number: tx.counter(keys[0])?,
        user: tx.counter(keys[1])?,
        source: tx.counter(keys[2])?,
        all: tx.counter(keys[3])?,
    }
    .hit(login.now);
    for (key, counter) in keys
        .into_iter()
        .zip([counts.number, counts.user, counts.source, counts.all])
    {
        tx.put_counter(key, &counter)?;
    }
    let mut challenge = samples::challenge(0, login.user);
    challenge.id = login.challenge;
    challenge.attempt = login.attempt;
    challenge.first_session = login.session;
    challenge.created = login.now;
    challenge.deadline = Timestamp(login.now.0 + 600_000);
    tx.put_challenge(&challenge)?;
    let mut session = samples::session(0, challenge.id);
    session.id = login.session;
    tx.put_session(&session)?;
    let mut message = samples::message(0);
    message.id = login.message;
    message.created = login.now;
    message.due = login.now;
    message.kind = Kind::Code {
        challenge: challenge.id,
        generation: 0,
        token: challenge.token,
    };
    message.reference = login.reference.clone();
    tx.put_message(&message)?;
    let mut event = samples::event(0);
    event.reference = login.reference.clone();
    tx.append_audit(&event)
}

fn consume(tx: &mut dyn Tx, login: &Login, full: bool) -> Result<bool, StoreError> {
    let mut session = tx.session(login.session)?.ok_or(StoreError::Closed)?;
    let mut challenge = tx.challenge(session.challenge)?.ok_or(StoreError::Closed)?;
    if full {
        tx.user(challenge.user)?;
        tx.tokens_of(challenge.user)?;
        tx.guard(challenge.user)?;
        tx.resource(challenge.resource)?;
        tx.put_source_success(challenge.user, "198.51.100.0/24", login.now)?;
    }
    if challenge.state != State::Open {
        return Ok(false);
    }
    challenge.state = State::Consumed { by: login.answer };
    session.answered = Some((login.answer, Answered::Allowed));
    tx.put_challenge(&challenge)?;
    tx.put_session(&session)?;
    let mut event = samples::event(1);
    event.reference = login.reference.clone();
    tx.append_audit(&event)?;
    Ok(true)
}

fn client(
    store: &dyn Store,
    seed: u64,
    users: u32,
    full: bool,
    stop: &AtomicBool,
) -> Result<Vec<[Duration; 2]>, StoreError> {
    let mut rng = Seeded(seed << 32);
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut pick = [0; 4];
        rng.fill(&mut pick);
        let number = u32::from_le_bytes(pick) % users;
        let now = Timestamp(NOW.0 + took.len() as u64);
        let login = Arc::new(Login {
            user: UserId(id_of(number)),
            number,
            phone: phone_of(number)?,
            challenge: ChallengeId::ordered(now, &mut rng),
            session: SessionId::random(&mut rng),
            attempt: AttemptId::random(&mut rng),
            answer: AttemptId::random(&mut rng),
            message: MessageId::ordered(now, &mut rng),
            reference: Reference::random(&mut rng),
            now,
        });
        let start = Instant::now();
        let own = Arc::clone(&login);
        write(store, move |tx| issue(tx, &own, full))?;
        let issued = start.elapsed();
        if !write(store, move |tx| consume(tx, &login, full))? {
            return Err(StoreError::Refused("a fresh challenge was consumed".to_owned()));
        }
        took.push([issued, start.elapsed()]);
    }
    Ok(took)
}

fn run(
    directory: &std::path::Path,
    clients: u64,
    seconds: u64,
    users: u32,
    full: bool,
) -> Result<String, Error> {
    let path = directory.join(format!("store-bench-{}.db", std::process::id()));
    let store = Arc::new(SqliteStore::open(OpenOptions {
        path: Some(path.clone()),
        keys: Keyring::derive(&MasterKey::new([7; 32])),
        rng: Box::new(Seeded(1)),
        readers: 2,
        queue: 1024,
    })?);
    write(&*store, move |tx| {
        let mut resource = samples::resource(1, "Office VPN");
        resource.pam_services = vec!["sshd".to_owned()];
        tx.put_resource(&resource)?;
        for number in 0..users {
            let mut user = samples::user(0, &format!("user{number}"))?;
            user.id = UserId(id_of(number));
            user.email = None;
            tx.put_user(&user)?;
            let mut token = samples::token(0, user.id)?;
            token.id = TokenId(user.id.0);
            token.phone = phone_of(number)?;
            tx.put_token(&token)?;
        }
        Ok(())
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|n| {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            thread::spawn(move || client(&*store, n + 1, users, full, &stop))
        })
        .collect();
    thread::sleep(Duration::from_secs(seconds));
    stop.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| "a client panicked")??);
    }
    let elapsed = start.elapsed();
    drop(store);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let mut totals: Vec<_> = all.iter().map(|[_, total]| *total).collect();
    totals.sort();
    let at = |share: usize| totals.get((totals.len() * share / 100).min(totals.len().saturating_sub(1)));
    let ms = |d: Option<&Duration>| d.map_or(0.0, |d| d.as_secs_f64() * 1000.0);
    Ok(format!(
        "{:>7}  {clients:>4} clients  {:>7.0} logins/s  p50 {:>6.2} ms  p99 {:>6.2} ms  worst {:>6.2} ms",
        if full { "full" } else { "writes" },
        totals.len() as f64 / elapsed.as_secs_f64(),
        ms(at(50)),
        ms(at(99)),
        ms(totals.last()),
    ))
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let directory = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = args.next().map_or(Ok(5), |s| s.parse())?;
    let users = args.next().map_or(Ok(200), |s| s.parse())?;
    let only = args.next().map(|s| s.parse()).transpose()?;
    for full in [false, true] {
        for clients in only.map_or(vec![1, 64, 128], |clients| vec![clients]) {
            let line = run(&directory, clients, seconds, users, full)?;
            writeln!(std::io::stdout(), "{line}")?;
        }
    }
    Ok(())
}
