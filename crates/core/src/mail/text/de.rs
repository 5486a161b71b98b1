//! German.

use zeroize::Zeroizing;

use super::{By, Clean, Lang, Letter, NAME_LIMIT, Notice, Utc, link, plain};
use crate::Timestamp;
use crate::text::PageCode;

pub(super) fn words(letter: &Letter<'_>, context: &Clean) -> (String, Zeroizing<String>) {
    let Clean { service, login, .. } = context;
    let (subject, body) = match letter {
        Letter::SignInCode { code, label, minutes } => (
            format!("Anmeldecode für {service}"),
            Zeroizing::new(format!(
                "Ihr Code für die Anmeldung bei {service} als {login}:\n\n{code}\n\nDies ist die E-Mail {label}; die Seite zeigt \
                 dieselben zwei Zeichen.\nDer Code gilt {valid}.\n\n{trace}\n\nGeben Sie ihn nie weiter: Niemand von {service} \
                 fragt danach.\nWenn Sie sich nicht anmelden wollten, können Sie diese E-Mail ignorieren.\n",
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Angefordert", context),
            )),
        ),
        Letter::ActCode {
            code,
            label,
            minutes,
            act,
        } => (
            format!("Code für eine Änderung bei {service}"),
            Zeroizing::new(format!(
                "Ihr Code, um bei {service} als {login} {act}:\n\n{code}\n\nDies ist die E-Mail {label}; die Seite zeigt \
                 dieselben zwei Zeichen.\nDer Code gilt {valid} und für nichts anderes.\n\n{trace}\n\nGeben Sie ihn nie weiter: \
                 Niemand von {service} fragt danach.\nWenn Sie das nicht wollten, sagen Sie es Ihrem Administrator: Jemand ist \
                 als Sie angemeldet.\n",
                act = PageCode::Act(act).words(Lang::De),
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Angefordert", context),
            )),
        ),
        Letter::NewAddressCode { code, label, minutes } => (
            format!("Bestätigen Sie diese E-Mail-Adresse für {service}"),
            Zeroizing::new(format!(
                "{login} möchte diese E-Mail-Adresse bei {service} verwenden. Der Code zum Bestätigen:\n\n{code}\n\nDies ist die \
                 E-Mail {label}; die Seite zeigt dieselben zwei Zeichen.\nDer Code gilt {valid}.\n\n{trace}\n\nWenn Sie das nicht \
                 sind, können Sie diese E-Mail ignorieren: Ohne den Code ändert sich nichts.\n",
                code = code.expose(),
                valid = minutes_in_words(*minutes),
                trace = trace("Angefordert", context),
            )),
        ),
        Letter::Notice(told) => {
            let (subject, act) = notice(told, context);
            let body = format!(
                "{act}\n\n{trace}\n\nWenn Sie das waren, brauchen Sie nichts zu tun.\nWenn nicht, wenden Sie sich bitte sofort an \
                 Ihren Administrator.\n",
                trace = trace("Geschehen", context),
            );
            (subject, Zeroizing::new(body))
        }
        Letter::Invitation { link: to, until } => (
            format!("Richten Sie Ihren zweiten Faktor für {service} ein"),
            Zeroizing::new(format!(
                "Sie können jetzt Ihren zweiten Faktor für {service} einrichten. Ihr Benutzername ist {login}.\n\nÖffnen Sie \
                 diesen Link:\n\n{to}\n\nEr funktioniert einmal, bis {until}. Geben Sie ihn nicht weiter.\n\n{trace}\n",
                to = link(to),
                until = time(*until),
                trace = trace("Gesendet", context),
            )),
        ),
        Letter::Test { reference } => (
            format!("Test-E-Mail von {service}"),
            Zeroizing::new(format!(
                "Dies ist eine Test-E-Mail von {service}: Der Versand funktioniert.\n\n{trace}\nReferenz: {reference}\n\nWenn Sie \
                 sie nicht angefordert haben, können Sie sie ignorieren.\n",
                reference = plain(reference, NAME_LIMIT),
                trace = trace("Gesendet", context),
            )),
        ),
    };
    (subject, body)
}

fn notice(told: &Notice, context: &Clean) -> (String, String) {
    let Clean { service, login, .. } = context;
    let of = format!("Ihr Konto {login} bei {service}");
    match told {
        Notice::TokenAdded { name } => (
            format!("Zweiter Faktor hinzugefügt bei {service}"),
            format!(
                "Für {of} wurde ein zweiter Faktor hinzugefügt: {}.",
                plain(name, NAME_LIMIT)
            ),
        ),
        Notice::TokenRemoved { name } => (
            format!("Zweiter Faktor entfernt bei {service}"),
            format!(
                "Für {of} wurde ein zweiter Faktor entfernt: {}.",
                plain(name, NAME_LIMIT)
            ),
        ),
        Notice::NumberChanged { masked } => (
            format!("Telefonnummer geändert bei {service}"),
            format!(
                "Für {of} wurde die Telefonnummer geändert. Codes gehen jetzt an {}.",
                plain(masked, NAME_LIMIT)
            ),
        ),
        Notice::PasswordChanged => (
            format!("Passwort geändert bei {service}"),
            format!("Für {of} wurde das Passwort geändert."),
        ),
        Notice::EmailChanged { masked } => (
            format!("E-Mail-Adresse geändert bei {service}"),
            format!(
                "Für {of} wurde die E-Mail-Adresse geändert. E-Mails gehen jetzt an {}, nicht mehr an diese Adresse.",
                plain(masked, NAME_LIMIT)
            ),
        ),
        Notice::EmailRemoved => (
            format!("E-Mail-Adresse entfernt bei {service}"),
            format!("Für {of} wurde die E-Mail-Adresse entfernt. An diese Adresse gehen keine E-Mails mehr."),
        ),
        Notice::LoginChanged { login } => (
            format!("Benutzername geändert bei {service}"),
            format!(
                "Für {of} wurde der Benutzername geändert. Er lautet jetzt {}.",
                plain(login, NAME_LIMIT)
            ),
        ),
        Notice::RecoveryRenewed => (
            format!("Neue Wiederherstellungscodes bei {service}"),
            format!(
                "Für {of} wurden neue Wiederherstellungscodes erstellt. Die alten funktionieren nicht mehr."
            ),
        ),
        Notice::NewDevice { agent } => (
            format!("Neue Anmeldung bei {service}"),
            format!(
                "Für {of} gab es eine Anmeldung von einem bisher unbekannten Gerät: {}.",
                plain(agent, NAME_LIMIT)
            ),
        ),
    }
}

fn trace(done: &str, context: &Clean) -> String {
    let when = time(context.at);
    match &context.by {
        By::Address(address) => format!("{done} am {when} von der Adresse {address}."),
        By::Administrator => format!("{done} am {when} durch einen Administrator."),
        By::Unknown => format!("{done} am {when}."),
    }
}

fn minutes_in_words(minutes: u32) -> String {
    if minutes == 1 {
        "1 Minute".to_owned()
    } else {
        format!("{minutes} Minuten")
    }
}

fn time(at: Timestamp) -> String {
    let utc = Utc::of(at);
    format!(
        "{}.{}.{}, {:02}:{:02} Uhr UTC",
        utc.day, utc.month, utc.year, utc.hour, utc.minute
    )
}
