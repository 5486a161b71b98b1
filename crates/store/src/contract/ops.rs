//! Sequences of operations, run on a store and on the reference model: both must say the same at every step.

use otpost_core::Timestamp;
use otpost_core::challenge::{Answered, State};
use otpost_core::gate::Policy;
use otpost_core::ids::{
    AttemptId, ChallengeId, ClientId, MessageId, ProviderId, ResourceId, SessionId, TokenId, UserId,
};
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, Window};
use otpost_core::outbox;
use otpost_core::phone::Phone;

use super::model::Model;
use super::samples::{self, NOW, id, key, name, phone};
use crate::{CounterKey, Read, Row, Store, StoreError, Tx, read, write};

/// An operation: which, on what, with what. Any numbers make one.
pub type Op = [u8; 4];

/// A transaction: operations, and whether it gives up at the end.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// What it does, in order.
    pub ops: Vec<Op>,
    /// Whether it fails after that.
    pub fails: bool,
}

const NAMES: [&str; 5] = ["alice", "al", "bob", "Carol", "o_o"];
const SOURCES: [&str; 3] = ["192.0.2.0/24", "via sshd", ""];
const SERVICES: [&str; 4] = ["*", "sshd", "sudo", "login"];
const KINDS: [&str; 3] = ["a", "b", "aa"];
const DAY: u64 = 24 * 3600 * 1000;

fn pick<T: Copy>(all: &[T], number: u8) -> Option<T> {
    all.iter().copied().cycle().nth(usize::from(number))
}

/// Times apart enough for every rule about age.
fn time(number: u8) -> Timestamp {
    let days = [0, 1, 2, 3, 15, 30, 31, 60];
    let day = pick(&days, number).unwrap_or(0);
    Timestamp(NOW.0 + day * DAY + u64::from(number))
}

fn small(number: u8) -> [u8; 16] {
    id(number % 4)
}

fn counter_key(number: u8, phone: &Phone) -> CounterKey<'_> {
    let source = pick(&SOURCES, number / 6).unwrap_or("");
    let user = UserId(small(number / 18));
    match number % 6 {
        0 => CounterKey::TextsToNumber(phone),
        1 => CounterKey::TextsForUser(user),
        2 => CounterKey::TextsForSource(source),
        3 => CounterKey::TextsInAll,
        4 => CounterKey::PasswordsFromSource(user, source),
        _ => CounterKey::PasswordsOfUser(user),
    }
}

/// Applies one operation. Its outcome, an error too, is part of what both sides must agree on.
fn apply(tx: &mut dyn Tx, [kind, a, b, c]: Op) -> Result<u64, StoreError> {
    let named = |number: u8| pick(&NAMES, number).unwrap_or("x");
    match kind % 27 {
        0 | 1 => {
            let mut user = samples::user(a % 4, named(b))?;
            user.aliases = [c, c / 5]
                .iter()
                .take(usize::from(c % 3))
                .map(|n| name(named(*n)))
                .collect::<Result<_, _>>()?;
            user.email = (c % 2 == 0).then(|| pick(&["a@x", "A@X", "b@x"], c / 2).unwrap_or("").to_owned());
            user.resources = (0..b % 3).map(|n| ResourceId(small(n.wrapping_add(c)))).collect();
            tx.put_user(&user)?;
        }
        2 => tx.delete_user(UserId(small(a)))?,
        3 => {
            let guard = Guard {
                consecutive: u32::from(b),
                locked_until: (c % 2 == 0).then(|| time(c)),
                locks: u32::from(c),
                last_failure: time(b),
                month: Window {
                    start: time(c),
                    count: u32::from(b),
                },
                barred: b % 2 == 1,
            };
            tx.put_guard(UserId(small(a)), &guard)?;
        }
        4 | 5 => {
            let mut token = samples::token(a % 4, UserId(small(b)))?;
            token.phone = phone(c % 3)?;
            token.created = time(c);
            tx.put_token(&token)?;
        }
        6 => tx.delete_token(TokenId(small(a)))?,
        7 | 8 => {
            let mut resource = samples::resource(a % 4, named(b));
            resource.pam_services = [c, c / 4]
                .iter()
                .take(usize::from(c % 3))
                .filter_map(|n| pick(&SERVICES, *n))
                .map(str::to_owned)
                .collect();
            tx.put_resource(&resource)?;
        }
        9 => tx.delete_resource(ResourceId(small(a)))?,
        10 | 11 => {
            let mut challenge = samples::challenge(a % 4, UserId(small(b)));
            challenge.attempt = AttemptId(small(c));
            challenge.created = time(b);
            challenge.deadline = time(c);
            challenge.expires = time(a);
            challenge.state = match c % 5 {
                0 => State::Consumed {
                    by: AttemptId(small(b)),
                },
                1 => State::Dead,
                _ => State::Open,
            };
            tx.put_challenge(&challenge)?;
        }
        12 => {
            let mut session = samples::session(a % 4, ChallengeId(small(b)));
            session.answered = (c % 2 == 0).then_some((AttemptId(small(c)), Answered::Denied));
            tx.put_session(&session)?;
        }
        13 | 14 => {
            let window = |number: u8| Window {
                start: time(number),
                count: u32::from(c),
            };
            let counter = Counter {
                short: window(b),
                day: window(c),
            };
            tx.put_counter(counter_key(a % 72, &phone(a / 6 % 3)?), &counter)?;
        }
        15 => tx.delete_counter(counter_key(a % 72, &phone(a / 6 % 3)?))?,
        16 => tx.put_source_success(UserId(small(a)), pick(&SOURCES, b).unwrap_or(""), time(c))?,
        17 | 18 => {
            let mut message = samples::message(a % 4);
            message.created = time(b);
            message.due = time(c);
            message.state = match c % 4 {
                0 => outbox::State::Failed,
                1 => outbox::State::Leased {
                    provider: "p".to_owned(),
                    until: time(a),
                },
                _ => outbox::State::Queued,
            };
            tx.put_message(&message)?;
            if b % 2 == 0 {
                tx.put_test_number(message.id, &phone(c % 3)?)?;
            }
        }
        19 => tx.put_client(&samples::client(a % 4, named(b), ResourceId(small(c))))?,
        20 => tx.delete_client(ClientId(small(a)))?,
        21 => {
            let mut provider = samples::provider(a % 4, named(b));
            provider.priority = u32::from(c % 3);
            tx.put_provider(&provider)?;
            if c % 4 == 0 {
                tx.delete_provider(ProviderId(small(b)))?;
            }
        }
        22 => {
            tx.put_send_policy(&Policy {
                all_day: u32::from(a),
                ..Policy::default()
            })?;
            tx.append_audit(&samples::event(b))?;
        }
        23 | 24 => {
            let mut row = samples::document(pick(&KINDS, a / 4).unwrap_or(""), a % 4);
            row.owner = (b % 3 > 0).then(|| small(b / 3));
            row.key = (c % 3 > 0).then(|| key(c / 3 % 4));
            row.due = (c % 2 == 0).then(|| time(b));
            row.body.push(c);
            tx.put_document(&row)?;
        }
        25 => tx.delete_document(pick(&KINDS, b).unwrap_or(""), &small(a))?,
        _ => return tx.sweep(time(a), u32::from(b % 8)),
    }
    Ok(0)
}

/// Everything the reading methods say, one line each.
fn view(tx: &mut dyn Read) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    let mut line = |what: &str, said: &dyn std::fmt::Debug| lines.push(format!("{what}: {said:?}"));
    for number in 0..4 {
        let octets = id(number);
        let user = UserId(octets);
        line("user", &tx.user(user)?);
        line("users of", &tx.users_of(ResourceId(octets))?);
        line("guard", &tx.guard(user)?);
        line("token", &tx.token(TokenId(octets))?);
        line("tokens of", &tx.tokens_of(user)?);
        line("with phone", &tx.tokens_with_phone(&phone(number)?)?);
        line("resource", &tx.resource(ResourceId(octets))?);
        line("challenge", &tx.challenge(ChallengeId(octets))?);
        line("session", &tx.session(SessionId(octets))?);
        line("message", &tx.message(MessageId(octets))?);
        let number = tx.test_number(MessageId(octets))?;
        line("test number", &number.map(|n| n.expose().to_owned()));
        line("last success", &tx.last_success(user)?);
        for source in SOURCES {
            line("source", &tx.source_success(user, source)?);
        }
    }
    // Every subject once: six kinds, three sources or numbers, four users.
    for key in 0..72 {
        line("counter", &tx.counter(counter_key(key, &phone(key / 6 % 3)?))?);
    }
    for text in NAMES {
        line("by name", &tx.user_by_name(&name(text)?)?);
        line("after", &tx.users(Some(&name(text)?), "", 2)?);
        line("search", &tx.users(None, text, 9)?);
        line("by key", &tx.resource_by_key(text)?);
        let client = tx.client(text)?;
        line("secret", &client.as_ref().map(|c| c.secret.expose().to_owned()));
        line("client", &client);
    }
    for service in SERVICES.into_iter().chain(["other"]) {
        line("service", &tx.resource_of_service(service)?);
    }
    for now in 0..8 {
        line("due", &tx.due_messages(time(now), 3)?);
        line("open", &tx.open_challenges(UserId(id(now % 4)), time(now))?);
        line("totals", &tx.totals(time(now))?);
    }
    for kind in KINDS {
        let mut document = |what: &str, row: &Row| {
            line(what, &(&row.kind, row.id, row.owner, row.key, row.due));
            line("body", &row.body.as_slice());
        };
        for number in 0..4 {
            if let Some(row) = tx.document(kind, &id(number))? {
                document("document", &row);
            }
            if let Some(row) = tx.document_by_key(kind, &key(number))? {
                document("by key", &row);
            }
            for row in tx.documents_of(kind, &id(number))? {
                document("of owner", &row);
            }
            for row in tx.documents(kind, Some(&id(number)), 2)? {
                document("after", &row);
            }
        }
        for now in 0..8 {
            for row in tx.documents_due(kind, time(now), 2)? {
                document("due", &row);
            }
        }
        line("next", &tx.next_document_due(kind)?);
    }
    line("resources", &tx.resources()?);
    line("next due", &tx.next_due()?);
    line("messages", &tx.messages(3)?);
    line("clients", &tx.clients()?);
    line("providers", &tx.providers()?);
    line("policy", &tx.send_policy()?);
    line("audit", &tx.audit(0, 1000)?);
    Ok(lines)
}

fn run(tx: &mut dyn Tx, transaction: &Transaction) -> Vec<Result<u64, StoreError>> {
    transaction.ops.iter().map(|op| apply(tx, *op)).collect()
}

/// Runs `transactions` on `store`, which must be empty, and on the model.
///
/// # Errors
/// What the store said, where the model does not say it.
///
/// # Panics
/// Where store and model differ.
pub fn check(store: &dyn Store, transactions: &[Transaction]) -> Result<(), StoreError> {
    let mut model = Model::default();
    for transaction in transactions {
        let mut next = model.clone();
        let expected = run(&mut next, transaction);
        let wanted = transaction.clone();
        let (said_tx, said_rx) = std::sync::mpsc::sync_channel(1);
        let outcome = write(store, move |tx| {
            let _ = said_tx.try_send(run(tx, &wanted));
            if wanted.fails {
                return Err(StoreError::Refused("the end".to_owned()));
            }
            Ok(())
        });
        assert_eq!(said_rx.try_recv(), Ok(expected), "{transaction:?}");
        assert_eq!(outcome.is_err(), transaction.fails);
        if !transaction.fails {
            model = next;
        }
        let expected = view(&mut model)?;
        // An engine may read by other ways inside a write.
        for found in [read(store, |tx| view(tx))?, write(store, |tx| view(tx))?] {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "after {transaction:?}");
            }
        }
    }
    Ok(())
}
