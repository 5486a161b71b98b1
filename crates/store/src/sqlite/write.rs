//! Writing, inside the writer's transaction.
//!
//! A put that can fail for a taken name looks before it writes, so that a closure may go on after [`StoreError::Taken`] with
//! nothing half done. Only one transaction writes at a time, so nothing comes between the look and the write.

use otpost_core::Timestamp;
use otpost_core::audit::{Event, link};
use otpost_core::challenge::{Challenge, Session};
use otpost_core::client::RadiusClient;
use otpost_core::gate::Policy;
use otpost_core::ids::{ClientId, MessageId, ProviderId, ResourceId, TokenId, UserId};
use otpost_core::limits::Counter;
use otpost_core::limits::Guard;
use otpost_core::outbox::{self, Message};
use otpost_core::phone::Phone;
use otpost_core::provider::Provider;
use otpost_core::resource::{Resource, key};
use otpost_core::token::Token;
use otpost_core::user::User;
use rusqlite::params;

use super::documents;
use super::login_rows::{put_challenge, put_session};
use super::memo::Recent;
use super::read::HasRows;
use super::rows::{ClientBody, ProviderBody, TokenBody, counters_of, io, json, millis, phone_index, subject};
use super::sweep::sweep;
use super::tx::{Head, WriteTx};
use crate::{CounterKey, StoreError, Tx};

impl Tx for WriteTx<'_> {
    fn put_user(&mut self, user: &User) -> Result<(), StoreError> {
        const NAME: &str = "SELECT 1 FROM names WHERE name = ?1 AND user_id <> ?2";
        let id = user.id.0;
        self.free("login", NAME, (user.name.as_str(), id))?;
        for alias in &user.aliases {
            self.free("alias", NAME, (alias.as_str(), id))?;
        }
        let email = user.email.as_deref().map(key);
        if let Some(email) = &email {
            self.free(
                "email",
                "SELECT 1 FROM users WHERE email = ?1 AND id <> ?2",
                (email, id),
            )?;
        }
        self.run(
            "INSERT INTO users (id, name, email, body, words) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, body = excluded.body,
                 words = excluded.words",
            (id, user.name.as_str(), email, json(user)?, user.words()),
        )?;
        self.run("DELETE FROM names WHERE user_id = ?1", (id,))?;
        for name in std::iter::once(&user.name).chain(&user.aliases) {
            self.run(
                "INSERT INTO names (name, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (name.as_str(), id),
            )?;
        }
        self.run("DELETE FROM user_resources WHERE user_id = ?1", (id,))?;
        for resource in &user.resources {
            self.run(
                "INSERT INTO user_resources (resource_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (resource.0, id),
            )?;
        }
        self.memo.with(|kept| {
            kept.names = Recent::default();
            kept.users.forget(&user.id);
        });
        Ok(())
    }

    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.flush()?;
        let (first, beyond) = counters_of(id);
        self.run(
            "DELETE FROM counters WHERE subject >= ?1 AND subject < ?2",
            (first, beyond),
        )?;
        self.run(
            "DELETE FROM sessions WHERE challenge_id IN (SELECT id FROM challenges WHERE user_id = ?1 AND open = 1)",
            (id.0,),
        )?;
        for sql in [
            "DELETE FROM challenges WHERE user_id = ?1 AND open = 1",
            "DELETE FROM tokens WHERE user_id = ?1",
            "DELETE FROM guards WHERE user_id = ?1",
            "DELETE FROM source_success WHERE user_id = ?1",
            documents::DELETE_OF_OWNER,
            // Names and resources go with it.
            "DELETE FROM users WHERE id = ?1",
        ] {
            self.run(sql, (id.0,))?;
        }
        self.memo.forget();
        Ok(())
    }

    fn put_guard(&mut self, user: UserId, guard: &Guard) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO guards (user_id, body) VALUES (?1, ?2)
             ON CONFLICT (user_id) DO UPDATE SET body = excluded.body",
            (user.0, json(guard)?),
        )?;
        self.memo.with(|kept| kept.guards.keep(user, guard.clone()));
        Ok(())
    }

    fn put_token(&mut self, token: &Token) -> Result<(), StoreError> {
        let sealed = self.seal(token.phone.expose(), "tokens", &token.id.0, &token.user.0);
        self.run(
            "INSERT INTO tokens (id, user_id, created, phone_index, key_id, phone, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, created = excluded.created,
                 phone_index = excluded.phone_index, key_id = excluded.key_id, phone = excluded.phone,
                 body = excluded.body",
            (
                token.id.0,
                token.user.0,
                millis(token.created),
                phone_index(&token.phone, self.keys),
                self.keys.id(),
                sealed,
                json(&TokenBody::of(token))?,
            ),
        )?;
        self.memo.with(|kept| {
            let known = kept.tokens.get(&token.id);
            if known.is_none_or(|known| known.user != token.user || known.created != token.created) {
                kept.tokens_of = Recent::default();
            }
            kept.tokens.keep(token.id, token.clone());
        });
        Ok(())
    }

    fn delete_token(&mut self, id: TokenId) -> Result<(), StoreError> {
        self.run("DELETE FROM tokens WHERE id = ?1", (id.0,))?;
        self.memo.with(|kept| {
            kept.tokens_of = Recent::default();
            kept.tokens.forget(&id);
        });
        Ok(())
    }

    fn put_resource(&mut self, resource: &Resource) -> Result<(), StoreError> {
        let (id, name_key) = (resource.id.0, resource.key());
        self.free(
            "resource name",
            "SELECT 1 FROM resources WHERE name_key = ?1 AND id <> ?2",
            (&name_key, id),
        )?;
        for service in &resource.pam_services {
            self.free(
                "pam service",
                "SELECT 1 FROM pam_services WHERE service = ?1 AND resource_id <> ?2",
                (service, id),
            )?;
        }
        self.run(
            "INSERT INTO resources (id, name_key, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET name_key = excluded.name_key, body = excluded.body",
            (id, name_key, json(resource)?),
        )?;
        self.memo.forget_resources();
        self.run("DELETE FROM pam_services WHERE resource_id = ?1", (id,))?;
        for service in &resource.pam_services {
            self.run(
                "INSERT INTO pam_services (service, resource_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (service, id),
            )?;
        }
        Ok(())
    }

    fn delete_resource(&mut self, id: ResourceId) -> Result<(), StoreError> {
        let client = self.rows().one(
            "SELECT name FROM clients WHERE resource_id = ?1 ORDER BY name_key LIMIT 1",
            (id.0,),
            |row| row.get::<_, String>(0).map_err(io),
        )?;
        if let Some(name) = client {
            return Err(StoreError::InUse {
                by: format!("RADIUS client {name}"),
            });
        }
        self.run("DELETE FROM resources WHERE id = ?1", (id.0,))?;
        self.memo.forget_resources();
        Ok(())
    }

    fn put_challenge(&mut self, challenge: &Challenge) -> Result<(), StoreError> {
        put_challenge(self, challenge)?;
        self.memo
            .with(|kept| kept.challenges.keep(challenge.id, challenge.clone()));
        Ok(())
    }

    fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        put_session(self, session)?;
        self.memo
            .with(|kept| kept.sessions.keep(session.id, session.clone()));
        Ok(())
    }

    fn put_counter(&mut self, key: CounterKey<'_>, counter: &Counter) -> Result<(), StoreError> {
        self.wrote.set(true);
        self.memo.put_counter(subject(key, self.keys), *counter);
        Ok(())
    }

    fn delete_counter(&mut self, key: CounterKey<'_>) -> Result<(), StoreError> {
        let subject = subject(key, self.keys);
        if self.memo.with(|kept| kept.counters.get(&subject)) == Some(None) {
            return Ok(());
        }
        self.memo.drop_counter(&subject);
        self.run("DELETE FROM counters WHERE subject = ?1", (&subject,))?;
        self.memo.with(|kept| kept.counters.keep(subject, None));
        Ok(())
    }

    fn put_source_success(&mut self, user: UserId, source: &str, now: Timestamp) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO source_success (user_id, source, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (user_id, source) DO UPDATE SET at = excluded.at",
            (user.0, source, millis(now)),
        )?;
        self.memo
            .with(|kept| kept.sources.keep((user, source.to_owned()), Some(now)));
        Ok(())
    }

    fn put_message(&mut self, message: &Message) -> Result<(), StoreError> {
        let wake = match &message.state {
            outbox::State::Queued => Some(millis(message.due)),
            outbox::State::Leased { until, .. } => Some(millis(*until)),
            _ => None,
        };
        let row = params![message.id.0, millis(message.created), wake, json(message)?];
        // As above.
        let changed = self.run(
            "INSERT INTO messages (id, created, wake, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET wake = excluded.wake, body = excluded.body
                 WHERE created = excluded.created",
            row,
        )?;
        if changed == 0 {
            self.run(
                "UPDATE messages SET created = ?2, wake = ?3, body = ?4 WHERE id = ?1",
                row,
            )?;
        }
        self.memo
            .with(|kept| kept.messages.keep(message.id, message.clone()));
        Ok(())
    }

    fn put_test_number(&mut self, id: MessageId, phone: &Phone) -> Result<(), StoreError> {
        let sealed = self.seal(phone.expose(), "test_numbers", &id.0, &[]);
        self.run(
            "INSERT INTO test_numbers (message_id, key_id, phone, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (message_id) DO UPDATE SET key_id = excluded.key_id, phone = excluded.phone,
                 body = excluded.body",
            (id.0, self.keys.id(), sealed, json(&phone.parts())?),
        )?;
        Ok(())
    }

    fn put_client(&mut self, client: &RadiusClient) -> Result<(), StoreError> {
        let (id, name_key) = (client.id.0, key(&client.name));
        self.free(
            "client name",
            "SELECT 1 FROM clients WHERE name_key = ?1 AND id <> ?2",
            (&name_key, id),
        )?;
        let sealed = self.seal(client.secret.expose(), "clients", &id, &client.resource.0);
        self.run(
            "INSERT INTO clients (id, name, name_key, resource_id, key_id, secret, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key,
                 resource_id = excluded.resource_id, key_id = excluded.key_id, secret = excluded.secret,
                 body = excluded.body",
            (
                id,
                &client.name,
                name_key,
                client.resource.0,
                self.keys.id(),
                sealed,
                json(&ClientBody::of(client))?,
            ),
        )?;
        Ok(())
    }

    fn delete_client(&mut self, id: ClientId) -> Result<(), StoreError> {
        self.run("DELETE FROM clients WHERE id = ?1", (id.0,))?;
        Ok(())
    }

    fn put_provider(&mut self, provider: &Provider) -> Result<(), StoreError> {
        let (id, name_key) = (provider.id.0, key(&provider.name));
        self.free(
            "provider name",
            "SELECT 1 FROM providers WHERE name_key = ?1 AND id <> ?2",
            (&name_key, id),
        )?;
        let sealed = self.seal(provider.config.expose(), "providers", &id, &[]);
        self.run(
            "INSERT INTO providers (id, name, name_key, priority, key_id, config, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key,
                 priority = excluded.priority, key_id = excluded.key_id, config = excluded.config,
                 body = excluded.body",
            (
                id,
                &provider.name,
                name_key,
                provider.priority,
                self.keys.id(),
                sealed,
                json(&ProviderBody::of(provider))?,
            ),
        )?;
        Ok(())
    }

    fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError> {
        self.run("DELETE FROM providers WHERE id = ?1", (id.0,))?;
        Ok(())
    }

    fn put_send_policy(&mut self, policy: &Policy) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO settings (name, body) VALUES ('send-policy', ?1)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            (json(policy)?,),
        )?;
        self.memo.with(|kept| kept.policy.keep((), policy.clone()));
        Ok(())
    }

    fn put_document(&mut self, row: &crate::Row) -> Result<(), StoreError> {
        documents::put(self, row)
    }

    fn delete_document(&mut self, kind: &str, id: &[u8; 16]) -> Result<(), StoreError> {
        documents::delete(self, kind, id)
    }

    fn append_audit(&mut self, event: &Event) -> Result<(), StoreError> {
        let text = json(event)?;
        let next = Head {
            seq: self.head.seq.saturating_add(1),
            hash: link(&self.head.hash, &text),
        };
        let seq = i64::try_from(next.seq)
            .map_err(|_| StoreError::Io("the audit log has no position left".to_owned()))?;
        self.run(
            "INSERT INTO audit (seq, text, hash) VALUES (?1, ?2, ?3)",
            (seq, text, next.hash),
        )?;
        *self.head = next;
        Ok(())
    }

    fn sweep(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.flush()?;
        let gone = sweep(self, now, limit);
        self.memo.forget();
        gone
    }
}
