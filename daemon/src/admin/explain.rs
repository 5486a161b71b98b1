//! `login explain`: the login's own decision on a snapshot.

use std::net::IpAddr;
use std::sync::Arc;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::client::SourceAttribute;
use otpost_core::ids::AttemptId;
use otpost_core::login::{Reason, Reply};
use otpost_core::net::Source;
use otpost_core::source::Chain;
use otpost_ipc::admin::AdminReply;

use super::{AdminError, read};
use crate::login::{self, Door, Guarded, Start};
use crate::state::Daemon;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) user: String,
    pub(super) service: String,
    pub(super) channel: Option<String>,
    pub(super) source: String,
}

pub(super) async fn explain(daemon: &Arc<Daemon>, question: Question) -> Result<AdminReply, AdminError> {
    let shared = Arc::clone(daemon);
    read(daemon, move |read| {
        let client = match question.channel.as_deref() {
            Some("pam") => None,
            Some("radius") => Some(read.client(&question.service)?.ok_or_else(|| {
                AdminError::NotFound(format!("there is no RADIUS client `{}`", question.service))
            })?),
            None => read.client(&question.service)?,
            Some(other) => {
                return Err(AdminError::Invalid(format!(
                    "channel is pam or radius, not `{other}`"
                )));
            }
        };
        let (channel, first_factor, guarded, group, door) = match client {
            Some(client) => {
                let address: Option<IpAddr> = question.source.parse().ok();
                // What the client is not trusted to say, no rule looks at.
                let trusted = address.filter(|_| client.settings.source != SourceAttribute::None);
                let door = Door {
                    flow: client.settings.flow,
                    rules: Some(trusted.map(|address| address.to_canonical())),
                    ..Door::default()
                };
                let guarded = Guarded::Resource(client.resource);
                (Channel::Radius, client.first_factor, guarded, client.name, door)
            }
            None => (
                Channel::Pam,
                Chain::stack(),
                Guarded::Service,
                question.service.clone(),
                Door::default(),
            ),
        };
        let start = Start {
            channel,
            source: Source::new(&question.source, &group),
            group,
            user: question.user.clone(),
            password: None,
            first_factor,
            proof: None,
            ms_chap2: None,
            door,
            guarded,
            attempt: AttemptId([0; 16]),
            // A request that belongs to no login that waits already.
            origin: Origin::default(),
        };
        let (reason, reply) = login::explain(read, &start, &shared)?;
        let outcome = match reply {
            Reply::Prompt { .. } | Reply::Ask { .. } => "ask",
            Reply::Allow => "allow",
            Reply::Deny { .. } => "deny",
        };
        Ok(AdminReply::Explained {
            outcome: outcome.to_owned(),
            reason: reason.code().to_owned(),
            text: words(reason, &question),
        })
    })
    .await
}

fn words(reason: Reason, question: &Question) -> String {
    let user = &question.user;
    let service = &question.service;
    match reason {
        Reason::Challenge => format!("With the right password {user} is asked for a code sent by text."),
        Reason::Bypass => format!("{user} has a timed bypass; end it: otpostctl user bypass {user} --off"),
        Reason::UnenrolledAllowed => {
            format!("{user} has no token here and the resource lets such users in without a code.")
        }
        Reason::DisabledAllowed => {
            format!("The token of {user} is disabled and the resource lets such users in without a code.")
        }
        Reason::ExemptNetwork => {
            "The resource exempts the network: no code is asked for (exempt-network).".to_owned()
        }
        Reason::ExemptUser => format!("The resource exempts {user}: no code is asked for (exempt-user)."),
        Reason::ExemptGroup => {
            format!("The resource exempts a group of {user}: no code is asked for (exempt-group).")
        }
        Reason::Remembered => {
            format!("A code given from there still holds; end it: otpostctl user forget {user}")
        }
        Reason::NetworkRefused => {
            "The resource lets nobody in from there; see its allowed networks, and whether the client is trusted to say the \
             address: otpostctl radius client set NAME --source ATTRIBUTE"
                .to_owned()
        }
        Reason::HourRefused => "The resource lets nobody in at this hour; see its hours.".to_owned(),
        Reason::RuleInDoubt => {
            "A rule of the resource cannot be evaluated, and doubt denies: see its time zone and groups.".to_owned()
        }
        Reason::NoResource => format!(
            "No resource guards the PAM service {service}: otpostctl resource set NAME --pam-service {service}"
        ),
        Reason::ResourceDisabled => {
            "The resource is switched off: otpostctl resource set NAME --enabled true".to_owned()
        }
        Reason::UnknownUser => format!("There is no user {user}: otpostctl user add {user}"),
        Reason::NotInResource => {
            format!("{user} is not bound to the resource: otpostctl user bind {user} RESOURCE")
        }
        Reason::NoPassword => format!("{user} has no password here: otpostctl user password {user}"),
        Reason::SourceClosed => {
            "Too many wrong passwords came from this network; it opens again within 15 minutes.".to_owned()
        }
        Reason::AdminLocked => format!("An administrator locked {user}: otpostctl user unlock {user}"),
        Reason::OtpLocked => {
            format!("{user} is locked after wrong codes: wait, or otpostctl user unlock {user}")
        }
        Reason::Unenrolled => {
            format!("{user} has no token for the resource: otpostctl token add {user} NUMBER")
        }
        Reason::TokenDisabled => format!("The token of {user} is disabled: otpostctl token enable ID"),
        Reason::TokenBlocked => format!("The token of {user} is blocked: otpostctl token enable ID"),
        Reason::Sms(refusal) => match refusal.wait() {
            Some(wait) => format!(
                "A text would go beyond a budget ({}); there is room in {wait} s.",
                refusal.code()
            ),
            None => format!(
                "The sending gate refuses the number ({}); see otpostctl sms limits.",
                refusal.code()
            ),
        },
        Reason::TooManyOpen => {
            format!("Three logins of {user} wait for a code already; they end by themselves.")
        }
        other => format!("The login ends with {}.", other.code()),
    }
}
