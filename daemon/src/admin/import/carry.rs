//! Carrying out. Lines of one user stay together, so that each user is stored in one transaction.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use otpost_core::ids::{MailId, TokenId, UserId};
use otpost_core::import::{Ids, Kind, Known, Line, Problem};
use otpost_store::{StoreError, Tx};
use tracing::{error, info};

use super::super::people::moved;
use super::super::{Act, AdminError, write};
use super::people::{People, chunks, known, sorted};
use crate::imports::{Import, Stage, Verdict};
use crate::portal::session;
use crate::state::Daemon;
use crate::sys::Draw;

/// A line that could not be taken although it was planned.
type Late = (u64, Problem);

/// Carries the good lines out.
pub(super) async fn carry_out(daemon: Arc<Daemon>, import: Arc<Import>, act: Act, atomic: bool) {
    let (good, bad) = {
        let inner = import.lock();
        let good: Vec<Arc<Line>> = inner
            .entries
            .iter()
            .filter(|entry| entry.verdict != Verdict::Bad)
            .filter_map(|entry| entry.line.clone())
            .collect();
        let bad = inner
            .entries
            .iter()
            .filter(|entry| entry.verdict == Verdict::Bad)
            .count();
        (good, bad)
    };
    if atomic && bad > 0 {
        import.enter(
            Stage::Refused,
            format!("{bad} lines are bad, so nothing was written; mend them, or import the others"),
        );
        return;
    }
    let carried = match known(&daemon).await {
        Ok(known) if atomic => whole(&daemon, &import, &act, (good, known)).await,
        Ok(known) => in_parts(&daemon, &import, &act, (good, known)).await,
        Err(failure) => Err(failure),
    };
    // People whose address changed hear of it.
    daemon.postman.wake();
    match carried {
        Ok(true) => {
            info!(by = act.actor, reference = %act.reference, "import carried out");
            import.enter(Stage::Done, "");
        }
        Ok(false) => import.enter(
            Stage::Refused,
            "lines became bad since the plan was made, so nothing was written; mend them, or import the others",
        ),
        Err(failure) => {
            error!(error = %failure, "an import cannot be carried out");
            let why = match atomic {
                true => format!("nothing was written: {failure}"),
                false => format!("not all was written: {failure}; hand the file in again to go on"),
            };
            import.enter(Stage::Failed, why);
        }
    }
}

/// All lines in one transaction; false where one is bad, and then nothing is written.
async fn whole(
    daemon: &Arc<Daemon>,
    import: &Arc<Import>,
    act: &Act,
    (good, known): (Vec<Arc<Line>>, Arc<Known>),
) -> Result<bool, AdminError> {
    let lines = Arc::new(sorted(good));
    let late = Arc::new(Mutex::new(Vec::new()));
    let (shared, said, progress) = (Arc::clone(&late), act.clone(), Arc::clone(import));
    let rng = daemon.rng();
    let written = write(daemon, move |tx| {
        let mut counts = Counts::default();
        let refused = store(tx, &lines, &known, (&said, &mut rng.clone()), |done| {
            // A job that runs again begins anew.
            counts.add(done);
            progress.lock().done = counts.all();
        })?;
        if refused.is_empty() {
            counts.record(tx, &said, 0)?;
            return Ok(());
        }
        if let Ok(mut late) = shared.lock() {
            *late = refused;
        }
        Err(AdminError::Invalid("lines are bad".to_owned()))
    })
    .await;
    let late = late.lock().map(|late| late.clone()).unwrap_or_default();
    if !late.is_empty() {
        import.lock().done = 0;
        spoil(import, &late);
        return Ok(false);
    }
    written.map(|()| true)
}

/// Some lines after the other, each part in its own transaction.
async fn in_parts(
    daemon: &Arc<Daemon>,
    import: &Arc<Import>,
    act: &Act,
    (good, known): (Vec<Arc<Line>>, Arc<Known>),
) -> Result<bool, AdminError> {
    let mut counts = Counts::default();
    for chunk in chunks(sorted(good)) {
        let (known, said, rng) = (Arc::clone(&known), act.clone(), daemon.rng());
        let (done, late) = write(daemon, move |tx| {
            let mut done = Vec::with_capacity(chunk.len());
            let late = store(tx, &chunk, &known, (&said, &mut rng.clone()), |kind| {
                done.push(kind);
            })?;
            Ok((done, late))
        })
        .await?;
        done.into_iter().for_each(|kind| counts.add(kind));
        import.lock().done = counts.all();
        spoil(import, &late);
    }
    let bad = import.state().bad;
    let said = act.clone();
    write(daemon, move |tx| Ok(counts.record(tx, &said, bad)?)).await?;
    Ok(true)
}

/// Marks lines that turned out bad.
fn spoil(import: &Import, late: &[Late]) {
    let mut inner = import.lock();
    for (number, problem) in late {
        if let Some(entry) = inner.entry(*number) {
            entry.verdict = Verdict::Bad;
            entry.text = problem.to_string();
        }
    }
}

/// Stores what lines do, and calls `done` for each; gives those that cannot be taken.
fn store(
    tx: &mut dyn Tx,
    lines: &[Arc<Line>],
    known: &Known,
    (act, rng): (&Act, &mut Draw),
    mut done: impl FnMut(Kind),
) -> Result<Vec<Late>, AdminError> {
    let mut people = People::default();
    let mut late = Vec::new();
    // The store itself knows who has an address.
    let nobody = BTreeMap::new();
    for line in lines {
        let ids = Ids {
            user: UserId::random(rng),
            token: TokenId::random(rng),
        };
        let outcome = match people.decide(tx, line, (known, &nobody), (ids, act.now))? {
            Ok(outcome) => outcome,
            Err(problem) => {
                late.push((line.number, problem));
                continue;
            }
        };
        if let Some(user) = &outcome.user {
            // Nothing is half done where a value is taken.
            match tx.put_user(user) {
                Ok(()) => {}
                Err(StoreError::Taken { field }) => {
                    late.push((line.number, Problem::Taken(field)));
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            if let Some(before) = &people.user {
                let mail = MailId::random(rng);
                moved(tx, before, user.email.as_deref(), (mail, act))?;
            }
            let kind = if outcome.kind == Kind::Add {
                "user-add"
            } else {
                "user-set"
            };
            act.record_detail(
                tx,
                kind,
                (&user.login, ""),
                format!("import, line {}", line.number),
            )?;
        }
        if let Some(token) = &outcome.token {
            let fresh = !people.tokens.iter().any(|own| own.id == token.id);
            // A new user has no session.
            if people.user.is_some() {
                session::end_unguarded(tx, token.user, &token.resources)?;
            }
            tx.put_token(token)?;
            let kind = if fresh { "token-add" } else { "token-set" };
            let detail = format!("{}, import, line {}", token.phone.masked(), line.number);
            act.record_detail(tx, kind, (line.name.as_str(), ""), detail)?;
        }
        people.take(&outcome);
        done(outcome.kind);
    }
    Ok(late)
}

/// Lines carried out, by what they did.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    add: u64,
    change: u64,
    same: u64,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Add => &mut self.add,
            Kind::Change => &mut self.change,
            Kind::Same => &mut self.same,
        };
        *count = count.saturating_add(1);
    }

    fn all(&self) -> u64 {
        self.add.saturating_add(self.change).saturating_add(self.same)
    }

    fn record(&self, tx: &mut dyn Tx, act: &Act, bad: u64) -> Result<(), StoreError> {
        let Self { add, change, same } = self;
        let detail = format!("{add} lines added, {change} changed, {same} did nothing, {bad} were bad");
        act.record_detail(tx, "import", ("", ""), detail)
    }
}
