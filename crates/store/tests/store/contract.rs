//! The contract, on a file and in memory.

use std::cell::RefCell;

use otpost_store::Store;
use otpost_store::contract::ops::{Transaction, check};
use otpost_store::contract::{races, suite};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::common;

#[test]
fn the_suite_holds_in_memory() {
    let outcome = suite(&|| Box::new(common::in_memory()) as Box<dyn Store>);
    assert_eq!(outcome, Ok(()));
}

#[test]
fn the_suite_holds_on_a_file() {
    let dirs = RefCell::new(Vec::new());
    let outcome = suite(&|| {
        let dir = common::Dir::new();
        let store = common::open(&dir.db()).unwrap();
        dirs.borrow_mut().push(dir);
        Box::new(store) as Box<dyn Store>
    });
    assert_eq!(outcome, Ok(()));
}

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let one = (vec(any::<[u8; 4]>(), 1..8), any::<u8>()).prop_map(|(ops, fate)| Transaction {
        ops,
        fails: fate % 5 == 0,
    });
    vec(one, 1..12)
}

fn model(cases: u32, store: impl Fn() -> (Box<dyn Store>, Option<common::Dir>)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&transactions(), |transactions| {
            let (store, _dir) = store();
            check(&*store, &transactions).map_err(|e| TestCaseError::fail(e.to_string()))
        })
        .unwrap();
}

#[test]
fn random_operations_do_what_the_model_does_in_memory() {
    model(150, || (Box::new(common::in_memory()), None));
}

#[test]
fn random_operations_do_what_the_model_does_on_a_file() {
    model(40, || {
        let dir = common::Dir::new();
        (Box::new(common::open(&dir.db()).unwrap()), Some(dir))
    });
}

#[test]
fn one_of_sixty_four_redeems_a_challenge_on_a_file() {
    let dir = common::Dir::new();
    let store = common::open(&dir.db()).unwrap();
    assert_eq!(races::redeem(&store, 64, 1000), Ok(()));
}

#[test]
fn one_of_sixty_four_redeems_a_challenge_in_memory() {
    assert_eq!(races::redeem(&common::in_memory(), 64, 200), Ok(()));
}
