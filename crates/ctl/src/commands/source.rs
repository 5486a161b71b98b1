use std::path::Path;

use otpost_conf::ConfError;
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, SourceView},
};
use serde_json::Value;

use super::Session;
use crate::{
    CtlError, Exit,
    args::{SourceCommand, SourceKind},
    input::{self, PASSWORD},
};

pub(super) fn run(command: SourceCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        SourceCommand::Add { name, kind, config } => AdminOp::SourceAdd {
            name,
            kind: match kind {
                SourceKind::Ldap => "ldap",
                SourceKind::Radius => "radius",
            }
            .to_owned(),
            config: settings(&config, session)?,
        },
        SourceCommand::Set { name, config } => AdminOp::SourceSet {
            name,
            config: settings(&config, session)?,
        },
        SourceCommand::List => return list(session),
        SourceCommand::Remove { name } => AdminOp::SourceRemove { name },
        SourceCommand::Test {
            name,
            user,
            password_file,
        } => AdminOp::SourceTest {
            name,
            user,
            password: PASSWORD.existing(session.io, password_file.as_deref())?,
        },
    };
    session.ask(op)
}

/// All pages, one after the other.
fn list(session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all: Vec<SourceView> = Vec::new();
    loop {
        let after = all.last().map(|source| source.name.clone());
        let AdminReply::Sources { sources, more } = session.call(AdminOp::SourceList { after })? else {
            return Err(CtlError::Unexpected);
        };
        let done = !more || sources.is_empty();
        all.extend(sources);
        if done {
            break;
        }
    }
    session.show(&AdminReply::Sources {
        sources: all,
        more: false,
    })?;
    Ok(Exit::Done)
}

/// The settings in `path` as JSON. `ca-file`, which the daemon might not be able to read, becomes `ca`.
fn settings(path: &Path, session: &mut Session<'_, '_>) -> Result<Secret, CtlError> {
    let text = input::file(session.io, path)?;
    let mut value: Value = otpost_conf::parse(path, &text).map_err(|error| match error {
        ConfError::Invalid(place) => CtlError::ProviderFile {
            path: place.path,
            line: place.line,
            column: place.column,
            message: place.message,
        },
        other => CtlError::Config(other),
    })?;
    if let Some(fields) = value.as_object_mut()
        && let Some(file) = fields.remove("ca-file")
    {
        let file = file.as_str().unwrap_or_default();
        // Beside the file that names it.
        let file = path.parent().unwrap_or_else(|| Path::new("")).join(file);
        let ca = input::file(session.io, &file)?;
        fields.insert("ca".to_owned(), Value::String(ca.to_string()));
    }
    Ok(Secret::new(value.to_string()))
}
