//! From a parsed command line to requests, and from their answers to text and exit status.

mod administrator;
mod audit;
mod config;
mod enrol;
mod export;
mod import;
mod login;
mod radius;
mod radius_test;
mod resource;
mod settings;
mod sms;
mod source;
mod token;
mod user;

use std::path::PathBuf;

use otpost_ipc::admin::{AdminOp, AdminReply};
use serde::Serialize;

use crate::{
    CtlError, Exit, Io, admin,
    args::{Cli, Command},
    demo, render,
};

/// What every command needs.
pub(crate) struct Session<'a, 'io> {
    socket: PathBuf,
    json: bool,
    pub(crate) io: &'a mut Io<'io>,
}

impl Session<'_, '_> {
    /// Asks the daemon.
    fn call(&self, op: AdminOp) -> Result<AdminReply, CtlError> {
        admin::call(&self.socket, op)
    }

    /// Asks the daemon and shows its answer.
    fn ask(&mut self, op: AdminOp) -> Result<Exit, CtlError> {
        let reply = self.call(op)?;
        self.show(&reply)?;
        Ok(judge(&reply))
    }

    /// Shows an answer.
    fn show(&mut self, reply: &AdminReply) -> Result<(), CtlError> {
        if self.json {
            render::json(self.io.out, reply)?;
        } else {
            render::reply(self.io.out, reply)?;
        }
        Ok(self.io.out.flush()?)
    }

    /// Shows `value` as JSON, or else `text`.
    fn say(&mut self, value: &impl Serialize, text: &str) -> Result<(), CtlError> {
        if self.json {
            render::json(self.io.out, value)?;
        } else {
            writeln!(self.io.out, "{text}")?;
        }
        Ok(self.io.out.flush()?)
    }
}

/// Bad news that is an answer nevertheless.
fn judge(reply: &AdminReply) -> Exit {
    match reply {
        AdminReply::SendTest { state, .. } if state != "accepted" => Exit::Refused,
        AdminReply::SourceTested { outcome, .. } if outcome != "passed" => Exit::Refused,
        AdminReply::AuditVerified {
            broken_at: Some(_), ..
        } => Exit::Refused,
        _ => Exit::Done,
    }
}

/// Runs one command.
pub(crate) fn run(cli: Cli, io: &mut Io<'_>) -> Result<Exit, CtlError> {
    let Cli {
        json,
        socket,
        command,
    } = cli;
    let mut session = Session { socket, json, io };
    match command {
        Command::User(command) => user::run(command, &mut session),
        Command::Token(command) => token::run(command, &mut session),
        Command::Enrol(command) => enrol::run(command, &mut session),
        Command::Resource(command) => resource::run(command, &mut session),
        Command::Radius(command) => radius::run(command, &mut session),
        Command::Source(command) => source::run(command, &mut session),
        Command::Sms(command) => sms::run(command, &mut session),
        Command::Login(command) => login::run(command, &mut session),
        Command::Status => session.ask(AdminOp::Status),
        Command::Overview(options) => settings::overview(options, &mut session),
        Command::Audit(command) => audit::run(command, &mut session),
        Command::Admin(command) => administrator::run(command, &mut session),
        Command::SetupLink => session.ask(AdminOp::SetupLink),
        Command::ApiKey(command) => administrator::api_key(command, &mut session),
        Command::Mail(command) => settings::mail(command, &mut session),
        Command::Portal(command) => settings::portal(command, &mut session),
        Command::Config(command) => config::run(command, &mut session),
        Command::Demo(_) if json => Err(CtlError::NoJson),
        Command::Demo(options) => demo::run(&options, session.io),
        Command::DemoChild(child) => Err(demo::become_child(&child)),
    }
}
