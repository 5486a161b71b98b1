use otpost_ipc::admin::{AdminOp, AdminReply, ClientSet, ClientView};

use super::{Session, radius_test};
use crate::{
    CtlError, Exit,
    args::{ClientCommand, ClientOptions, RadiusCommand},
    input::SHARED_SECRET,
};

pub(super) fn run(command: RadiusCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    match command {
        RadiusCommand::Client(command) => client(command, session),
        RadiusCommand::Sessions { user, ended, limit } => {
            session.ask(AdminOp::AccountingList { user, ended, limit })
        }
        RadiusCommand::Test(options) => radius_test::run(options, session),
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
