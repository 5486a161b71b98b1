use otpost_ipc::admin::{AdminOp, AdminReply, UserAdd, UserSet, UserView};

use super::{Session, export, import};
use crate::{
    CtlError, Exit,
    args::{NewPassword, UserCommand, UserState},
    input::PASSWORD,
};

pub(super) fn run(command: UserCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        UserCommand::Add {
            login,
            alias,
            email,
            first_name,
            last_name,
            resource,
            group,
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
            first_name,
            last_name,
            resources: resource,
            groups: group,
        }),
        UserCommand::Set {
            user,
            email,
            no_email,
            alias,
            no_aliases,
            first_name,
            last_name,
            group,
            no_groups,
            password,
        } => AdminOp::UserSet(UserSet {
            user,
            password: new_password(&password, session)?,
            email: if no_email { Some(String::new()) } else { email },
            aliases: (no_aliases || !alias.is_empty()).then_some(alias),
            first_name,
            last_name,
            groups: (no_groups || !group.is_empty()).then_some(group),
        }),
        UserCommand::Password { user, password_file } => AdminOp::UserSet(UserSet {
            user,
            password: PASSWORD.new_one(session.io, password_file.as_deref(), true)?,
            ..UserSet::default()
        }),
        UserCommand::Show { user } => AdminOp::UserShow { user },
        UserCommand::List { search } => return list(by_login(search.unwrap_or_default()), session),
        UserCommand::Find {
            search,
            resource,
            state,
        } => return list(found(search.unwrap_or_default(), resource, state), session),
        UserCommand::Sessions { user } => AdminOp::UserSessions { user },
        UserCommand::Remembered { user } => AdminOp::RememberedList { user },
        UserCommand::Forget { user, id } => AdminOp::RememberedRevoke { user, id },
        UserCommand::SignOut { user } => AdminOp::UserSignOut { user },
        UserCommand::OneDayCode { user } => AdminOp::UserOneDayCode { user },
        UserCommand::RecoveryCodes { user } => AdminOp::UserRecovery { user },
        UserCommand::Invite { user, resource } => AdminOp::UserInvite { user, resource },
        UserCommand::Import(options) => return import::run(&options, session),
        UserCommand::Export { search } => return write_csv(search.unwrap_or_default(), session),
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

fn by_login(search: String) -> impl Fn(Option<String>) -> AdminOp {
    move |after| AdminOp::UserList {
        search: search.clone(),
        after,
        limit: PAGE,
    }
}

fn found(
    search: String,
    resource: Option<String>,
    state: Option<UserState>,
) -> impl Fn(Option<String>) -> AdminOp {
    move |after| AdminOp::UserFind {
        search: search.clone(),
        resource: resource.clone(),
        state: state.map(|state| state.name().to_owned()),
        after,
        limit: PAGE,
    }
}

/// All users, whom `ask` asks for by where the page before ended.
fn list(ask: impl Fn(Option<String>) -> AdminOp, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all = Vec::new();
    each_page(ask, session, |users, _| {
        all.extend(users);
        Ok(())
    })?;
    session.show(&AdminReply::Users {
        users: all,
        more: false,
        after: None,
    })?;
    Ok(Exit::Done)
}

/// All users as CSV, page by page; JSON is what a list is.
fn write_csv(search: String, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    if session.json {
        return list(by_login(search), session);
    }
    let mut begun = false;
    each_page(by_login(search), session, |users, session| {
        // Not before the first answer: a refusal leaves no file that looks like a result.
        if !std::mem::replace(&mut begun, true) {
            export::header(session.io.out)?;
        }
        for user in &users {
            export::user(session.io.out, user)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// Pages of users, one after the other; a list of many thousands must not be one frame.
fn each_page(
    ask: impl Fn(Option<String>) -> AdminOp,
    session: &mut Session<'_, '_>,
    mut take: impl FnMut(Vec<UserView>, &mut Session<'_, '_>) -> Result<(), CtlError>,
) -> Result<(), CtlError> {
    let mut from: Option<String> = None;
    loop {
        let AdminReply::Users { users, more, after } = session.call(ask(from.clone()))? else {
            return Err(CtlError::Unexpected);
        };
        // A search may have looked further than it found.
        let next = after.or_else(|| users.last().map(|user| user.login.clone()));
        take(users, session)?;
        // A page that leads nowhere would be asked for for ever.
        if !more || next.is_none() || next == from {
            return Ok(());
        }
        from = next;
    }
}
