//! Users, guards and tokens.

use otpost_core::Timestamp;
use otpost_core::ids::{ChallengeId, ResourceId, SessionId, TokenId, UserId};
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, Window};

use super::Case;
use super::samples::{NOW, challenge, id, name, phone, session, token, user};
use crate::{CounterKey, Store, StoreError, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a user comes back as it was put", user_round_trip),
    ("users are found by login and by alias", names),
    ("a name belongs to one user", taken_names),
    ("an address belongs to one user, whatever its case", taken_email),
    ("users come in order of name, in pages", pages),
    ("a search takes no wildcards", search),
    ("users of a resource are counted", bound),
    ("a deleted user leaves nothing behind", deleted_user),
    ("a guard comes back, the default where there is none", guard),
    ("a token comes back with its number", token_round_trip),
    ("tokens come oldest first, and by number", token_lists),
];

const ALICE: UserId = UserId([0xaa; 16]);

fn user_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut alice = user(1, "Alice")?;
    alice.aliases = vec![name("al")?, name("alice.b")?];
    alice.email = Some("Alice@Example.org".to_owned());
    alice.resources = vec![ResourceId(id(3)), ResourceId(id(4))];
    let put = alice.clone();
    write(store, move |tx| tx.put_user(&put))?;
    let found = read(store, move |tx| tx.user(UserId(id(1))))?;
    assert_eq!(found.as_ref(), Some(&alice));
    assert_eq!(read(store, |tx| tx.user(ALICE))?, None);
    // A second put replaces everything.
    let plain = user(1, "Alicia")?;
    let put = plain.clone();
    write(store, move |tx| tx.put_user(&put))?;
    assert_eq!(read(store, move |tx| tx.user(UserId(id(1))))?, Some(plain));
    let old = read(store, |tx| tx.user_by_name(&name("al")?))?;
    assert_eq!(old, None);
    assert_eq!(read(store, |tx| tx.users_of(ResourceId(id(3))))?, 0);
    Ok(())
}

fn names(store: &dyn Store) -> Result<(), StoreError> {
    let mut alice = user(1, "Alice")?;
    // A user's own login among the aliases, or an alias twice, is no clash.
    alice.aliases = vec![name("al")?, name("al")?, name("alice")?];
    let put = alice.clone();
    write(store, move |tx| tx.put_user(&put))?;
    for known in ["alice", "AL", "CORP\\al"] {
        let found = read(store, move |tx| tx.user_by_name(&name(known)?))?;
        assert_eq!(found.as_ref(), Some(&alice), "{known}");
    }
    assert_eq!(read(store, |tx| tx.user_by_name(&name("bob")?))?, None);
    Ok(())
}

fn taken_names(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        let mut alice = user(1, "alice")?;
        alice.aliases = vec![name("al")?];
        tx.put_user(&alice)
    })?;
    let put = |login: &'static str, alias: Option<&'static str>| {
        write(store, move |tx| {
            let mut bob = user(2, login)?;
            bob.aliases = alias.map(name).transpose()?.into_iter().collect();
            tx.put_user(&bob)
        })
    };
    assert_eq!(put("alice", None), Err(StoreError::Taken { field: "login" }));
    assert_eq!(put("al", None), Err(StoreError::Taken { field: "login" }));
    assert_eq!(
        put("bob", Some("alice")),
        Err(StoreError::Taken { field: "alias" })
    );
    assert_eq!(put("bob", Some("al")), Err(StoreError::Taken { field: "alias" }));
    assert_eq!(read(store, |tx| tx.user(UserId(id(2))))?, None);
    assert_eq!(put("bob", Some("robert")), Ok(()));
    // What a user gives up is free for others.
    write(store, |tx| tx.put_user(&user(1, "alina")?))?;
    assert_eq!(put("bob", Some("alice")), Ok(()));
    Ok(())
}

fn taken_email(store: &dyn Store) -> Result<(), StoreError> {
    let put = |number: u8, login: &'static str, email: Option<&'static str>| {
        write(store, move |tx| {
            let mut someone = user(number, login)?;
            someone.email = email.map(str::to_owned);
            tx.put_user(&someone)
        })
    };
    put(1, "alice", Some("Mail@Example.org"))?;
    assert_eq!(
        put(2, "bob", Some("mail@example.ORG")),
        Err(StoreError::Taken { field: "email" })
    );
    put(2, "bob", None)?;
    put(3, "carol", None)?;
    put(1, "alice", Some("mail@example.org"))?;
    let found = read(store, |tx| tx.user(UserId(id(1))))?;
    assert_eq!(found.and_then(|u| u.email).as_deref(), Some("mail@example.org"));
    Ok(())
}

fn pages(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for number in (0..25).rev() {
            tx.put_user(&user(number, &format!("user{number:02}"))?)?;
        }
        Ok(())
    })?;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = {
            let after = after.clone();
            read(store, move |tx| tx.users(after.as_ref(), "", 10))?
        };
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        seen.extend(page.into_iter().map(|u| u.login));
    }
    let all: Vec<_> = (0..25).map(|n| format!("user{n:02}")).collect();
    assert_eq!(seen, all);
    assert_eq!(read(store, |tx| tx.users(None, "", 0))?, []);
    Ok(())
}

fn search(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for (number, login) in [(1, "a_b"), (2, "axb"), (3, "50%"), (4, "508"), (5, "äöü")] {
            tx.put_user(&user(number, login)?)?;
        }
        Ok(())
    })?;
    let cases: [(&'static str, &[&str]); 8] = [
        ("_", &["a_b"]),
        ("A_B", &["a_b"]),
        ("%", &["50%"]),
        ("50", &["508", "50%"]),
        ("Ö", &["äöü"]),
        ("\\", &[]),
        ("'", &[]),
        ("b", &["a_b", "axb"]),
    ];
    for (text, expected) in cases {
        let found = read(store, move |tx| tx.users(None, text, 100))?;
        let mut found: Vec<_> = found.iter().map(|u| u.login.as_str()).collect();
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
    write(store, |tx| {
        let mut someone = user(90, "zoe")?;
        someone.profile.first_name = "Zoë".to_owned();
        someone.profile.last_name = "Ångström".to_owned();
        someone.email = Some("Z.Angstrom@Example.com".to_owned());
        tx.put_user(&someone)
    })?;
    let about: [(&'static str, &[&str]); 6] = [
        ("zoë å", &["zoe"]),
        ("ångström", &["zoe"]),
        ("angstrom@example", &["zoe"]),
        ("a_b", &["a_b"]),
        ("%", &["50%"]),
        ("nobody", &[]),
    ];
    for (text, expected) in about {
        let found = read(store, move |tx| tx.users_about(None, text, 100))?;
        let found: Vec<_> = found.iter().map(|u| u.login.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }
    // Another name is found from then on, and the old one no more.
    write(store, |tx| {
        let mut someone = user(90, "zoe")?;
        someone.profile.last_name = "Berg".to_owned();
        tx.put_user(&someone)
    })?;
    assert_eq!(read(store, |tx| tx.users_about(None, "ångström", 9))?, []);
    assert_eq!(read(store, |tx| tx.users_about(None, "berg", 9))?.len(), 1);
    let long = "%a".repeat(100_000);
    assert_eq!(read(store, move |tx| tx.users(None, &long, 100))?, []);
    Ok(())
}

fn bound(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for (number, login) in [(1, "alice"), (2, "bob"), (3, "carol")] {
            let mut someone = user(number, login)?;
            someone.resources = vec![ResourceId(id(9)), ResourceId(id(number)), ResourceId(id(9))];
            tx.put_user(&someone)?;
        }
        tx.delete_user(UserId(id(3)))
    })?;
    let counts = read(store, |tx| {
        [9, 1, 3]
            .map(|resource| tx.users_of(ResourceId(id(resource))))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
    })?;
    assert_eq!(counts, [2, 1, 0]);
    Ok(())
}

fn deleted_user(store: &dyn Store) -> Result<(), StoreError> {
    let counter = Counter::default().hit(NOW, otpost_core::limits::HOUR);
    let (gone, stays) = (UserId(id(1)), UserId(id(2)));
    write(store, move |tx| {
        for (number, login) in [(1, "alice"), (2, "bob")] {
            let mut someone = user(number, login)?;
            someone.email = Some(format!("{login}@example.org"));
            tx.put_user(&someone)?;
            let owner = someone.id;
            tx.put_guard(
                owner,
                &Guard {
                    consecutive: 2,
                    ..Guard::default()
                },
            )?;
            tx.put_token(&token(number, owner)?)?;
            tx.put_challenge(&challenge(number, owner))?;
            tx.put_session(&session(number, ChallengeId(id(number))))?;
            tx.put_counter(CounterKey::TextsForUser(owner), &counter)?;
            tx.put_counter(CounterKey::PasswordsOfUser(owner), &counter)?;
            tx.put_counter(CounterKey::PasswordsFromSource(owner, "192.0.2.0/24"), &counter)?;
            tx.put_counter(CounterKey::TextsToNumber(&phone(number)?), &counter)?;
            tx.put_source_success(owner, "192.0.2.0/24", NOW)?;
        }
        tx.delete_user(gone)?;
        // Not there: nothing happens.
        tx.delete_user(gone)
    })?;
    for (number, owner, there) in [(1, gone, false), (2, stays, true)] {
        let found = read(store, move |tx| {
            let some = |counter: Counter| counter != Counter::default();
            Ok([
                tx.user(owner)?.is_some(),
                tx.guard(owner)? != Guard::default(),
                tx.token(TokenId(id(number)))?.is_some(),
                !tx.tokens_of(owner)?.is_empty(),
                !tx.tokens_with_phone(&phone(number)?)?.is_empty(),
                tx.challenge(ChallengeId(id(number)))?.is_some(),
                !tx.open_challenges(owner, NOW)?.is_empty(),
                tx.session(SessionId(id(number)))?.is_some(),
                some(tx.counter(CounterKey::TextsForUser(owner))?),
                some(tx.counter(CounterKey::PasswordsOfUser(owner))?),
                some(tx.counter(CounterKey::PasswordsFromSource(owner, "192.0.2.0/24"))?),
                tx.source_success(owner, "192.0.2.0/24")?.is_some(),
            ])
        })?;
        assert_eq!(found, [there; 12]);
    }
    // The number's budget outlives its owner; name and address are free again.
    let kept = read(store, |tx| tx.counter(CounterKey::TextsToNumber(&phone(1)?)))?;
    assert_eq!(kept, counter);
    write(store, |tx| {
        let mut again = user(3, "alice")?;
        again.email = Some("alice@example.org".to_owned());
        tx.put_user(&again)
    })
}

fn guard(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(read(store, |tx| tx.guard(ALICE))?, Guard::default());
    let locked = Guard {
        consecutive: 4,
        locked_until: Some(Timestamp(NOW.0 + 900_000)),
        locks: 3,
        last_failure: NOW,
        month: Window {
            start: Timestamp(NOW.0 - 5),
            count: 17,
        },
        barred: true,
    };
    let mut open = locked.clone();
    open.locked_until = None;
    for guard in [locked, open, Guard::default()] {
        let put = guard.clone();
        write(store, move |tx| tx.put_guard(ALICE, &put))?;
        assert_eq!(read(store, |tx| tx.guard(ALICE))?, guard);
    }
    Ok(())
}

fn token_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut mine = token(1, ALICE)?;
    let put = mine.clone();
    write(store, move |tx| tx.put_token(&put))?;
    let found = read(store, |tx| tx.token(TokenId(id(1))))?;
    assert_eq!(found.as_ref(), Some(&mine));
    assert_eq!(
        found.map(|t| t.phone.expose().to_owned()).as_deref(),
        Some("+491712345601")
    );
    mine.phone = phone(7)?;
    mine.user = UserId(id(8));
    let put = mine.clone();
    write(store, move |tx| tx.put_token(&put))?;
    assert_eq!(read(store, |tx| tx.token(TokenId(id(1))))?, Some(mine.clone()));
    assert_eq!(read(store, |tx| tx.tokens_with_phone(&phone(1)?))?, []);
    assert_eq!(read(store, |tx| tx.tokens_of(ALICE))?, []);
    assert_eq!(read(store, |tx| tx.tokens_with_phone(&phone(7)?))?, [mine]);
    write(store, |tx| tx.delete_token(TokenId(id(1))))?;
    assert_eq!(read(store, |tx| tx.token(TokenId(id(1))))?, None);
    write(store, |tx| tx.delete_token(TokenId(id(1))))
}

fn token_lists(store: &dyn Store) -> Result<(), StoreError> {
    let mut tokens = Vec::new();
    for (number, age) in [(3, 30), (1, 10), (2, 20)] {
        let mut one = token(number, ALICE)?;
        one.created = Timestamp(NOW.0 + age);
        one.phone = phone(number % 2)?;
        tokens.push(one);
    }
    let put = tokens.clone();
    write(store, move |tx| put.iter().try_for_each(|t| tx.put_token(t)))?;
    tokens.sort_by_key(|t| t.created);
    assert_eq!(read(store, |tx| tx.tokens_of(ALICE))?, tokens);
    tokens.retain(|t| t.id != TokenId(id(2)));
    assert_eq!(read(store, |tx| tx.tokens_with_phone(&phone(1)?))?, tokens);
    Ok(())
}
