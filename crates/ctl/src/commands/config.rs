use std::path::{Path, PathBuf};

use otpost_conf::{ConfError, DaemonConfig, RadiusConfig, load};
use serde_json::{Value, json};

use super::Session;
use crate::{CtlError, Exit, args::ConfigCommand};

const DAEMON: &str = "/etc/otpost/daemon.toml";
const RADIUS: &str = "/etc/otpost/radius.toml";

pub(super) fn run(command: ConfigCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let ConfigCommand::Check { daemon, radius } = command;
    let named = daemon.is_some() || radius.is_some();
    // Not every host has every process, so without a name a file that is not there is no mistake.
    let pick = |file: Option<PathBuf>, usual: &str| {
        file.or_else(|| (!named && Path::new(usual).exists()).then(|| PathBuf::from(usual)))
    };
    let checks = [
        pick(daemon, DAEMON).map(check::<DaemonConfig>),
        pick(radius, RADIUS).map(check::<RadiusConfig>),
    ];
    let results: Vec<(PathBuf, Result<(), ConfError>)> = checks.into_iter().flatten().collect();
    if results.is_empty() {
        return Err(CtlError::NothingToCheck);
    }
    let files: Vec<Value> = results
        .iter()
        .map(|(file, result)| describe(file, result))
        .collect();
    let text: Vec<String> = results
        .iter()
        .map(|(file, result)| match result {
            Ok(()) => format!("{}: good", file.display()),
            Err(error) => error.to_string(),
        })
        .collect();
    session.say(
        &json!({ "re": "config-check", "files": files }),
        &text.join("\n\n"),
    )?;
    Ok(if results.iter().all(|(_, result)| result.is_ok()) {
        Exit::Done
    } else {
        Exit::Refused
    })
}

fn check<T: serde::de::DeserializeOwned>(file: PathBuf) -> (PathBuf, Result<(), ConfError>) {
    let result = load::<T>(&file).map(|_| ());
    (file, result)
}

fn describe(file: &Path, result: &Result<(), ConfError>) -> Value {
    match result {
        Ok(()) => json!({ "file": file, "good": true }),
        Err(ConfError::Invalid(place)) => json!({
            "file": file, "good": false, "line": place.line, "column": place.column, "message": place.message,
            "help": place.help,
        }),
        Err(error) => json!({ "file": file, "good": false, "message": error.to_string() }),
    }
}
