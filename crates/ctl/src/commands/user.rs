use otpost_ipc::admin::{AdminOp, AdminReply, UserAdd, UserSet};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{NewPassword, UserCommand},
    input::PASSWORD,
};

pub(super) fn run(command: UserCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        UserCommand::Add {
            login,
            alias,
            email,
            resource,
            password_file,
            no_password,
        } => AdminOp::UserAdd(UserAdd {
            login,
            aliases: alias,
            password: if no_password {
                None
            } else {
                PASSWORD.new_or_none(session.io, password_file.as_deref())?
            },
            email,
            resources: resource,
            ..UserAdd::default()
        }),
        UserCommand::Set {
            user,
            email,
            no_email,
            alias,
            no_aliases,
            password,
        } => AdminOp::UserSet(UserSet {
            user,
            password: new_password(&password, session)?,
            email: if no_email { Some(String::new()) } else { email },
            aliases: (no_aliases || !alias.is_empty()).then_some(alias),
            ..UserSet::default()
        }),
        UserCommand::Password { user, password_file } => AdminOp::UserSet(UserSet {
            user,
            password: PASSWORD.new_one(session.io, password_file.as_deref(), true)?,
            ..UserSet::default()
        }),
        UserCommand::Show { user } => AdminOp::UserShow { user },
        UserCommand::List { search } => return list(&search.unwrap_or_default(), session),
        UserCommand::Remove { user } => AdminOp::UserRemove { user },
        UserCommand::Lock { user, why } => AdminOp::UserLock { user, why },
        UserCommand::Unlock { user } => AdminOp::UserUnlock { user },
        UserCommand::Bypass { user, duration, off } => AdminOp::UserBypass {
            user,
            seconds: if off { 0 } else { duration },
        },
        UserCommand::Bind { user, resource } => AdminOp::UserBind { user, resource },
        UserCommand::Unbind { user, resource } => AdminOp::UserUnbind { user, resource },
    };
    session.ask(op)
}

fn new_password(
    options: &NewPassword,
    session: &mut Session<'_, '_>,
) -> Result<Option<otpost_ipc::Secret>, CtlError> {
    PASSWORD.new_one(session.io, options.password_file.as_deref(), options.password)
}

/// The largest page that the daemon gives.
const PAGE: u32 = 200;

/// All pages, one after the other; a list of many thousands must not be one frame.
fn list(search: &str, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all = Vec::new();
    loop {
        let op = AdminOp::UserList {
            search: search.to_owned(),
            after: all
                .last()
                .map(|user: &otpost_ipc::admin::UserView| user.login.clone()),
            limit: PAGE,
        };
        let AdminReply::Users { users, more } = session.call(op)? else {
            return Err(CtlError::Unexpected);
        };
        // An empty page that promises more would be asked for for ever.
        let done = !more || users.is_empty();
        all.extend(users);
        if done {
            break;
        }
    }
    session.show(&AdminReply::Users {
        users: all,
        more: false,
    })?;
    Ok(Exit::Done)
}
