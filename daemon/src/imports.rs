//! Imports that administrators have handed in: kept in memory, for a while, for the one who handed them in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::import::{Kind, Line, MAX_OCTETS};
use otpost_ipc::admin::{ImportLine, ImportState};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Imports that are kept at once.
pub(crate) const MOST: usize = 4;
/// How long one is kept that nobody asks for.
pub(crate) const KEEP: Duration = Duration::from_secs(15 * 60);

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Parts are handed in.
    Reading,
    /// Lines are compared with what is stored.
    Planning,
    /// Ready to be carried out.
    Planned,
    /// Being carried out.
    Running,
    /// Carried out.
    Done,
    /// Not carried out: it has bad lines.
    Refused,
    /// Not carried out, or not to its end.
    Failed,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reading | Self::Planning => "reading",
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether something works on it.
    fn busy(self) -> bool {
        matches!(self, Self::Planning | Self::Running)
    }
}

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can be carried out.
    Good(Kind),
    /// It cannot be taken.
    Bad,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Good(kind) => kind.as_str(),
            Self::Bad => "bad",
        }
    }
}

/// A line with what it does.
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) login: String,
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
    /// Absent where it cannot be read.
    pub(crate) line: Option<Arc<Line>>,
}

impl Entry {
    pub(crate) fn view(&self) -> ImportLine {
        ImportLine {
            line: self.number,
            login: self.login.clone(),
            kind: self.verdict.as_str().to_owned(),
            text: self.text.clone(),
        }
    }
}

/// What is known of an import.
pub(crate) struct Inner {
    pub(crate) stage: Stage,
    /// What was handed in so far; taken when it is read.
    pub(crate) text: Zeroizing<String>,
    /// In order of number.
    pub(crate) entries: Vec<Entry>,
    pub(crate) done: u64,
    pub(crate) why: String,
    touched: Timestamp,
}

impl Inner {
    pub(crate) fn state(&self, id: &str) -> ImportState {
        let count = |wanted: Verdict| {
            let all = self.entries.iter().filter(|entry| entry.verdict == wanted);
            all.count() as u64
        };
        ImportState {
            import: id.to_owned(),
            state: self.stage.as_str().to_owned(),
            lines: self.entries.len() as u64,
            add: count(Verdict::Good(Kind::Add)),
            change: count(Verdict::Good(Kind::Change)),
            same: count(Verdict::Good(Kind::Same)),
            bad: count(Verdict::Bad),
            done: self.done,
            why: self.why.clone(),
        }
    }

    /// The line of a number.
    pub(crate) fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let at = self
            .entries
            .binary_search_by_key(&number, |entry| entry.number)
            .ok()?;
        self.entries.get_mut(at)
    }
}

/// An import.
pub(crate) struct Import {
    pub(crate) id: String,
    /// Who handed it in; it is nobody else's.
    actor: String,
    inner: Mutex<Inner>,
    /// Changes with each stage.
    pub(crate) stage: watch::Sender<Stage>,
}

impl Import {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> ImportState {
        self.lock().state(&self.id)
    }

    /// Goes on to `stage`.
    pub(crate) fn enter(&self, stage: Stage, why: impl Into<String>) {
        let mut inner = self.lock();
        inner.stage = stage;
        inner.why = why.into();
        drop(inner);
        self.stage.send_replace(stage);
    }
}

/// All imports.
#[derive(Default)]
pub struct Imports {
    all: Mutex<Vec<Arc<Import>>>,
}

impl Imports {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Import>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets those that nobody asked for in a while.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.all().retain(|import| {
            let inner = import.lock();
            inner.stage.busy() || now.since(inner.touched) < KEEP
        });
    }

    /// A fresh one; `None` where there are too many that are not ended.
    pub(crate) fn begin(&self, id: String, actor: &str, now: Timestamp) -> Option<Arc<Import>> {
        self.sweep(now);
        let mut all = self.all();
        if all.len() >= MOST {
            let ended = |import: &Arc<Import>| {
                matches!(import.lock().stage, Stage::Done | Stage::Failed | Stage::Refused)
            };
            let at = all.iter().position(ended)?;
            all.remove(at);
        }
        let import = Arc::new(Import {
            id,
            actor: actor.to_owned(),
            inner: Mutex::new(Inner {
                stage: Stage::Reading,
                text: Zeroizing::default(),
                entries: Vec::new(),
                done: 0,
                why: String::new(),
                touched: now,
            }),
            stage: watch::Sender::new(Stage::Reading),
        });
        all.push(Arc::clone(&import));
        Some(import)
    }

    /// The import of this id, where it is this actor's.
    pub(crate) fn find(&self, id: &str, actor: &str, now: Timestamp) -> Option<Arc<Import>> {
        self.sweep(now);
        let all = self.all();
        let found = all
            .iter()
            .find(|import| import.id == id && import.actor == actor)?;
        found.lock().touched = now;
        Some(Arc::clone(found))
    }

    /// Forgets one.
    pub(crate) fn forget(&self, id: &str) {
        self.all().retain(|import| import.id != id);
    }
}

/// Appends a part; false where the file becomes too large.
pub(crate) fn append(text: &mut Zeroizing<String>, part: &str) -> bool {
    let whole = text.len().saturating_add(part.len());
    if whole > MAX_OCTETS {
        return false;
    }
    if text.capacity() < whole {
        // Grown by hand: what a string leaves behind when it grows is not wiped.
        let room = whole.saturating_mul(2).min(MAX_OCTETS);
        let mut larger = Zeroizing::new(String::with_capacity(room));
        larger.push_str(text);
        *text = larger;
    }
    text.push_str(part);
    true
}
