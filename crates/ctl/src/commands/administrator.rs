//! Administrators and the keys of programs.

use otpost_ipc::admin::{AdminOp, AdminSet};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{AdminCommand, ApiKeyCommand},
};

pub(super) fn run(command: AdminCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    session.ask(match command {
        AdminCommand::Add {
            login,
            name,
            email,
            rights,
        } => AdminOp::AdminAdd {
            login,
            shown: name,
            email,
            role: rights.role.name().to_owned(),
            resources: rights.resource,
        },
        AdminCommand::Set {
            login,
            name,
            email,
            no_email,
            role,
            resource,
            all_resources,
            lock,
            unlock,
        } => AdminOp::AdminSet(AdminSet {
            login,
            shown: name,
            email: if no_email { Some(String::new()) } else { email },
            role: role.map(|role| role.name().to_owned()),
            resources: (all_resources || !resource.is_empty()).then_some(resource),
            locked: (lock || unlock).then_some(lock),
        }),
        AdminCommand::Reset { login } => AdminOp::AdminReset { login },
        AdminCommand::List => AdminOp::AdminList,
        AdminCommand::Remove { login } => AdminOp::AdminRemove { login },
        AdminCommand::SetupLink => AdminOp::SetupLink,
    })
}

pub(super) fn api_key(command: ApiKeyCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    session.ask(match command {
        ApiKeyCommand::Add { name, rights, days } => AdminOp::ApiKeyAdd {
            name,
            role: rights.role.name().to_owned(),
            resources: rights.resource,
            days,
        },
        ApiKeyCommand::List => AdminOp::ApiKeyList,
        ApiKeyCommand::Remove { name } => AdminOp::ApiKeyRemove { name },
    })
}
