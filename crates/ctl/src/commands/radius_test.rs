use std::time::Duration;

use otpost_radius_client::{self as client, ClientError, resolve};
use otpost_radius_wire::{
    Attribute, Code, EapCode, EapMethod, EapPacket, SharedSecret, Signing, attribute,
    dictionary::Dictionary,
    value::{Shown, show},
};
use serde_json::{Value, json};

use super::Session;
use crate::{
    CtlError, Exit,
    args::RadiusTest,
    input::{self, PASSWORD, SHARED_SECRET},
    radius::{Direction, Event, Login, Next, RadiusError, Server, Transcript, millis, short_hex},
};

/// A login with as many wrong codes and resends as the server allows has fewer challenges than this.
const MOST_CHALLENGES: u32 = 20;

pub(super) fn run(options: RadiusTest, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let address = resolve(&options.server).map_err(RadiusError::from)?;
    let secret = SHARED_SECRET.existing(session.io, options.secret_file.as_deref())?;
    let secret = SharedSecret::new(secret.expose().as_bytes())
        .map_err(|error| RadiusError::from(ClientError::from(error)))?;
    let mut server = Server::new(address, secret)?;
    server.way.timeout = Duration::from_secs(options.timeout.into());
    server.way.tries = options.tries;
    server.nas_identifier = options.nas_identifier;
    server.calling_station_id = options.calling_station_id;
    if options.without_message_authenticator {
        server.way.signing = Signing::None;
    }
    let mut record = Record {
        to: address.to_string(),
        dictionary: Dictionary::shipped().unwrap_or_default(),
        steps: Vec::new(),
    };
    let Some(user) = options.user else {
        return status(&server, &mut record, session);
    };

    let mut typed = PASSWORD.existing(session.io, options.password_file.as_deref())?;
    let mut login = Login::new(&server, options.method, &user);
    for challenges in 0..MOST_CHALLENGES {
        let next = login.step(typed.expose(), &mut |event| record.event(event, session))?;
        let (outcome, exit) = match next {
            Next::In => ("accept", Exit::Done),
            Next::Out => ("reject", Exit::Refused),
            Next::Asked { prompt, echo } => {
                // The transcript has shown the server's words; JSON has not.
                let prompt = if session.json && !prompt.trim().is_empty() {
                    format!("{} ", prompt.trim_end())
                } else {
                    "Code: ".to_owned()
                };
                typed = input::code(session.io, &prompt, echo)?;
                continue;
            }
        };
        if session.json {
            let value = json!({
                "re": "radius-test", "outcome": outcome, "message": login.message, "challenges": challenges,
                "steps": record.steps,
            });
            session.say(&value, "")?;
        }
        return Ok(exit);
    }
    Err(RadiusError::Endless(MOST_CHALLENGES).into())
}

/// Whether the server is there.
fn status(server: &Server, record: &mut Record, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    if !session.json {
        let what = format!("{} to {}", Code::StatusServer, record.to);
        transcript(session).line(Direction::Request, &what, None, &[])?;
    }
    let reply = server.status()?;
    record.reply(&reply, session)?;
    if session.json {
        let value = json!({ "re": "radius-test", "outcome": "alive", "steps": record.steps });
        session.say(&value, "")?;
    }
    Ok(Exit::Done)
}

/// What was said so far, for JSON, and how it is shown otherwise.
struct Record {
    to: String,
    dictionary: Dictionary,
    steps: Vec<Value>,
}

impl Record {
    fn event(&mut self, event: Event<'_>, session: &mut Session<'_, '_>) -> Result<(), CtlError> {
        match event {
            Event::Request(_) if session.json => Ok(()),
            Event::Request(attributes) => {
                let what = format!("{} to {}", Code::AccessRequest, self.to);
                let details = [attributes.join("  ")];
                transcript(session).line(Direction::Request, &what, None, &details)?;
                Ok(())
            }
            Event::Reply(reply) => self.reply(&reply.raw, session),
        }
    }

    fn reply(&mut self, reply: &client::Reply, session: &mut Session<'_, '_>) -> Result<(), CtlError> {
        let packet = reply
            .packet()
            .map_err(ClientError::from)
            .map_err(RadiusError::from)?;
        let shown: Vec<Shown> = packet
            .attributes()
            .flat_map(|attribute| self.attribute(attribute))
            .collect();
        if session.json {
            let attributes: Vec<Value> = shown
                .iter()
                .map(|one| json!({ "name": one.name, "tag": one.tag, "value": one.value }))
                .collect();
            self.steps.push(json!({
                "reply": reply.code.to_string(), "took": millis(reply.took), "packets": reply.sent,
                "attributes": attributes,
            }));
            return Ok(());
        }
        let mut details: Vec<String> = shown.iter().map(ToString::to_string).collect();
        if reply.sent > 1 {
            details.push(format!("answered after {} packets", reply.sent));
        }
        transcript(session).line(
            Direction::Reply,
            &reply.code.to_string(),
            Some(reply.took),
            &details,
        )?;
        Ok(())
    }

    /// One attribute for people. Message-Authenticator says nothing once it was checked.
    fn attribute(&self, attribute: Attribute<'_>) -> Vec<Shown> {
        match attribute.kind {
            attribute::MESSAGE_AUTHENTICATOR => Vec::new(),
            attribute::STATE => vec![Shown {
                name: "State".to_owned(),
                tag: None,
                value: short_hex(attribute.value),
            }],
            attribute::EAP_MESSAGE => match EapPacket::parse(attribute.value) {
                Ok(packet) => vec![Shown {
                    name: "EAP-Message".to_owned(),
                    tag: None,
                    value: eap(&packet),
                }],
                Err(_) => show(&self.dictionary, attribute.kind, attribute.value),
            },
            kind => show(&self.dictionary, kind, attribute.value),
        }
    }
}

fn eap(packet: &EapPacket<'_>) -> String {
    let code = match packet.code {
        EapCode::Request => "Request",
        EapCode::Response => "Response",
        EapCode::Success => return "Success".to_owned(),
        EapCode::Failure => return "Failure".to_owned(),
    };
    match packet.method {
        Some(EapMethod::Gtc) => format!("{code} GTC {:?}", String::from_utf8_lossy(packet.data)),
        Some(method) => format!("{code} {method:?}"),
        None => code.to_owned(),
    }
}

fn transcript<'a>(session: &'a mut Session<'_, '_>) -> Transcript<'a> {
    Transcript {
        color: session.io.color,
        out: &mut *session.io.out,
    }
}
