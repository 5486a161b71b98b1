//! Mail, portal and overview.

use otpost_ipc::{
    Secret,
    admin::{AdminOp, MailSet, PortalSet},
};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{MailCommand, MailOptions, OverviewOptions, PortalCommand},
    input::{self, MAIL_PASSWORD},
};

pub(super) fn mail(command: MailCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        MailCommand::Show => AdminOp::MailShow,
        MailCommand::Set(options) => AdminOp::MailSet(mail_set(*options, session)?),
        MailCommand::Test { to } => AdminOp::MailTest { to },
    };
    session.ask(op)
}

fn mail_set(options: MailOptions, session: &mut Session<'_, '_>) -> Result<MailSet, CtlError> {
    let empty = |flag: bool, value: Option<String>| if flag { Some(String::new()) } else { value };
    let password = if options.no_password {
        Some(Secret::from(""))
    } else {
        MAIL_PASSWORD.new_one(session.io, options.password_file.as_deref(), options.password)?
    };
    let ca = match &options.ca_file {
        Some(file) => Some(input::file(session.io, file)?.to_string()),
        None => None,
    };
    Ok(MailSet {
        host: empty(options.off, options.host),
        port: options.port,
        security: options.security,
        user: empty(options.no_user, options.user),
        password,
        from: options.from,
        ca: empty(options.no_ca, ca),
    })
}

pub(super) fn portal(command: PortalCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    session.ask(match command {
        PortalCommand::Show => AdminOp::PortalShow,
        PortalCommand::Set {
            url,
            console_url,
            email_codes,
        } => AdminOp::PortalSet(PortalSet {
            url,
            console_url,
            email_codes,
        }),
    })
}

pub(super) fn overview(options: OverviewOptions, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    session.ask(AdminOp::Overview {
        hours: options.hours,
        resource: options.resource,
    })
}
