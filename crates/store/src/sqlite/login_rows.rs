//! Rows of challenges and sessions: columns, as every login writes them twice.

use otpost_core::challenge::{Answered, Challenge, Channel, Label, Origin, Session, State};
use otpost_core::code::{Digits, Purpose};
use otpost_core::ids::{AttemptId, ChallengeId, ResourceId, SessionId, TokenId, UserId};
use otpost_core::net::Source;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::rows::{blob, body, damaged, io, json, millis, time};
use super::tx::WriteTx;
use crate::StoreError;

/// Columns of a challenge, in the order that [`challenge`] reads.
macro_rules! challenge_columns {
    () => {
        "id, user_id, token_id, resource_id, attempt, first_session, password_tag, created, expires, deadline, \
         next_send, open, consumed_by, answered, generation, tries, max_tries, sends, body"
    };
}
pub(super) use challenge_columns;

/// What of a challenge is kept as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ChallengeBody {
    channel: Channel,
    group: String,
    purpose: Purpose,
    digits: Digits,
    label: Label,
    origin: Origin,
    source: Source,
}

/// The same, borrowed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ChallengeBodyRef<'a> {
    channel: Channel,
    group: &'a str,
    purpose: Purpose,
    digits: Digits,
    label: Label,
    origin: Origin,
    source: &'a Source,
}

const CHALLENGES: &str = "challenges";
const SESSIONS: &str = "sessions";

/// A fixed number of octets of column `column`, where there are any.
fn octets<const N: usize>(row: &Row<'_>, column: usize) -> Result<Option<[u8; N]>, StoreError> {
    row.get(column).map_err(io)
}

/// A row of [`challenge_columns`].
pub(super) fn challenge(row: &Row<'_>) -> Result<Challenge, StoreError> {
    let id = blob(row, 0)?;
    let need = |column| octets(row, column)?.ok_or_else(|| damaged(CHALLENGES, id));
    let open: bool = row.get(11).map_err(io)?;
    let state = match (open, octets(row, 12)?) {
        (true, None) => State::Open,
        (false, None) => State::Dead,
        (false, Some(by)) => State::Consumed { by: AttemptId(by) },
        (true, Some(_)) => return Err(damaged(CHALLENGES, id)),
    };
    let rest: ChallengeBody = body(row, 18, CHALLENGES, id)?;
    Ok(Challenge {
        id: ChallengeId(need(0)?),
        user: UserId(need(1)?),
        token: TokenId(need(2)?),
        resource: ResourceId(need(3)?),
        channel: rest.channel,
        group: rest.group,
        attempt: AttemptId(need(4)?),
        first_session: SessionId(need(5)?),
        purpose: rest.purpose,
        generation: row.get(14).map_err(io)?,
        digits: rest.digits,
        label: rest.label,
        created: time(row, 7)?,
        expires: time(row, 8)?,
        deadline: time(row, 9)?,
        tries: row.get(15).map_err(io)?,
        max_tries: row.get(16).map_err(io)?,
        sends: row.get(17).map_err(io)?,
        next_send: time(row, 10)?,
        answered: row.get(13).map_err(io)?,
        state,
        origin: Origin {
            password_tag: octets(row, 6)?,
            ..rest.origin
        },
        source: rest.source,
    })
}

/// Inserts or replaces.
pub(super) fn put_challenge(tx: &WriteTx<'_>, challenge: &Challenge) -> Result<(), StoreError> {
    let origin = Origin {
        password_tag: None,
        ..challenge.origin.clone()
    };
    let rest = json(&ChallengeBodyRef {
        channel: challenge.channel,
        group: &challenge.group,
        purpose: challenge.purpose,
        digits: challenge.digits,
        label: challenge.label,
        origin,
        source: &challenge.source,
    })?;
    let consumed_by = match challenge.state {
        State::Consumed { by } => Some(by.0),
        State::Open | State::Dead => None,
    };
    let row = params![
        challenge.id.0,
        challenge.user.0,
        challenge.token.0,
        challenge.resource.0,
        challenge.attempt.0,
        challenge.first_session.0,
        challenge.origin.password_tag,
        millis(challenge.created),
        millis(challenge.expires),
        millis(challenge.deadline),
        millis(challenge.next_send),
        challenge.state == State::Open,
        consumed_by,
        challenge.answered,
        challenge.generation,
        challenge.tries,
        challenge.max_tries,
        challenge.sends,
        rest,
    ];
    // An UPDATE that names an indexed column rewrites that index. User and deadline hardly ever change.
    let changed = tx.run(
        concat!(
            "INSERT INTO challenges (",
            challenge_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, resource_id = excluded.resource_id,
                 attempt = excluded.attempt, first_session = excluded.first_session,
                 password_tag = excluded.password_tag, created = excluded.created, expires = excluded.expires,
                 next_send = excluded.next_send, open = excluded.open, consumed_by = excluded.consumed_by,
                 answered = excluded.answered, generation = excluded.generation, tries = excluded.tries,
                 max_tries = excluded.max_tries, sends = excluded.sends, body = excluded.body
                 WHERE user_id = excluded.user_id AND deadline = excluded.deadline"
        ),
        row,
    )?;
    if changed == 0 {
        tx.run(
            "UPDATE challenges SET user_id = ?2, token_id = ?3, resource_id = ?4, attempt = ?5, first_session = ?6,
                 password_tag = ?7, created = ?8, expires = ?9, deadline = ?10, next_send = ?11, open = ?12,
                 consumed_by = ?13, answered = ?14, generation = ?15, tries = ?16, max_tries = ?17, sends = ?18,
                 body = ?19
             WHERE id = ?1",
            row,
        )?;
    }
    Ok(())
}

/// A row of `id, challenge_id, round, notice, answered_by, answered`.
pub(super) fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let id = blob(row, 0)?;
    let need = |column| octets(row, column)?.ok_or_else(|| damaged(SESSIONS, id));
    let answered = match octets(row, 4)? {
        Some(by) => Some((AttemptId(by), body::<Answered>(row, 5, SESSIONS, id)?)),
        None => None,
    };
    Ok(Session {
        id: SessionId(need(0)?),
        challenge: ChallengeId(need(1)?),
        round: row.get(2).map_err(io)?,
        answered,
        notice: body(row, 3, SESSIONS, id)?,
    })
}

/// Inserts or replaces.
pub(super) fn put_session(tx: &WriteTx<'_>, session: &Session) -> Result<(), StoreError> {
    let (by, how) = match &session.answered {
        Some((by, how)) => (Some(by.0), Some(json(how)?)),
        None => (None, None),
    };
    let row = params![
        session.id.0,
        session.challenge.0,
        session.round,
        json(&session.notice)?,
        by,
        how,
    ];
    // As above.
    let changed = tx.run(
        "INSERT INTO sessions (id, challenge_id, round, notice, answered_by, answered) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET round = excluded.round, notice = excluded.notice,
             answered_by = excluded.answered_by, answered = excluded.answered
             WHERE challenge_id = excluded.challenge_id",
        row,
    )?;
    if changed == 0 {
        tx.run(
            "UPDATE sessions SET challenge_id = ?2, round = ?3, notice = ?4, answered_by = ?5, answered = ?6
             WHERE id = ?1",
            row,
        )?;
    }
    Ok(())
}
