//! Requests of `portal.sock`.

use std::sync::Arc;

use otpost_ipc::Outcome;
use otpost_ipc::portal::{PortalOp, PortalReply};

use crate::state::Daemon;
use crate::{console, portal};

/// Answers one request.
pub(super) async fn handle(daemon: Arc<Daemon>, op: PortalOp) -> Outcome<PortalReply> {
    match op {
        PortalOp::Site { address } => portal::site(&daemon, address).await,
        PortalOp::SignIn {
            address,
            user,
            password,
            invite,
            browser,
        } => portal::sign_in(&daemon, portal::knock(address, user, invite, browser), password).await,
        PortalOp::SignInByMail {
            address,
            user,
            invite,
            browser,
        } => portal::sign_in_by_mail(&daemon, portal::knock(address, user, invite, browser)).await,
        PortalOp::User {
            address,
            session,
            ask,
        } => portal::user(&daemon, address, session, ask).await,
        op @ (PortalOp::SetupShow { .. }
        | PortalOp::SetupFinish { .. }
        | PortalOp::ConsoleSignIn { .. }
        | PortalOp::Console { .. }
        | PortalOp::Api { .. }) => console::handle(&daemon, op).await,
    }
}
