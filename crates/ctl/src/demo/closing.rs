//! What the demonstration says at its end: how somebody goes on by hand.

use std::net::SocketAddr;

use otpost_ipc::Secret;

use super::{Sandbox, children, setup};
use crate::{CtlError, Io, radius::Transcript};

/// Where everything is.
pub(super) struct Places<'a> {
    pub(super) sandbox: &'a Sandbox,
    /// otpost-radius.
    pub(super) radius: SocketAddr,
    /// Shared secret of the RADIUS client.
    pub(super) secret: &'a Secret,
    /// The page with the texts.
    pub(super) inbox: SocketAddr,
    /// The self-service page.
    pub(super) portal: &'a str,
    /// Makes the first administrator.
    pub(super) setup_link: &'a Secret,
}

impl Places<'_> {
    pub(super) fn explain(&self, io: &mut Io<'_>) -> Result<(), CtlError> {
        heading(io, "Now you: log in by hand, in another terminal")?;
        self.log_in(io)?;
        heading(io, "Be bob: enrol a phone in the browser")?;
        self.enrol(io)?;
        heading(io, "Be the administrator: open the console")?;
        self.administer(io)?;
        heading(io, &format!("Texts appear here, and on http://{}/", self.inbox))?;
        writeln!(
            io.out,
            "  Ctrl-C ends the demonstration and removes everything.\n"
        )?;
        Ok(io.out.flush()?)
    }

    /// Two lines of radclient: password, then code.
    fn radclient(&self, user: &str, password: &str) -> (String, String) {
        let (server, secret) = (self.radius, self.secret.expose());
        let line = |attributes: String| {
            format!(
                "echo 'User-Name={user},{attributes},Message-Authenticator=0x00' | radclient -x {server} auth {secret}"
            )
        };
        (
            line(format!("User-Password=\"{password}\"")),
            line("User-Password=\"CODE\",State=STATE".to_owned()),
        )
    }

    fn log_in(&self, io: &mut Io<'_>) -> Result<(), CtlError> {
        let (user, server) = (setup::USER, self.radius);
        let (first, second) = self.radclient(user, setup::PASSWORD);
        let secret_file = self.sandbox.write("radius.secret", self.secret.expose())?;
        let ctl = children::own_name();
        let socket = self.sandbox.admin_socket();
        let (ctl, socket, secret_file) = (ctl.display(), socket.display(), secret_file.display());
        writeln!(
            io.out,
            "  With radclient (package freeradius-utils). First the password; the answer has a State, and the text a code:\n\
             \n\
             \x20   {first}\n\
             \n\
             \x20 Then the code, with State copied from the answer (0x...):\n\
             \n\
             \x20   {second}\n\
             \n\
             \x20 Without radclient:\n\
             \n\
             \x20   {ctl} radius test {user} --server {server} --secret-file {secret_file}\n\
             \n\
             \x20 Look inside:\n\
             \n\
             \x20   {ctl} --socket {socket} audit tail --follow\n\
             \x20   {ctl} --socket {socket} login explain {user}@{client}",
            client = setup::CLIENT,
        )?;
        Ok(())
    }

    fn enrol(&self, io: &mut Io<'_>) -> Result<(), CtlError> {
        let (user, password) = (setup::NEWCOMER, setup::NEWCOMER_PASSWORD);
        let (first, second) = self.radclient(user, password);
        writeln!(
            io.out,
            "  {user} has a password, but no phone yet, so the VPN does not let him in. People enrol their phone themselves:\n\
             \n\
             \x20 1. Open the portal, {portal}\n\
             \x20    Sign in with user name {user}, password \"{password}\".\n\
             \x20 2. Choose \"Assign New\", then \"SMS\", and type any mobile number of {country}, such as {phone}.\n\
             \x20    No phone rings: the text shows in the inbox page, http://{inbox}/\n\
             \x20 3. Type the code from the text. Recovery codes come next; {user} would keep them.\n\
             \n\
             \x20 Now {user} can log in to the VPN. First his password, then the code of a new text:\n\
             \n\
             \x20   {first}\n\
             \x20   {second}",
            portal = self.portal,
            country = setup::COUNTRY_NAME,
            phone = setup::NEWCOMER_PHONE,
            inbox = self.inbox,
        )?;
        Ok(())
    }

    fn administer(&self, io: &mut Io<'_>) -> Result<(), CtlError> {
        writeln!(
            io.out,
            "  There is no administrator yet, and no default password. This link makes the first one, and works once:\n\
             \n\
             \x20   {link}\n\
             \n\
             \x20 Choose a login and a password, and scan the QR code with an authenticator app. Without such an app, oathtool\n\
             \x20 (package oathtool) computes the code from the key that the page shows beside the QR code:\n\
             \n\
             \x20   oathtool --totp --base32 'KEY'",
            link = self.setup_link.expose(),
        )?;
        Ok(())
    }
}

fn heading(io: &mut Io<'_>, text: &str) -> Result<(), CtlError> {
    let mut transcript = Transcript {
        color: io.color,
        out: &mut *io.out,
    };
    Ok(transcript.heading(text)?)
}
