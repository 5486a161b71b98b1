use otpost_ipc::admin::AdminOp;

use super::Session;
use crate::{
    CtlError, Exit,
    args::{TokenCommand, TokenStatus},
    input,
};

pub(super) fn run(command: TokenCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        TokenCommand::Add {
            user,
            phone,
            name,
            digits,
            resource,
        } => AdminOp::TokenAdd {
            user,
            phone: input::phone(session.io, phone)?,
            name,
            digits,
            resources: resource,
        },
        TokenCommand::List { user } => AdminOp::TokenList { user },
        TokenCommand::Set { token, name, status } => AdminOp::TokenSet {
            token,
            status: status.map(|status| status.name().to_owned()),
            name,
        },
        TokenCommand::Enable { token } => status(token, TokenStatus::Active),
        TokenCommand::Disable { token } => status(token, TokenStatus::Disabled),
        TokenCommand::Block { token } => status(token, TokenStatus::Blocked),
        TokenCommand::Remove { token } => AdminOp::TokenRemove { token },
    };
    session.ask(op)
}

fn status(token: String, status: TokenStatus) -> AdminOp {
    AdminOp::TokenSet {
        token,
        status: Some(status.name().to_owned()),
        name: None,
    }
}
