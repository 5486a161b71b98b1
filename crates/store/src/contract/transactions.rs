//! Closures: all or nothing, one after the other, no damage from those that fail.

use std::sync::mpsc::sync_channel;

use otpost_core::gate::Policy;
use otpost_core::ids::{ResourceId, UserId};

use super::Case;
use super::samples::{NOW, client, event, id, provider, resource, user};
use crate::{CounterKey, Store, StoreError, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a closure that fails leaves nothing", failing),
    ("what a closure took back is seen by nobody", taken_back),
    ("a closure may go on after a taken name", going_on),
    ("a closure sees its own changes", own_changes),
    ("an acknowledged write is seen by every later read", seen),
    ("jobs of one batch fail for themselves", batch),
    ("a closure that panics leaves nothing and harms nobody", panicking),
    ("writes count every increment", increments),
];

fn failing(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| tx.put_user(&user(1, "alice")?))?;
    let outcome: Result<(), _> = write(store, |tx| {
        tx.put_user(&user(2, "bob")?)?;
        tx.delete_user(UserId(id(1)))?;
        tx.put_resource(&resource(1, "VPN"))?;
        tx.put_client(&client(1, "gate", ResourceId(id(1))))?;
        tx.put_provider(&provider(1, "first"))?;
        tx.append_audit(&event(1))?;
        Err(StoreError::Refused("changed my mind".to_owned()))
    });
    assert_eq!(outcome, Err(StoreError::Refused("changed my mind".to_owned())));
    let left = read(store, |tx| {
        Ok((
            tx.users(None, "", 10)?,
            tx.resources()?,
            tx.clients()?,
            tx.providers()?,
            tx.audit(0, 10)?,
        ))
    })?;
    assert_eq!(left, (vec![user(1, "alice")?], vec![], vec![], vec![], vec![]));
    Ok(())
}

fn taken_back(store: &dyn Store) -> Result<(), StoreError> {
    let vpn = |name: &str| {
        let mut vpn = resource(1, name);
        vpn.pam_services = vec!["sshd".to_owned()];
        vpn
    };
    let policy = |all_day: u32| Policy {
        all_day,
        ..Policy::default()
    };
    write(store, move |tx| {
        tx.put_resource(&vpn("VPN"))?;
        tx.put_send_policy(&policy(1))
    })?;
    let (done_tx, done_rx) = sync_channel(10);
    // Handed in at once, so that they share transactions: some give up after a change that they looked at.
    for number in 0..10u32 {
        let done = done_tx.clone();
        store.submit_write(
            Box::new(move |tx| {
                let id = ResourceId(id(1));
                let names = [tx.resource(id)?, tx.resource_of_service("sshd")?];
                assert_eq!(names, [Some(vpn("VPN")), Some(vpn("VPN"))]);
                assert_eq!(tx.send_policy()?, policy(1));
                if number % 3 == 0 {
                    return Ok(());
                }
                if number % 3 == 1 {
                    tx.delete_resource(id)?;
                    tx.put_send_policy(&policy(2))?;
                    assert_eq!(tx.resource(id)?, None);
                    assert_eq!(tx.resource_of_service("sshd")?, None);
                } else {
                    tx.put_resource(&vpn("Other"))?;
                    tx.put_send_policy(&policy(3))?;
                    assert_eq!(tx.resource(id)?, Some(vpn("Other")));
                    assert_eq!(tx.resource_of_service("sshd")?, Some(vpn("Other")));
                }
                assert_eq!(tx.send_policy()?.all_day, number % 3 + 1);
                Err(StoreError::Refused("changed my mind".to_owned()))
            }),
            Box::new(move |outcome| {
                let _ = done.try_send(outcome);
            }),
        );
    }
    drop(done_tx);
    let refused = || Err(StoreError::Refused("changed my mind".to_owned()));
    let expected: Vec<_> = (0..10)
        .map(|n| if n % 3 == 0 { Ok(()) } else { refused() })
        .collect();
    assert_eq!(done_rx.iter().collect::<Vec<_>>(), expected);
    Ok(())
}

fn going_on(store: &dyn Store) -> Result<(), StoreError> {
    let (first, second) = write(store, |tx| {
        let mut alice = user(1, "alice")?;
        alice.aliases = vec![super::samples::name("al")?];
        tx.put_user(&alice)?;
        let mut bob = user(2, "bob")?;
        bob.aliases = vec![super::samples::name("robert")?];
        bob.resources = vec![ResourceId(id(1))];
        tx.put_user(&bob)?;
        bob.resources.clear();
        bob.aliases = vec![super::samples::name("al")?];
        let first = tx.put_user(&bob);
        tx.put_resource(&resource(1, "VPN"))?;
        let second = tx.put_resource(&resource(2, "vpn"));
        Ok((first, second))
    })?;
    assert_eq!(first, Err(StoreError::Taken { field: "alias" }));
    assert_eq!(
        second,
        Err(StoreError::Taken {
            field: "resource name"
        })
    );
    let (robert, bound) = read(store, |tx| {
        Ok((
            tx.user_by_name(&super::samples::name("robert")?)?,
            tx.users_of(ResourceId(id(1)))?,
        ))
    })?;
    assert_eq!(
        robert.map(|u| (u.id, u.resources.len())),
        Some((UserId(id(2)), 1))
    );
    assert_eq!(bound, 1);
    Ok(())
}

fn own_changes(store: &dyn Store) -> Result<(), StoreError> {
    let seen = write(store, |tx| {
        tx.put_user(&user(1, "alice")?)?;
        let there = tx.user(UserId(id(1)))?.is_some();
        tx.delete_user(UserId(id(1)))?;
        Ok((there, tx.user(UserId(id(1)))?.is_some()))
    })?;
    assert_eq!(seen, (true, false));
    Ok(())
}

fn seen(store: &dyn Store) -> Result<(), StoreError> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|number| {
                scope.spawn(move || -> Result<bool, StoreError> {
                    let owner = UserId(id(number));
                    for round in 0..50 {
                        let now = otpost_core::Timestamp(NOW.0 + round);
                        write(store, move |tx| tx.put_source_success(owner, "net", now))?;
                        if read(store, move |tx| tx.source_success(owner, "net"))? != Some(now) {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().map_err(|_| StoreError::Closed)?, Ok(true));
        }
        Ok(())
    })
}

fn batch(store: &dyn Store) -> Result<(), StoreError> {
    let (done_tx, done_rx) = sync_channel(200);
    // Handed in at once, so that they share transactions.
    for number in 0..100u8 {
        let done = done_tx.clone();
        store.submit_write(
            Box::new(move |tx| {
                tx.put_source_success(UserId(id(number)), "net", NOW)?;
                tx.append_audit(&event(number))?;
                if number % 4 == 0 {
                    return Err(StoreError::Refused("every fourth".to_owned()));
                }
                Ok(())
            }),
            Box::new(move |outcome| {
                let _ = done.try_send((number, outcome.is_ok()));
            }),
        );
    }
    drop(done_tx);
    let outcomes: Vec<_> = done_rx.iter().collect();
    let expected: Vec<_> = (0..100).map(|n| (n, n % 4 != 0)).collect();
    assert_eq!(outcomes, expected, "all answered, in order");
    for (number, stored) in expected {
        let found = read(store, move |tx| tx.source_success(UserId(id(number)), "net"))?;
        assert_eq!(found.is_some(), stored, "{number}");
    }
    assert_eq!(super::verify(store)?.len(), 75);
    Ok(())
}

#[expect(clippy::panic, reason = "a panicking closure is what the case is about")]
fn panicking(store: &dyn Store) -> Result<(), StoreError> {
    let written: Result<(), _> = write(store, |tx| {
        tx.put_user(&user(1, "alice")?)?;
        tx.append_audit(&event(1))?;
        panic!("a bug in a closure (expected in this test)")
    });
    assert!(matches!(written, Err(StoreError::Io(_))), "{written:?}");
    let looked: Result<(), _> = read(store, |_| panic!("a bug in a closure (expected in this test)"));
    assert!(matches!(looked, Err(StoreError::Io(_))), "{looked:?}");
    store.submit_write(
        Box::new(|_| Ok(())),
        Box::new(|_| panic!("a bug in a receiver (expected in this test)")),
    );
    write(store, |tx| tx.append_audit(&event(2)))?;
    assert_eq!(read(store, |tx| tx.user(UserId(id(1))))?, None);
    assert_eq!(super::verify(store)?.len(), 1);
    Ok(())
}

fn increments(store: &dyn Store) -> Result<(), StoreError> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    (0..25).try_for_each(|_| {
                        write(store, |tx| {
                            let counter = tx.counter(CounterKey::TextsInAll)?;
                            let counter = counter.hit(NOW, otpost_core::limits::HOUR);
                            tx.put_counter(CounterKey::TextsInAll, &counter)
                        })
                    })
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| StoreError::Closed)??;
        }
        Ok::<_, StoreError>(())
    })?;
    let counter = read(store, |tx| tx.counter(CounterKey::TextsInAll))?;
    assert_eq!((counter.short.count, counter.day.count), (400, 400));
    Ok(())
}
