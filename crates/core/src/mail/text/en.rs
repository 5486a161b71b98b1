//! English.

use zeroize::Zeroizing;

use super::{By, Clean, Lang, Letter, NAME_LIMIT, Notice, Utc, link, plain};
use crate::Timestamp;
use crate::text::PageCode;

pub(super) fn words(letter: &Letter<'_>, context: &Clean) -> (String, Zeroizing<String>) {
    let Clean { service, login, .. } = context;
    let (subject, body) = match letter {
        Letter::SignInCode { code, label, minutes } => (
            format!("Sign-in code for {service}"),
            Zeroizing::new(format!(
                "Your code to sign in to {service} as {login}:\n\n{code}\n\nThis is mail {label}; the page shows the same two \
                 characters.\nThe code is good for {valid}.\n\n{trace}\n\nNever share it: nobody from {service} will ask for it.\n\
                 If you did not want to sign in, ignore this mail.\n",
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Asked for", context),
            )),
        ),
        Letter::ActCode {
            code,
            label,
            minutes,
            act,
        } => (
            format!("Code to confirm a change at {service}"),
            Zeroizing::new(format!(
                "Your code to {act} at {service} as {login}:\n\n{code}\n\nThis is mail {label}; the page shows the same two \
                 characters.\nThe code is good for {valid}, and for nothing else.\n\n{trace}\n\nNever share it: nobody from \
                 {service} will ask for it.\nIf you did not want this, tell your administrator: somebody is signed in as you.\n",
                act = PageCode::Act(act).words(Lang::En),
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Asked for", context),
            )),
        ),
        Letter::NewAddressCode { code, label, minutes } => (
            format!("Confirm this e-mail address for {service}"),
            Zeroizing::new(format!(
                "{login} wants to use this e-mail address at {service}. The code to confirm it:\n\n{code}\n\nThis is mail {label}; \
                 the page shows the same two characters.\nThe code is good for {valid}.\n\n{trace}\n\nIf this is not you, ignore \
                 this mail: without the code nothing changes.\n",
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Asked for", context),
            )),
        ),
        Letter::Notice(told) => {
            let (subject, act) = notice(told, context);
            let body = format!(
                "{act}\n\n{trace}\n\nIf this was you, there is nothing to do.\nIf it was not, tell your administrator at once.\n",
                trace = trace("Done", context),
            );
            (subject, Zeroizing::new(body))
        }
        Letter::Invitation { link: to, until } => (
            format!("Set up your second factor for {service}"),
            Zeroizing::new(format!(
                "You can now set up your second factor for {service}. Your user name is {login}.\n\nOpen this link:\n\n{to}\n\nIt \
                 works once, until {until}. Do not pass it on.\n\n{trace}\n",
                to = link(to),
                until = time(*until),
                trace = trace("Sent", context),
            )),
        ),
        Letter::Test { reference } => (
            format!("Test mail from {service}"),
            Zeroizing::new(format!(
                "This is a test mail from {service}: mail works.\n\n{trace}\nReference: {reference}\n\nIf you did not ask for it, \
                 ignore it.\n",
                reference = plain(reference, NAME_LIMIT),
                trace = trace("Sent", context),
            )),
        ),
    };
    (subject, body)
}

fn notice(told: &Notice, context: &Clean) -> (String, String) {
    let Clean { service, login, .. } = context;
    let of = format!("your account {login} at {service}");
    match told {
        Notice::TokenAdded { name } => (
            format!("Second factor added at {service}"),
            format!("A second factor was added to {of}: {}.", plain(name, NAME_LIMIT)),
        ),
        Notice::TokenRemoved { name } => (
            format!("Second factor removed at {service}"),
            format!(
                "A second factor was removed from {of}: {}.",
                plain(name, NAME_LIMIT)
            ),
        ),
        Notice::NumberChanged { masked } => (
            format!("Phone number changed at {service}"),
            format!(
                "The phone number of {of} was changed. Codes now go to {}.",
                plain(masked, NAME_LIMIT)
            ),
        ),
        Notice::PasswordChanged => (
            format!("Password changed at {service}"),
            format!("The password of {of} was changed."),
        ),
        Notice::EmailChanged { masked } => (
            format!("E-mail address changed at {service}"),
            format!(
                "The e-mail address of {of} was changed. Mail now goes to {}, no longer to this address.",
                plain(masked, NAME_LIMIT)
            ),
        ),
        Notice::EmailRemoved => (
            format!("E-mail address removed at {service}"),
            format!("The e-mail address of {of} was removed. No more mail goes to this address."),
        ),
        Notice::LoginChanged { login } => (
            format!("User name changed at {service}"),
            format!(
                "The user name of {of} was changed. It is now {}.",
                plain(login, NAME_LIMIT)
            ),
        ),
        Notice::RecoveryRenewed => (
            format!("New recovery codes at {service}"),
            format!("New recovery codes were made for {of}. The old ones no longer work."),
        ),
        Notice::NewDevice { agent } => (
            format!("New sign-in at {service}"),
            format!(
                "Somebody signed in to {of} from a device not seen before: {}.",
                plain(agent, NAME_LIMIT)
            ),
        ),
    }
}

fn trace(done: &str, context: &Clean) -> String {
    let when = time(context.at);
    match &context.by {
        By::Address(address) => format!("{done} on {when} from the address {address}."),
        By::Administrator => format!("{done} on {when} by an administrator."),
        By::Unknown => format!("{done} on {when}."),
    }
}

fn minutes_in_words(minutes: u32) -> String {
    if minutes == 1 {
        "1 minute".to_owned()
    } else {
        format!("{minutes} minutes")
    }
}

fn time(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let utc = Utc::of(at);
    let month = (1..).zip(MONTHS).find(|(number, _)| *number == utc.month);
    let month = month.map_or("", |(_, name)| name);
    format!(
        "{} {month} {} at {:02}:{:02} UTC",
        utc.day, utc.year, utc.hour, utc.minute
    )
}
