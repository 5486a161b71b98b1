//! What is shown once and never again, each with one line of advice.

use std::io::{self, Write};

use otpost_ipc::Secret;

use crate::text::{clean, time};

pub(super) fn shared_secret(out: &mut dyn Write, secret: &Secret) -> io::Result<()> {
    let advice = "Shared secret, shown this once; enter it on the VPN:";
    writeln!(out, "\n{advice}\n{}", clean(secret.expose()))
}

pub(super) fn api_key(out: &mut dyn Write, secret: &Secret) -> io::Result<()> {
    let advice = "API key, shown this once; requests carry it as: Authorization: Bearer KEY";
    writeln!(out, "\n{advice}\n{}", clean(secret.expose()))
}

pub(super) fn one_day_code(out: &mut dyn Write, code: &Secret, until: u64) -> io::Result<()> {
    writeln!(
        out,
        "One-day code, shown this once; give it to the user only after you know who asks. Good once, until {}:\n{}",
        time(until),
        clean(code.expose())
    )
}

pub(super) fn recovery_codes(out: &mut dyn Write, codes: &[Secret]) -> io::Result<()> {
    writeln!(
        out,
        "Recovery codes, shown this once; each is good once, and all older ones have ended:"
    )?;
    for code in codes {
        writeln!(out, "{}", clean(code.expose()))?;
    }
    Ok(())
}

pub(super) fn invited(out: &mut dyn Write, link: &Secret, until: u64, mailed: bool) -> io::Result<()> {
    let how = if mailed {
        "it is mailed to the user"
    } else {
        "bring it to the user; it was not mailed"
    };
    shown_link(out, "Invitation", how, link, until)
}

pub(super) fn admin_link(out: &mut dyn Write, link: &Secret, until: u64, mailed: bool) -> io::Result<()> {
    let how = if mailed {
        "it is mailed to the administrator"
    } else {
        "open it in the browser of the administrator; it was not mailed"
    };
    shown_link(out, "Set-up link", how, link, until)
}

fn shown_link(out: &mut dyn Write, what: &str, how: &str, link: &Secret, until: u64) -> io::Result<()> {
    writeln!(
        out,
        "{what}, shown this once; {how}. Good once, until {}:\n{}",
        time(until),
        clean(link.expose())
    )
}
