//! Reading, for writers and readers alike.

use otpost_core::Timestamp;
use otpost_core::challenge::{Challenge, Session};
use otpost_core::client::RadiusClient;
use otpost_core::gate::Policy;
use otpost_core::ids::{ChallengeId, MessageId, ResourceId, SessionId, TokenId, UserId};
use otpost_core::keys::Keyring;
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, Window};
use otpost_core::name::LoginName;
use otpost_core::outbox::Message;
use otpost_core::phone::Phone;
use otpost_core::provider::Provider;
use otpost_core::resource::{Resource, key};
use otpost_core::token::Token;
use otpost_core::user::User;
use rusqlite::{Connection, Row};

use super::documents;
use super::login_rows::{challenge, challenge_columns, session};
use super::memo::{Memo, remembered};
use super::rows::{Rows, blob, body, hex, io, millis, phone_index, subject, time, whole};
use crate::{AuditRow, CounterKey, Read, StoreError, Totals};

/// Longest part of a text that is looked for, in octets; SQLite refuses patterns that are much longer.
const PART: usize = 1024;

/// Whatever has rows can be read.
pub(super) trait HasRows {
    fn rows(&self) -> Rows<'_>;
    /// What is remembered of the rows; readers remember nothing.
    fn memo(&self) -> Option<&Memo>;
}

/// What a read closure gets.
pub(super) struct ReadTx<'c> {
    pub(super) conn: &'c Connection,
    pub(super) keys: &'c Keyring,
    pub(super) memo: Option<&'c Memo>,
}

impl HasRows for ReadTx<'_> {
    fn rows(&self) -> Rows<'_> {
        Rows {
            conn: self.conn,
            keys: self.keys,
        }
    }

    fn memo(&self) -> Option<&Memo> {
        self.memo
    }
}

fn window(row: &Row<'_>, column: usize) -> Result<Window, StoreError> {
    Ok(Window {
        start: time(row, column)?,
        count: row.get(column.saturating_add(1)).map_err(io)?,
    })
}

/// A position in the audit log, as SQLite counts.
fn position(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A row of `seq, text, hash`.
fn audit_row(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let seq: i64 = row.get(0).map_err(io)?;
    let hash = blob(row, 2)?;
    Ok(AuditRow {
        seq: u64::try_from(seq).unwrap_or(0),
        text: row.get(1).map_err(io)?,
        hash: hash
            .try_into()
            .map_err(|_| StoreError::Damaged(format!("audit {seq}: hash {}", hex(hash))))?,
    })
}

/// A pattern of LIKE for texts that contain `part`, with `\` before what LIKE would read as its own.
fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

impl<H: HasRows> Read for H {
    fn user_by_name(&mut self, name: &LoginName) -> Result<Option<User>, StoreError> {
        if let Some(memo) = self.memo() {
            let user = memo.with(|kept| kept.names.get(name).and_then(|id| kept.users.get(&id)));
            if user.is_some() {
                return Ok(user);
            }
        }
        let user: Option<User> = self.rows().one(
            "SELECT u.id, u.body FROM names n JOIN users u ON u.id = n.user_id WHERE n.name = ?1",
            (name.as_str(),),
            whole("users"),
        )?;
        if let (Some(memo), Some(user)) = (self.memo(), &user) {
            memo.with(|kept| {
                kept.names.keep(name.clone(), user.id);
                kept.users.keep(user.id, user.clone());
            });
        }
        Ok(user)
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.users,
            &id,
            || {
                self.rows().one(
                    "SELECT id, body FROM users WHERE id = ?1",
                    (id.0,),
                    whole("users"),
                )
            },
        )
    }

    fn users(
        &mut self,
        after: Option<&LoginName>,
        search: &str,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        // No name is as long.
        if search.len() > PART {
            return Ok(Vec::new());
        }
        self.rows().all(
            "SELECT id, body FROM users WHERE name > ?1 AND name LIKE ?2 ESCAPE '\\' ORDER BY name LIMIT ?3",
            (
                after.map_or("", LoginName::as_str),
                containing(&search.to_lowercase()),
                limit,
            ),
            whole("users"),
        )
    }

    fn users_about(
        &mut self,
        after: Option<&LoginName>,
        part: &str,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        self.rows().all(
            "SELECT id, body FROM users INDEXED BY users_by_words WHERE name > ?1 AND instr(words, ?2) > 0
             ORDER BY name LIMIT ?3",
            (after.map_or("", LoginName::as_str), part, limit),
            whole("users"),
        )
    }

    fn users_of(&mut self, resource: ResourceId) -> Result<u64, StoreError> {
        self.rows().count(
            "SELECT count FROM resource_users WHERE resource_id = ?1",
            (resource.0,),
        )
    }

    fn guard(&mut self, user: UserId) -> Result<Guard, StoreError> {
        let guard = remembered(
            self.memo(),
            |kept| &mut kept.guards,
            &user,
            || {
                let guard = self.rows().one(
                    "SELECT user_id, body FROM guards WHERE user_id = ?1",
                    (user.0,),
                    whole("guards"),
                )?;
                Ok(Some(guard.unwrap_or_default()))
            },
        )?;
        Ok(guard.unwrap_or_default())
    }

    fn token(&mut self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let rows = self.rows();
        remembered(
            self.memo(),
            |kept| &mut kept.tokens,
            &id,
            || {
                rows.one(
                    "SELECT id, user_id, phone, body FROM tokens WHERE id = ?1",
                    (id.0,),
                    |row| rows.token(row),
                )
            },
        )
    }

    fn tokens_of(&mut self, user: UserId) -> Result<Vec<Token>, StoreError> {
        if let Some(memo) = self.memo() {
            let known = memo.with(|kept| {
                let ids = kept.tokens_of.get(&user)?;
                ids.iter().map(|id| kept.tokens.get(id)).collect()
            });
            if let Some(tokens) = known {
                return Ok(tokens);
            }
        }
        let rows = self.rows();
        let tokens: Vec<Token> = rows.all(
            "SELECT id, user_id, phone, body FROM tokens WHERE user_id = ?1 ORDER BY created, id",
            (user.0,),
            |row| rows.token(row),
        )?;
        if let Some(memo) = self.memo() {
            memo.with(|kept| {
                kept.tokens_of.keep(user, tokens.iter().map(|t| t.id).collect());
                for token in &tokens {
                    kept.tokens.keep(token.id, token.clone());
                }
            });
        }
        Ok(tokens)
    }

    fn tokens_with_phone(&mut self, phone: &Phone) -> Result<Vec<Token>, StoreError> {
        let rows = self.rows();
        rows.all(
            "SELECT id, user_id, phone, body FROM tokens WHERE phone_index = ?1 ORDER BY created, id",
            (phone_index(phone, rows.keys),),
            |row| rows.token(row),
        )
    }

    fn resource(&mut self, id: ResourceId) -> Result<Option<Resource>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.resources,
            &id,
            || {
                self.rows().one(
                    "SELECT id, body FROM resources WHERE id = ?1",
                    (id.0,),
                    whole("resources"),
                )
            },
        )
    }

    fn resource_by_key(&mut self, key: &str) -> Result<Option<Resource>, StoreError> {
        self.rows().one(
            "SELECT id, body FROM resources WHERE name_key = ?1",
            (key,),
            whole("resources"),
        )
    }

    fn resources(&mut self) -> Result<Vec<Resource>, StoreError> {
        self.rows().all(
            "SELECT id, body FROM resources ORDER BY name_key",
            (),
            whole("resources"),
        )
    }

    fn resource_of_service(&mut self, service: &str) -> Result<Option<Resource>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.services,
            &service.to_owned(),
            || {
                self.rows().one(
                    "SELECT r.id, r.body FROM pam_services s JOIN resources r ON r.id = s.resource_id
                 WHERE s.service IN (?1, '*') ORDER BY s.service = '*' LIMIT 1",
                    (service,),
                    whole("resources"),
                )
            },
        )
    }

    fn challenge(&mut self, id: ChallengeId) -> Result<Option<Challenge>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.challenges,
            &id,
            || {
                self.rows().one(
                    concat!("SELECT ", challenge_columns!(), " FROM challenges WHERE id = ?1"),
                    (id.0,),
                    challenge,
                )
            },
        )
    }

    fn open_challenges(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Challenge>, StoreError> {
        let mut open: Vec<Challenge> = self.rows().all(
            concat!(
                "SELECT ",
                challenge_columns!(),
                " FROM challenges WHERE user_id = ?1 AND deadline > ?2 AND open = 1"
            ),
            (user.0, millis(now)),
            challenge,
        )?;
        open.retain(|challenge| challenge.open_at(now));
        open.sort_by_key(|challenge| (challenge.created, challenge.id));
        Ok(open)
    }

    fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.sessions,
            &id,
            || {
                self.rows().one(
            "SELECT id, challenge_id, round, notice, answered_by, answered FROM sessions WHERE id = ?1",
            (id.0,),
            session,
        )
            },
        )
    }

    fn counter(&mut self, key: CounterKey<'_>) -> Result<Counter, StoreError> {
        let rows = self.rows();
        let subject = subject(key, rows.keys);
        if let Some(counter) = self.memo().and_then(|memo| memo.pending(&subject)) {
            return Ok(counter);
        }
        let counter = remembered(
            self.memo(),
            |kept| &mut kept.counters,
            &subject,
            || {
                let counter = rows.one(
                    "SELECT short_start, short_count, day_start, day_count FROM counters WHERE subject = ?1",
                    (&subject,),
                    |row| {
                        Ok(Counter {
                            short: window(row, 0)?,
                            day: window(row, 2)?,
                        })
                    },
                )?;
                Ok(Some(counter))
            },
        )?;
        Ok(counter.flatten().unwrap_or_default())
    }

    fn source_success(&mut self, user: UserId, source: &str) -> Result<Option<Timestamp>, StoreError> {
        let key = (user, source.to_owned());
        let at = remembered(
            self.memo(),
            |kept| &mut kept.sources,
            &key,
            || {
                let at = self.rows().one(
                    "SELECT at FROM source_success WHERE user_id = ?1 AND source = ?2",
                    (user.0, source),
                    |row| time(row, 0),
                )?;
                Ok(Some(at))
            },
        )?;
        Ok(at.flatten())
    }

    fn message(&mut self, id: MessageId) -> Result<Option<Message>, StoreError> {
        remembered(
            self.memo(),
            |kept| &mut kept.messages,
            &id,
            || {
                self.rows().one(
                    "SELECT id, body FROM messages WHERE id = ?1",
                    (id.0,),
                    whole("messages"),
                )
            },
        )
    }

    fn test_number(&mut self, id: MessageId) -> Result<Option<Phone>, StoreError> {
        let rows = self.rows();
        rows.one(
            "SELECT message_id, phone, body FROM test_numbers WHERE message_id = ?1",
            (id.0,),
            |row| rows.test_number(row),
        )
    }

    fn due_messages(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.rows().all(
            "SELECT id, body FROM messages INDEXED BY messages_waiting WHERE wake IS NOT NULL AND wake <= ?1
             ORDER BY created, id LIMIT ?2",
            (millis(now), limit),
            whole("messages"),
        )
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.rows().one(
            "SELECT wake FROM messages INDEXED BY messages_waiting WHERE wake IS NOT NULL ORDER BY wake LIMIT 1",
            (),
            |row| time(row, 0),
        )
    }

    fn messages(&mut self, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.rows().all(
            "SELECT id, body FROM messages ORDER BY created DESC, id DESC LIMIT ?1",
            (limit,),
            whole("messages"),
        )
    }

    fn clients(&mut self) -> Result<Vec<RadiusClient>, StoreError> {
        let rows = self.rows();
        rows.all(
            "SELECT id, name, resource_id, secret, body FROM clients ORDER BY name_key",
            (),
            |row| rows.client(row),
        )
    }

    fn client(&mut self, name: &str) -> Result<Option<RadiusClient>, StoreError> {
        let rows = self.rows();
        rows.one(
            "SELECT id, name, resource_id, secret, body FROM clients WHERE name_key = ?1",
            (key(name),),
            |row| rows.client(row),
        )
    }

    fn providers(&mut self) -> Result<Vec<Provider>, StoreError> {
        let rows = self.rows();
        rows.all(
            "SELECT id, name, priority, config, body FROM providers ORDER BY priority, name_key",
            (),
            |row| rows.provider(row),
        )
    }

    fn send_policy(&mut self) -> Result<Policy, StoreError> {
        let policy = remembered(
            self.memo(),
            |kept| &mut kept.policy,
            &(),
            || {
                self.rows().one(
                    "SELECT body FROM settings WHERE name = 'send-policy'",
                    (),
                    |row| body(row, 0, "settings send-policy", &[]),
                )
            },
        )?;
        Ok(policy.unwrap_or_default())
    }

    fn audit(&mut self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.rows().all(
            "SELECT seq, text, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            (position(after), limit),
            audit_row,
        )
    }

    fn audit_with(
        &mut self,
        (after, until): (u64, u64),
        part: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        if part.len() > PART {
            return Err(StoreError::Refused(format!("look for at most {PART} octets")));
        }
        self.rows().all(
            "SELECT seq, text, hash FROM audit WHERE seq > ?1 AND seq <= ?2 AND text LIKE ?3 ESCAPE '\\'
             ORDER BY seq DESC LIMIT ?4",
            (position(after), position(until), containing(part), limit),
            audit_row,
        )
    }

    fn document(&mut self, kind: &str, id: &[u8; 16]) -> Result<Option<crate::Row>, StoreError> {
        documents::by_id(self.rows(), kind, id)
    }

    fn document_by_key(&mut self, kind: &str, key: &[u8; 32]) -> Result<Option<crate::Row>, StoreError> {
        documents::by_key(self.rows(), kind, key)
    }

    fn documents_of(&mut self, kind: &str, owner: &[u8; 16]) -> Result<Vec<crate::Row>, StoreError> {
        documents::of_owner(self.rows(), kind, owner)
    }

    fn documents(
        &mut self,
        kind: &str,
        after: Option<&[u8; 16]>,
        limit: u32,
    ) -> Result<Vec<crate::Row>, StoreError> {
        documents::page(self.rows(), kind, after, limit)
    }

    fn documents_due(
        &mut self,
        kind: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<crate::Row>, StoreError> {
        documents::due(self.rows(), kind, now, limit)
    }

    fn next_document_due(&mut self, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        documents::next_due(self.rows(), kind)
    }

    fn last_success(&mut self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        self.rows().one(
            "SELECT at FROM source_success WHERE user_id = ?1 ORDER BY at DESC LIMIT 1",
            (user.0,),
            |row| time(row, 0),
        )
    }

    fn totals(&mut self, now: Timestamp) -> Result<Totals, StoreError> {
        let rows = self.rows();
        Ok(Totals {
            users: rows.count("SELECT count FROM totals WHERE what = 'users'", ())?,
            tokens: rows.count("SELECT count FROM totals WHERE what = 'tokens'", ())?,
            resources: rows.count("SELECT count(*) FROM resources", ())?,
            open_challenges: rows.count(
                "SELECT count(*) FROM challenges WHERE deadline > ?1 AND open = 1",
                (millis(now),),
            )?,
            waiting_texts: rows.count(
                "SELECT count(*) FROM messages INDEXED BY messages_waiting WHERE wake IS NOT NULL",
                (),
            )?,
            audit_rows: rows.count("SELECT max(seq) FROM audit", ())?,
        })
    }
}
