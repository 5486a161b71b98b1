//! Mail, portal and console.

use std::io::{self, Write};

use otpost_ipc::admin::{MailView, PortalView};

use super::{dash, fields, yes};

pub(super) fn mail(out: &mut dyn Write, view: &MailView) -> io::Result<()> {
    if view.host.is_empty() {
        writeln!(
            out,
            "Mail is off. Switch it on with: otpostctl mail set --host HOST --from SENDER"
        )?;
        return fields(out, &[("Waiting mails", view.waiting.to_string())]);
    }
    fields(
        out,
        &[
            ("Server", view.host.clone()),
            ("Port", view.port.to_string()),
            ("Security", view.security.clone()),
            ("User", dash(&view.user)),
            ("Password", if view.password { "set" } else { "none" }.to_owned()),
            ("Sender", view.from.clone()),
            (
                "Trusted authorities",
                if view.ca {
                    "the system's and one of your own"
                } else {
                    "the system's"
                }
                .to_owned(),
            ),
            ("Waiting mails", view.waiting.to_string()),
            ("Last trouble", dash(&view.trouble)),
        ],
    )
}

pub(super) fn portal(out: &mut dyn Write, view: &PortalView) -> io::Result<()> {
    let or = |url: &str, option: &str| {
        if url.is_empty() {
            format!("not set; set it with: otpostctl portal set {option}")
        } else {
            url.to_owned()
        }
    };
    fields(
        out,
        &[
            ("Portal", or(&view.url, "--url")),
            ("Console", or(&view.console_url, "--console-url")),
            ("Sign-in by e-mail", yes(view.email_codes)),
        ],
    )
}
