//! The plan: what each line would do now.

use std::collections::BTreeMap;
use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::{TokenId, UserId};
use otpost_core::import::{Ids, Known, Line, Problem, conflicts};
use otpost_core::name::LoginName;
use otpost_core::resource::key;
use zeroize::Zeroizing;

use super::super::{AdminError, read};
use super::people::{People, chunks, known, sorted};
use super::read::Sheet;
use crate::imports::{Entry, Import, Stage, Verdict};
use crate::state::Daemon;

/// Users read at once when e-mail addresses are looked for.
const USERS: u32 = 1000;

type Emails = Arc<BTreeMap<String, LoginName>>;

/// Makes the plan.
pub(super) async fn plan(daemon: Arc<Daemon>, import: Arc<Import>, text: Zeroizing<String>, now: Timestamp) {
    match planned(&daemon, text, now).await {
        Ok(entries) => {
            import.lock().entries = entries;
            import.enter(Stage::Planned, "");
        }
        Err(failure) => import.enter(Stage::Failed, failure.to_string()),
    }
}

async fn planned(
    daemon: &Arc<Daemon>,
    text: Zeroizing<String>,
    now: Timestamp,
) -> Result<Vec<Entry>, AdminError> {
    let known = known(daemon).await?;
    let against = Arc::clone(&known);
    let parsed = tokio::task::spawn_blocking(move || parse(&text, &against)).await;
    let (mut entries, good) =
        parsed.map_err(|_| AdminError::Refused("the file cannot be read now; try again".to_owned()))??;
    let emails = emails(daemon, &good).await?;
    for chunk in chunks(good) {
        let (known, emails) = (Arc::clone(&known), Arc::clone(&emails));
        let lines = Arc::clone(&chunk);
        let decided = read(daemon, move |read| {
            let ids = Ids {
                user: UserId([0; 16]),
                token: TokenId([0; 16]),
            };
            let mut people = People::default();
            let mut decided = Vec::with_capacity(lines.len());
            for line in lines.iter() {
                let outcome = people.decide(read, line, (&known, &emails), (ids, now))?;
                if let Ok(outcome) = &outcome {
                    people.take(outcome);
                }
                decided.push(outcome.map(|outcome| (outcome.kind, outcome.text)));
            }
            Ok(decided)
        })
        .await?;
        entries.extend(chunk.iter().zip(decided).map(|(line, decided)| {
            let (verdict, text) = match decided {
                Ok((kind, text)) => (Verdict::Good(kind), text),
                Err(problem) => (Verdict::Bad, problem.to_string()),
            };
            Entry {
                number: line.number,
                login: line.name.to_string(),
                verdict,
                text,
                line: Some(Arc::clone(line)),
            }
        }));
    }
    entries.sort_by_key(|entry| entry.number);
    Ok(entries)
}

/// Lines that are bad whatever is stored, and all others in the order in which they are decided.
fn parse(text: &str, known: &Known) -> Result<(Vec<Entry>, Vec<Arc<Line>>), AdminError> {
    let mut bad = Vec::new();
    let mut lines = Vec::new();
    let refused = |number, login, problem: &Problem| Entry {
        number,
        login,
        verdict: Verdict::Bad,
        text: problem.to_string(),
        line: None,
    };
    for (number, line) in Sheet::open(text)?.lines(known)? {
        match line {
            Ok(line) => lines.push(line),
            Err(wrong) => bad.push(refused(number, wrong.login, &wrong.problem)),
        }
    }
    let against = conflicts(&lines, known);
    let mut good = Vec::with_capacity(lines.len());
    for line in lines {
        match against.get(&line.number) {
            Some(problem) => bad.push(refused(line.number, line.name.to_string(), problem)),
            None => good.push(Arc::new(line)),
        }
    }
    Ok((bad, sorted(good)))
}

/// Who has the e-mail addresses of a file now.
async fn emails(daemon: &Daemon, lines: &[Arc<Line>]) -> Result<Emails, AdminError> {
    let wanted: Vec<String> = lines
        .iter()
        .filter_map(|line| line.email.as_deref().map(key))
        .collect();
    let mut wanted: BTreeMap<String, Option<LoginName>> =
        wanted.into_iter().map(|email| (email, None)).collect();
    if wanted.is_empty() {
        return Ok(Emails::default());
    }
    let mut after: Option<LoginName> = None;
    loop {
        let from = after.take();
        let page = read(daemon, move |read| {
            let users = read.users(from.as_ref(), "", USERS)?;
            let pairs = users.into_iter().map(|user| (user.name, user.email));
            Ok(pairs.collect::<Vec<_>>())
        })
        .await?;
        after = page.last().map(|(name, _)| name.clone());
        for (name, email) in page {
            if let Some(slot) = email.and_then(|email| wanted.get_mut(&key(&email))) {
                *slot = Some(name);
            }
        }
        if after.is_none() {
            break;
        }
    }
    let had = wanted
        .into_iter()
        .filter_map(|(email, name)| Some((email, name?)));
    Ok(Arc::new(had.collect()))
}
