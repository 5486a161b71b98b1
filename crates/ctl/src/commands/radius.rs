use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply, ClientSet, ClientView};
use otpost_radius_wire::{SharedSecret, Signing};
use serde_json::json;

use super::Session;
use crate::{
    CtlError, Exit,
    args::{ClientCommand, ClientOptions, RadiusCommand, RadiusTest},
    input::{self, PASSWORD, SHARED_SECRET},
    radius::{Answer, Direction, RadiusError, Reply, Server, Transcript, resolve, short_hex},
};

pub(super) fn run(command: RadiusCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    match command {
        RadiusCommand::Client(command) => client(command, session),
        RadiusCommand::Sessions { user, ended, limit } => {
            session.ask(AdminOp::AccountingList { user, ended, limit })
        }
        RadiusCommand::Test(options) => test(options, session),
    }
}

fn client(command: ClientCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        ClientCommand::Add {
            name,
            network,
            resource,
            options,
        } => AdminOp::RadiusClientAdd {
            name,
            networks: network,
            resource,
            secret: secret(&options, session)?,
            weak_secret: options.weak_secret,
            message_authenticator: options.message_authenticator.map(Into::into).unwrap_or_default(),
            set: settings(&options),
            first_factor: options.first_factor,
        },
        ClientCommand::Set {
            name,
            network,
            resource,
            options,
        } => AdminOp::RadiusClientSet {
            name,
            networks: (!network.is_empty()).then_some(network),
            resource,
            secret: secret(&options, session)?,
            weak_secret: options.weak_secret,
            message_authenticator: options.message_authenticator.map(Into::into),
            set: settings(&options),
            first_factor: options.first_factor,
        },
        ClientCommand::Show { name } => return show_client(&name, session),
        ClientCommand::List => return list(session),
        ClientCommand::Remove { name } => AdminOp::RadiusClientRemove { name },
    };
    session.ask(op)
}

fn settings(options: &ClientOptions) -> ClientSet {
    ClientSet {
        nas: options.nas.clone(),
        flow: options.flow.clone(),
        separator: if options.no_separator {
            Some(String::new())
        } else {
            options.separator.clone()
        },
        limit_proxy_state: options.limit_proxy_state,
        hide_first_factor: options.hide_first_factor,
        echo: options.echo,
        prompt_length: options.prompt_length,
        source: options.source.clone(),
        eap: options.eap,
        accounting: options.accounting,
        reply: (options.no_reply || !options.reply.is_empty()).then(|| options.reply.clone()),
    }
}

/// All pages, one after the other.
fn all(session: &Session<'_, '_>) -> Result<Vec<ClientView>, CtlError> {
    let mut all: Vec<ClientView> = Vec::new();
    loop {
        let after = all.last().map(|client| client.name.clone());
        let AdminReply::Clients { clients, more } = session.call(AdminOp::RadiusClientList { after })? else {
            return Err(CtlError::Unexpected);
        };
        let done = !more || clients.is_empty();
        all.extend(clients);
        if done {
            return Ok(all);
        }
    }
}

fn list(session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let clients = all(session)?;
    session.show(&AdminReply::Clients { clients, more: false })?;
    Ok(Exit::Done)
}

fn show_client(name: &str, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut clients = all(session)?.into_iter();
    let client = clients
        .find(|client| client.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| CtlError::NoClient(name.to_owned()))?;
    session.show(&AdminReply::Client(client))?;
    Ok(Exit::Done)
}

fn secret(
    options: &ClientOptions,
    session: &mut Session<'_, '_>,
) -> Result<Option<otpost_ipc::Secret>, CtlError> {
    SHARED_SECRET.new_one(session.io, options.secret_file.as_deref(), options.secret)
}

/// A login with as many wrong codes and resends as the server allows has fewer challenges than this.
const MOST_CHALLENGES: u32 = 20;

fn test(options: RadiusTest, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let address = resolve(&options.server)?;
    let secret = SHARED_SECRET.existing(session.io, options.secret_file.as_deref())?;
    let password = PASSWORD.existing(session.io, options.password_file.as_deref())?;
    let mut server = Server::new(
        address,
        SharedSecret::new(secret.expose().as_bytes()).map_err(RadiusError::Wire)?,
    )?;
    server.timeout = Duration::from_secs(options.timeout.into());
    server.tries = options.tries;
    server.nas_identifier = options.nas_identifier;
    server.calling_station_id = options.calling_station_id;
    if options.without_message_authenticator {
        server.signing = Signing::None;
    }

    let mut password = password;
    let mut state: Option<Vec<u8>> = None;
    for challenges in 0..MOST_CHALLENGES {
        request(session, &server, &options.user, state.as_deref())?;
        let reply = server.login(&options.user, password.expose(), state.as_deref())?;
        show(session, &reply)?;
        let (accepted, exit) = match reply.answer {
            Answer::Accept => (true, Exit::Done),
            Answer::Reject => (false, Exit::Refused),
            Answer::Challenge { state: next, echo } => {
                // The transcript has shown the server's words; JSON has not.
                let prompt = if session.json && !reply.message.trim().is_empty() {
                    format!("{} ", reply.message.trim_end())
                } else {
                    "Code: ".to_owned()
                };
                password = input::code(session.io, &prompt, echo)?;
                state = Some(next);
                continue;
            }
        };
        if session.json {
            let outcome = if accepted { "accept" } else { "reject" };
            let value = json!({
                "re": "radius-test", "outcome": outcome, "message": reply.message, "challenges": challenges,
            });
            session.say(&value, "")?;
        }
        return Ok(exit);
    }
    Err(RadiusError::Endless(MOST_CHALLENGES).into())
}

fn request(
    session: &mut Session<'_, '_>,
    server: &Server,
    user: &str,
    state: Option<&[u8]>,
) -> Result<(), CtlError> {
    if session.json {
        return Ok(());
    }
    let mut attributes = vec![format!("User-Name={user}"), "User-Password=(hidden)".to_owned()];
    attributes.extend(state.map(|state| format!("State={}", short_hex(state))));
    let what = format!("Access-Request to {}", server.address());
    transcript(session).line(Direction::Request, &what, None, &[attributes.join("  ")])?;
    Ok(())
}

fn show(session: &mut Session<'_, '_>, reply: &Reply) -> Result<(), CtlError> {
    if session.json {
        return Ok(());
    }
    let (what, state) = match &reply.answer {
        Answer::Accept => ("Access-Accept", None),
        Answer::Reject => ("Access-Reject", None),
        Answer::Challenge { state, .. } => ("Access-Challenge", Some(state)),
    };
    let details = [
        reply.message.clone(),
        state.map_or_else(String::new, |state| format!("State={}", short_hex(state))),
        if reply.sent > 1 {
            format!("answered after {} packets", reply.sent)
        } else {
            String::new()
        },
    ];
    transcript(session).line(Direction::Reply, what, Some(reply.took), &details)?;
    Ok(())
}

fn transcript<'a>(session: &'a mut Session<'_, '_>) -> Transcript<'a> {
    Transcript {
        color: session.io.color,
        out: &mut *session.io.out,
    }
}
