use std::path::Path;

use otpost_conf::ConfError;
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, MessageView, SmsPolicySet},
};
use serde_json::{Value, json};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{ProviderAdd, ProviderCommand, ProviderKind, SmsCommand, SmsLimits},
    input, render,
};

pub(super) fn run(command: SmsCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        SmsCommand::Provider(command) => provider(command, session)?,
        SmsCommand::SendTest { number, provider } => AdminOp::SmsSendTest {
            phone: input::phone(session.io, number)?,
            provider,
        },
        SmsCommand::Pause => paused(true),
        SmsCommand::Resume => paused(false),
        SmsCommand::Countries { list, add, remove } => {
            let list = match list {
                Some(list) => Some(codes(&list)),
                None if add.is_none() && remove.is_none() => None,
                None => Some(changed(add.as_deref(), remove.as_deref(), session)?),
            };
            return countries(list, session);
        }
        SmsCommand::Limits(limits) => limit(&limits),
        SmsCommand::Messages { lines } => return messages(lines, session),
    };
    session.ask(op)
}

/// The newest `limit` texts, page by page.
fn messages(limit: u32, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all: Vec<MessageView> = Vec::new();
    loop {
        let after = all.last().map(|message| message.id.clone());
        let AdminReply::Messages { messages, more } = session.call(AdminOp::SmsMessages { limit, after })?
        else {
            return Err(CtlError::Unexpected);
        };
        let done = !more || messages.is_empty();
        all.extend(messages);
        if done {
            break;
        }
    }
    session.show(&AdminReply::Messages {
        messages: all,
        more: false,
    })?;
    Ok(Exit::Done)
}

fn paused(paused: bool) -> AdminOp {
    AdminOp::SmsPolicySet(SmsPolicySet {
        paused: Some(paused),
        ..SmsPolicySet::default()
    })
}

/// The list as it is, with some more and without others.
fn changed(
    add: Option<&str>,
    remove: Option<&str>,
    session: &Session<'_, '_>,
) -> Result<Vec<String>, CtlError> {
    let AdminReply::SmsPolicy(policy) = session.call(AdminOp::SmsPolicyShow)? else {
        return Err(CtlError::Unexpected);
    };
    let removed = remove.map(codes).unwrap_or_default();
    let mut list = policy.countries.unwrap_or_default();
    list.retain(|code| !removed.contains(code));
    for code in add.map(codes).unwrap_or_default() {
        if !list.contains(&code) {
            list.push(code);
        }
    }
    Ok(list)
}

fn countries(list: Option<Vec<String>>, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match list {
        None => AdminOp::SmsPolicyShow,
        Some(codes) => AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(codes),
            ..SmsPolicySet::default()
        }),
    };
    let reply = session.call(op)?;
    let AdminReply::SmsPolicy(policy) = &reply else {
        return Err(CtlError::Unexpected);
    };
    let text = crate::text::clean(&render::countries(policy));
    session.say(&reply, &text)?;
    Ok(Exit::Done)
}

fn codes(list: &str) -> Vec<String> {
    if list.eq_ignore_ascii_case("none") {
        return Vec::new();
    }
    list.split([',', ' '])
        .map(str::trim)
        .filter(|code| !code.is_empty())
        .map(str::to_ascii_uppercase)
        .collect()
}

fn limit(limits: &SmsLimits) -> AdminOp {
    let set = SmsPolicySet {
        countries: None,
        voip: limits.voip,
        paused: None,
        number_hour: limits.number_hour,
        number_day: limits.number_day,
        user_hour: limits.user_hour,
        user_day: limits.user_day,
        user_reserve: limits.user_reserve,
        source_hour: limits.source_hour,
        source_day: limits.source_day,
        all_minute: limits.all_minute,
        all_day: limits.all_day,
    };
    if set == SmsPolicySet::default() {
        AdminOp::SmsPolicyShow
    } else {
        AdminOp::SmsPolicySet(set)
    }
}

fn provider(command: ProviderCommand, session: &mut Session<'_, '_>) -> Result<AdminOp, CtlError> {
    Ok(match command {
        ProviderCommand::Add(new) => {
            let config = config(&new, session)?;
            AdminOp::SmsProviderAdd {
                name: new.name,
                kind: match new.kind {
                    ProviderKind::Http => "http",
                    ProviderKind::File => "file",
                }
                .to_owned(),
                priority: new.priority,
                sender: new.sender,
                config,
            }
        }
        ProviderCommand::List => AdminOp::SmsProviderList,
        ProviderCommand::Set {
            name,
            enabled,
            priority,
        } => AdminOp::SmsProviderSet {
            name,
            enabled,
            priority,
        },
        ProviderCommand::Remove { name } => AdminOp::SmsProviderRemove { name },
    })
}

/// The settings of a new provider as JSON.
fn config(new: &ProviderAdd, session: &mut Session<'_, '_>) -> Result<Secret, CtlError> {
    // The daemon has another working directory.
    let path = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let value = match (&new.config, &new.path) {
        (Some(file), _) => {
            let text = input::file(session.io, file)?;
            toml(file, &text)?
        }
        (None, Some(file)) => json!({ "path": path(file) }),
        (None, None) => json!({}),
    };
    Ok(Secret::new(value.to_string()))
}

fn toml(path: &Path, text: &str) -> Result<Value, CtlError> {
    otpost_conf::parse(path, text).map_err(|error| match error {
        ConfError::Invalid(place) => CtlError::ProviderFile {
            path: place.path,
            line: place.line,
            column: place.column,
            message: place.message,
        },
        other => CtlError::Config(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_list_is_split_and_folded() {
        assert_eq!(codes("de, AT,,ch"), ["DE", "AT", "CH"]);
        assert_eq!(codes("none"), Vec::<String>::new());
    }

    #[test]
    fn toml_becomes_json() {
        let text = "url = \"https://gateway.example/\"\nquery = [{ name = \"to\", value = \"{to}\" }]\n[success]\nstatus = [200, 201]\n";
        assert_eq!(
            toml(Path::new("p.toml"), text),
            Ok(json!({
                "url": "https://gateway.example/", "query": [{ "name": "to", "value": "{to}" }],
                "success": { "status": [200, 201] }
            }))
        );
    }

    #[test]
    fn a_mistake_is_placed_without_showing_the_line() {
        let error = toml(Path::new("p.toml"), "a = 1\ntoken = \"hunter2\n").unwrap_err();
        assert!(
            matches!(error, CtlError::ProviderFile { line: 2, .. }),
            "{error:?}"
        );
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn limits_without_options_only_show() {
        assert_eq!(limit(&SmsLimits::default()), AdminOp::SmsPolicyShow);
        let op = limit(&SmsLimits {
            user_hour: Some(3),
            ..SmsLimits::default()
        });
        assert!(matches!(
            op,
            AdminOp::SmsPolicySet(SmsPolicySet {
                user_hour: Some(3),
                ..
            })
        ));
    }
}
