//! The audit chain.

use otpost_core::audit::{Event, link};

use super::Case;
use super::samples::{NOW, event};
use crate::{AuditRow, Store, StoreError, Totals, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("audit rows come back in order, in pages", pages),
    ("the chain verifies, also after jobs that failed", chain),
    ("audit rows are found by a part of their text", found),
    ("totals count what there is", totals),
];

/// Checks the whole chain: positions from 1 without gaps, each hash over the one before. Gives the rows.
///
/// # Errors
/// [`StoreError::Damaged`] names the first row that does not fit.
pub fn verify(store: &dyn Store) -> Result<Vec<AuditRow>, StoreError> {
    let rows = read(store, |tx| tx.audit(0, u32::MAX))?;
    let mut last = [0; 32];
    for (row, seq) in rows.iter().zip(1..) {
        if row.seq != seq || row.hash != link(&last, &row.text) {
            return Err(StoreError::Damaged(format!("audit {}", row.seq)));
        }
        last = row.hash;
    }
    Ok(rows)
}

fn parsed(rows: &[AuditRow]) -> Vec<Option<Event>> {
    rows.iter()
        .map(|row| serde_json::from_str(&row.text).ok())
        .collect()
}

fn pages(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| (1..=5).try_for_each(|n| tx.append_audit(&event(n))))?;
    let page = |after: u64, limit: u32| read(store, move |tx| tx.audit(after, limit));
    let events = |numbers: std::ops::RangeInclusive<u8>| numbers.map(|n| Some(event(n))).collect::<Vec<_>>();
    assert_eq!(parsed(&page(0, 100)?), events(1..=5));
    assert_eq!(parsed(&page(2, 2)?), events(3..=4));
    assert_eq!(page(5, 100)?, []);
    assert_eq!(page(u64::MAX, 100)?, []);
    assert_eq!(verify(store)?.len(), 5);
    Ok(())
}

fn found(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for (number, user) in (1..).zip(["alice", "Alice_B", "alicexb", "100%", "bob"]) {
            tx.append_audit(&Event {
                user: user.to_owned(),
                ..event(number)
            })?;
        }
        Ok(())
    })?;
    let found = |range: (u64, u64), part: &'static str, limit: u32| {
        let rows = read(store, move |tx| tx.audit_with(range, part, limit))?;
        Ok::<_, StoreError>(rows.iter().map(|row| row.seq).collect::<Vec<_>>())
    };
    let all = (0, u64::MAX);
    assert_eq!(found(all, "alice", 9)?, [3, 2, 1]);
    assert_eq!(found(all, "ALICE", 2)?, [3, 2]);
    assert_eq!(found((1, 2), "alice", 9)?, [2]);
    // Signs of LIKE stand for themselves.
    assert_eq!(found(all, "alice_b", 9)?, [2]);
    assert_eq!(found(all, "0%", 9)?, [4]);
    assert_eq!(found(all, "nobody", 9)?, [0_u64; 0]);
    assert_eq!(found((5, 2), "bob", 9)?, [0_u64; 0]);
    assert_eq!(parsed(&read(store, |tx| tx.audit_with((4, 5), "", 9))?).len(), 1);
    Ok(())
}

fn chain(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(verify(store)?, []);
    for number in 1..=20 {
        let outcome = write(store, move |tx| {
            tx.append_audit(&event(number))?;
            if number % 3 == 0 {
                return Err(StoreError::Refused("no".to_owned()));
            }
            tx.append_audit(&event(number + 100))
        });
        assert_eq!(outcome.is_err(), number % 3 == 0);
    }
    let rows = verify(store)?;
    let expected: Vec<_> = (1..=20u8)
        .filter(|n| n % 3 != 0)
        .flat_map(|n| [Some(event(n)), Some(event(n + 100))])
        .collect();
    assert_eq!(parsed(&rows), expected);
    Ok(())
}

fn totals(store: &dyn Store) -> Result<(), StoreError> {
    use super::samples::{challenge, message, resource, token, user};
    assert_eq!(read(store, |tx| tx.totals(NOW))?, Totals::default());
    write(store, |tx| {
        for (number, login) in [(1, "alice"), (2, "bob")] {
            let someone = user(number, login)?;
            tx.put_user(&someone)?;
            for extra in 0..number {
                tx.put_token(&token(10 * number + extra, someone.id)?)?;
            }
            tx.put_challenge(&challenge(number, someone.id))?;
        }
        tx.put_resource(&resource(1, "VPN"))?;
        tx.put_message(&message(1))?;
        tx.append_audit(&event(1))
    })?;
    assert_eq!(
        read(store, |tx| tx.totals(NOW))?,
        Totals {
            users: 2,
            tokens: 3,
            resources: 1,
            open_challenges: 2,
            waiting_texts: 1,
            audit_rows: 1,
        }
    );
    // Replaced rows are none more, deleted ones less; a user takes the tokens along.
    let replaced = user(2, "robert")?;
    write(store, move |tx| {
        tx.put_user(&replaced)?;
        tx.put_token(&token(20, replaced.id)?)?;
        tx.delete_token(token(21, replaced.id)?.id)?;
        tx.delete_token(token(21, replaced.id)?.id)?;
        tx.delete_user(user(1, "alice")?.id)
    })?;
    let left = read(store, |tx| tx.totals(NOW))?;
    assert_eq!((left.users, left.tokens), (1, 1));
    let undone = write(store, |tx| {
        tx.put_user(&user(3, "carol")?)?;
        Err::<(), _>(StoreError::Refused("no".to_owned()))
    });
    assert!(undone.is_err());
    assert_eq!(read(store, |tx| tx.totals(NOW))?.users, 1);
    Ok(())
}
