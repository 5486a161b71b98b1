//! The demonstration: all processes on temporary state, a VPN login that needs a code by text, a portal to try, and a
//! page that shows the texts. Nothing of it is left behind.

mod children;
mod closing;
mod error;
mod inbox;
mod logins;
mod page;
mod portal;
mod sandbox;
mod setup;
mod signals;

use std::time::Duration;

use otpost_ipc::client::Deadline;
use otpost_radius_client::ClientError;
use otpost_radius_wire::SharedSecret;

use crate::{
    CtlError, Exit, Io, admin,
    args::{Demo, DemoChild},
    radius::{Direction, RadiusError, Server, Transcript},
};
use children::{Child, Programs};
use closing::Places;
use inbox::{Inbox, Texts};
use page::Page;
use portal::Sites;
use sandbox::Sandbox;
use signals::Signals;

pub use error::DemoError;

/// How long a process may take until it serves.
const READY: Duration = Duration::from_secs(20);

/// Turns this process into a program of the demonstration; returns only when that fails.
pub(crate) fn become_child(child: &DemoChild) -> CtlError {
    children::become_program(child).into()
}

/// Runs the demonstration.
pub(crate) fn run(options: &Demo, io: &mut Io<'_>) -> Result<Exit, CtlError> {
    let programs = Programs::find()?;
    let signals = Signals::catch()?;
    let sandbox = Sandbox::new()?;
    writeln!(
        io.out,
        "otpost demonstration: everything runs on this machine, in {}, and is removed at the end.",
        sandbox.path().display()
    )?;
    io.out.flush()?;

    // Dropped in the opposite order: the page, otpost-portal, otpost-radius, otpostd, and the directory at last.
    let mut daemon = start_daemon(&programs, &sandbox, &signals)?;
    let secret = setup::populate(&sandbox)?;
    let (mut radius, port) = start_radius(&programs, &sandbox, &signals, &mut daemon)?;
    let (mut portal, sites) = portal::start(&programs, &sandbox, &signals, &mut daemon)?;
    let texts = Texts::default();
    let mut inbox = Inbox::new(sandbox.inbox(), texts.clone());
    let page = Page::start(texts, &sites.portal()).map_err(|error| DemoError::Page(error.kind()))?;

    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    let shared = SharedSecret::new(secret.expose().as_bytes())
        .map_err(|error| RadiusError::from(ClientError::from(error)))?;
    let mut server = Server::new(address, shared)?;
    setup::CLIENT.clone_into(&mut server.nas_identifier);
    // Retransmits cost nothing: the server answers them from its cache.
    server.way.timeout = Duration::from_secs(1);
    server.way.tries = 10;

    introduce(io, address, &sites)?;
    let mut stage = logins::Stage {
        server: &server,
        inbox: &mut inbox,
        signals: &signals,
    };
    let shown = stage.run(&mut Transcript {
        color: io.color,
        out: &mut *io.out,
    });
    // A process that died is the better explanation.
    daemon.check()?;
    radius.check()?;
    portal.check()?;
    shown?;
    if options.once {
        writeln!(io.out, "\nAll of it went as it should.")?;
        return Ok(Exit::Done);
    }

    Places {
        sandbox: &sandbox,
        radius: address,
        secret: &secret,
        inbox: page.address(),
        portal: &sites.portal(),
        setup_link: &portal::setup_link(&sandbox)?,
    }
    .explain(io)?;
    stay(
        io,
        &mut [&mut daemon, &mut radius, &mut portal],
        &mut inbox,
        &signals,
    )?;
    writeln!(io.out, "\nStopping, and removing {}.", sandbox.path().display())?;
    Ok(Exit::Done)
}

fn start_daemon(programs: &Programs, sandbox: &Sandbox, signals: &Signals) -> Result<Child, CtlError> {
    let config = sandbox.write("daemon.toml", &setup::daemon_toml(sandbox))?;
    let mut daemon = programs.daemon(&config, sandbox)?;
    let deadline = Deadline::after(READY);
    while setup::status(sandbox).is_err() {
        daemon.check()?;
        if deadline.remaining().is_none() {
            return Err(daemon.not_ready(READY).into());
        }
        signals.pause(Duration::from_millis(20))?;
    }
    Ok(daemon)
}

/// Starts otpost-radius on a port that was free a moment ago; another program may take it first, hence the tries.
fn start_radius(
    programs: &Programs,
    sandbox: &Sandbox,
    signals: &Signals,
    daemon: &mut Child,
) -> Result<(Child, u16), CtlError> {
    const TRIES: u32 = 4;
    let mut tries = 0;
    loop {
        tries += 1;
        let port = setup::free_port()?;
        let config = sandbox.write("radius.toml", &setup::radius_toml(sandbox, port))?;
        let mut radius = programs.radius(&config, sandbox)?;
        let deadline = Deadline::after(READY);
        loop {
            if setup::status(sandbox)?.radius_servers > 0 {
                return Ok((radius, port));
            }
            daemon.check()?;
            match radius.check() {
                Ok(()) => {}
                Err(_) if tries < TRIES && radius.log().contains("in use") => break,
                Err(error) => return Err(error.into()),
            }
            if deadline.remaining().is_none() {
                return Err(radius.not_ready(READY).into());
            }
            signals.pause(Duration::from_millis(20))?;
        }
    }
}

fn introduce(io: &mut Io<'_>, server: std::net::SocketAddr, sites: &Sites) -> Result<(), CtlError> {
    let (user, password, client) = (setup::USER, setup::PASSWORD, setup::CLIENT);
    writeln!(io.out)?;
    crate::render::fields(
        io.out,
        &[
            ("Resource", setup::RESOURCE.to_owned()),
            ("User", format!("{user}, password \"{password}\"")),
            (
                "Phone",
                format!("{} (a number kept free for fiction)", setup::PHONE),
            ),
            (
                "VPN",
                format!("RADIUS client \"{client}\"; otpost-radius listens at {server}"),
            ),
            ("Portal", sites.portal()),
        ],
    )?;
    Ok(io.out.flush()?)
}

/// Shows texts until a signal, or until a process dies.
fn stay(
    io: &mut Io<'_>,
    programs: &mut [&mut Child],
    inbox: &mut Inbox,
    signals: &Signals,
) -> Result<(), CtlError> {
    while !signals.arrived(Duration::from_millis(200)) {
        for program in &mut *programs {
            program.check()?;
        }
        for text in inbox.read()? {
            let mut transcript = Transcript {
                color: io.color,
                out: &mut *io.out,
            };
            let details = [format!("to {} at {}", text.to, text.at)];
            transcript.line(Direction::Text, &text.text, None, &details)?;
        }
    }
    Ok(())
}

/// Asks the demonstration's daemon.
fn ask(sandbox: &Sandbox, op: otpost_ipc::admin::AdminOp) -> Result<otpost_ipc::admin::AdminReply, CtlError> {
    admin::call(&sandbox.admin_socket(), op)
}
