//! Transports, made from the store's provider rows and kept until those change.

use std::sync::{Arc, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use otpost_conf::daemon::Environment;
use otpost_core::outbox::LEASE;
use otpost_core::provider::{Provider, ProviderKind};
use otpost_sms::{FileInbox, HttpConfig, HttpTransport, Sender, Transport};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::sys::Clock;

/// Longest submission: leaves time to store the outcome before the lease ends.
const LONGEST: Duration = Duration::from_secs(LEASE.as_secs() - 5);

/// A provider that can be asked.
#[derive(Clone)]
pub struct Active {
    /// Its name.
    pub name: String,
    /// What the recipient sees, where the transport has such a thing.
    pub sender: Option<Sender>,
    /// How it is asked.
    pub transport: Arc<dyn Transport>,
}

/// The usable providers in order of preference.
#[derive(Default)]
pub struct Usable {
    /// Their names, as the core's decisions want them.
    pub names: Vec<String>,
    active: Vec<Active>,
}

impl Usable {
    /// The provider of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Active> {
        self.active.iter().find(|p| p.name == name)
    }
}

/// The present list, replaced as a whole.
#[derive(Default)]
pub struct Providers {
    usable: RwLock<Arc<Usable>>,
}

/// Settings of the development inbox.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FileConfig {
    path: std::path::PathBuf,
}

impl Providers {
    /// The present list.
    #[must_use]
    pub fn usable(&self) -> Arc<Usable> {
        self.usable
            .read()
            .map(|list| Arc::clone(&list))
            .unwrap_or_default()
    }

    /// Replaces the list. A provider that cannot be made is left out and logged; the others stay in use.
    pub fn load(&self, rows: &[Provider], environment: Environment, clock: &Arc<dyn Clock>) {
        let active: Vec<Active> = rows
            .iter()
            .filter(|row| row.enabled)
            .filter_map(|row| match make(row, environment, clock) {
                Ok(active) => Some(active),
                Err(error) => {
                    warn!(provider = row.name, %error, "this SMS provider cannot be used");
                    None
                }
            })
            .collect();
        let names = active.iter().map(|p| p.name.clone()).collect();
        if let Ok(mut usable) = self.usable.write() {
            *usable = Arc::new(Usable { names, active });
        }
    }
}

/// Makes the transport of `row`.
///
/// # Errors
/// A sentence that names the setting and its fix; holds no credential.
pub fn make(row: &Provider, environment: Environment, clock: &Arc<dyn Clock>) -> Result<Active, String> {
    let sender = match row.sender.as_str() {
        "" => None,
        sender => Some(Sender::new(sender).map_err(|e| e.to_string())?),
    };
    let transport: Arc<dyn Transport> = match row.kind {
        ProviderKind::File => {
            let config: FileConfig = settings(row)?;
            let clock = Arc::clone(clock);
            let time = Arc::new(move || UNIX_EPOCH + Duration::from_millis(clock.now().0));
            let environment = match environment {
                Environment::Production => otpost_sms::Environment::Production,
                Environment::Development => otpost_sms::Environment::Development,
            };
            Arc::new(FileInbox::new(config.path, environment, time).map_err(|e| e.to_string())?)
        }
        ProviderKind::Http => {
            let config: HttpConfig = settings(row)?;
            // A lease that ends under a submission would have the text sent twice.
            if config.total_timeout > LONGEST {
                return Err(format!(
                    "total-timeout: at most {} s; a login does not wait longer for its text",
                    LONGEST.as_secs()
                ));
            }
            let transport = HttpTransport::new(&config).map_err(|e| e.to_string())?;
            if transport.needs_sender() && sender.is_none() {
                return Err("the settings use {sender}; give the provider a sender".to_owned());
            }
            Arc::new(transport)
        }
    };
    Ok(Active {
        name: row.name.clone(),
        sender,
        transport,
    })
}

fn settings<T: DeserializeOwned>(row: &Provider) -> Result<T, String> {
    serde_json::from_str(row.config.expose()).map_err(|error| mistake(&error.to_string()))
}

/// What serde says, without the value it could not use: that may be a credential. Names of keys stay.
pub(crate) fn mistake(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    match text.rsplit_once(", expected ") {
        Some((what, expected)) if !what.starts_with("unknown field ") => {
            format!("settings: a value is not of the right kind; expected is {expected}")
        }
        _ => format!("settings: {text}"),
    }
}
