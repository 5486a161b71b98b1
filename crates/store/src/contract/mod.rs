//! What every store must do, whatever engine it has: cases over every method, a reference model, races.
//!
//! An engine's tests call [`suite`] with a way to make empty stores, [`ops::check`] with sequences of operations (from a
//! property tester), and [`races::redeem`]. Nothing here is for production.

mod audit;
mod documents;
mod logins;
mod model;
pub mod ops;
mod outbox;
mod people;
pub mod races;
pub mod samples;
mod setup;
mod transactions;

use crate::{Store, StoreError};

pub use audit::verify;

/// One case: gets an empty store, panics where an expectation does not hold.
type Case = fn(&dyn Store) -> Result<(), StoreError>;

/// A case that ended with an error of the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("case `{case}`: {error}")]
pub struct Failed {
    /// Name of the case.
    pub case: &'static str,
    /// What the store said.
    pub error: StoreError,
}

/// Runs every case on an empty store of its own.
///
/// # Errors
/// The first case that ended with an error.
///
/// # Panics
/// Where an expectation does not hold.
pub fn suite(factory: &dyn Fn() -> Box<dyn Store>) -> Result<(), Failed> {
    let all = [
        people::CASES,
        setup::CASES,
        logins::CASES,
        outbox::CASES,
        audit::CASES,
        documents::CASES,
        transactions::CASES,
    ];
    for (case, run) in all.into_iter().flatten() {
        let store = factory();
        run(&*store).map_err(|error| Failed { case, error })?;
    }
    Ok(())
}
