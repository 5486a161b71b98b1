use otpost_ipc::admin::AdminOp;

use super::Session;
use crate::{
    CtlError, Exit,
    args::{Explain, LoginCommand},
};

pub(super) fn run(command: LoginCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let LoginCommand::Explain(question) = command;
    let (user, service) = split(&question)?;
    session.ask(AdminOp::LoginExplain {
        user,
        service,
        channel: question.channel.map(|channel| channel.name().to_owned()),
        source: question
            .source
            .map(|source| source.to_string())
            .unwrap_or_default(),
    })
}

/// The last `@` divides: users may have realms, services have no `@`.
fn split(question: &Explain) -> Result<(String, String), CtlError> {
    if let Some(service) = &question.service {
        return Ok((question.user.clone(), service.clone()));
    }
    match question.user.rsplit_once('@') {
        Some((user, service)) if !user.is_empty() && !service.is_empty() => {
            Ok((user.to_owned(), service.to_owned()))
        }
        _ => Err(CtlError::NoService),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(user: &str, service: Option<&str>) -> Explain {
        Explain {
            user: user.to_owned(),
            service: service.map(str::to_owned),
            source: None,
            channel: None,
        }
    }

    #[test]
    fn the_last_at_sign_divides_user_and_service() {
        let pair = |user: &str, service: &str| Ok((user.to_owned(), service.to_owned()));
        assert_eq!(split(&question("alice@sshd", None)), pair("alice", "sshd"));
        assert_eq!(
            split(&question("alice@corp@vpn", None)),
            pair("alice@corp", "vpn")
        );
        assert_eq!(
            split(&question("alice@corp", Some("vpn"))),
            pair("alice@corp", "vpn")
        );
        for half in ["alice", "alice@", "@sshd", ""] {
            assert_eq!(split(&question(half, None)), Err(CtlError::NoService));
        }
    }
}
