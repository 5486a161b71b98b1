use otpost_ipc::admin::{AdminOp, AdminReply};

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
        TokenCommand::Find { search, resource } => {
            return find(&search.unwrap_or_default(), resource.as_deref(), session);
        }
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

/// Most owners in a page.
const PAGE: u32 = 200;

/// All pages, one after the other.
fn find(search: &str, resource: Option<&str>, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all = Vec::new();
    let mut from: Option<String> = None;
    loop {
        let op = AdminOp::TokenFind {
            search: search.to_owned(),
            resource: resource.map(str::to_owned),
            after: from.clone(),
            limit: PAGE,
        };
        let AdminReply::TokensFound { tokens, after } = session.call(op)? else {
            return Err(CtlError::Unexpected);
        };
        all.extend(tokens);
        // Owners may have no token; one that is named again would be so for ever.
        if after.is_none() || after == from {
            break;
        }
        from = after;
    }
    session.show(&AdminReply::TokensFound {
        tokens: all,
        after: None,
    })?;
    Ok(Exit::Done)
}

fn status(token: String, status: TokenStatus) -> AdminOp {
    AdminOp::TokenSet {
        token,
        status: Some(status.name().to_owned()),
        name: None,
    }
}
