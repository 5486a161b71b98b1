use otpost_ipc::{
    admin::{AdminOp, AdminReply},
    portal::EnrolState,
};

use super::Session;
use crate::{CtlError, Exit, args::EnrolCommand, input};

pub(super) fn run(command: EnrolCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    match command {
        EnrolCommand::Start {
            user,
            resource,
            phone,
            name,
            digits,
        } => {
            let phone = input::phone(session.io, phone)?;
            session.ask(AdminOp::EnrolStart {
                user,
                resource,
                phone,
                name,
                digits,
            })
        }
        EnrolCommand::Finish { enrolment } => {
            // It may be seen: it is for this one time, and typing it blind goes wrong.
            let code = input::code(session.io, "Code that the user reads out: ", true)?;
            let reply = session.call(AdminOp::EnrolFinish { enrolment, code })?;
            session.show(&reply)?;
            Ok(match &reply {
                AdminReply::Enrolment(view) if view.state == EnrolState::Done => Exit::Done,
                _ => Exit::Refused,
            })
        }
        EnrolCommand::Status { enrolment } => session.ask(AdminOp::EnrolStatus { enrolment }),
        EnrolCommand::Cancel { enrolment } => session.ask(AdminOp::EnrolCancel { enrolment }),
    }
}
