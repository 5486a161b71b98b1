//! Users from a CSV file. The daemon reads, plans and writes; here is the dialogue.

use std::time::Duration;

use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, ImportLine, ImportState},
    client::Deadline,
};

use super::Session;
use crate::{AskError, CtlError, Exit, args::ImportOptions, input, render};

/// Most octets of the file in one request.
const PART: usize = 32 * 1024;

/// Most octets that a part may become as JSON: a frame takes 64 KiB, and a part of nothing but quotes doubles.
const PART_AS_JSON: usize = 56 * 1024;

/// How often to look how far the daemon is.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(options: &ImportOptions, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let planned = hand_in(options, session)?;
    if planned.state != "planned" {
        session.show(&AdminReply::Import(planned))?;
        return Ok(Exit::Refused);
    }
    let lines = plan(&planned.import, options.verbose, session)?;
    if !session.json {
        render::import_plan(session.io.out, &lines, &planned)?;
    }
    let state = carry_out(options, planned, session)?;
    let good = state.bad == 0 && matches!(state.state.as_str(), "planned" | "done");
    if session.json {
        session.show(&AdminReply::ImportPlan {
            lines,
            more: false,
            import: state,
        })?;
    }
    Ok(if good { Exit::Done } else { Exit::Refused })
}

/// Does what the plan says, unless there is a reason not to. The state at the end.
fn carry_out(
    options: &ImportOptions,
    planned: ImportState,
    session: &mut Session<'_, '_>,
) -> Result<ImportState, CtlError> {
    let writes = planned.add.saturating_add(planned.change);
    let stop = if options.dry_run {
        Some("Nothing was written: this was a dry run.")
    } else if options.atomic && planned.bad > 0 {
        Some("Nothing was written: with --atomic every line must be good.")
    } else if writes == 0 {
        Some("There is nothing to write.")
    } else {
        None
    };
    if let Some(why) = stop {
        note(why, session)?;
        return Ok(planned);
    }
    if !options.yes {
        consent(&planned, session)?;
    }
    let started = state(
        AdminOp::ImportApply {
            import: planned.import,
            atomic: options.atomic,
        },
        session,
    )?;
    let mut tenths = 0;
    let ended = wait(started, &["planned", "running"], session, |state, session| {
        let now = state
            .done
            .saturating_mul(10)
            .checked_div(state.lines)
            .unwrap_or(0);
        if now > tenths {
            tenths = now;
            note(&format!("{} of {} lines", state.done, state.lines), session)?;
        }
        Ok(())
    })?;
    if !session.json {
        session.show(&AdminReply::Import(ended.clone()))?;
    }
    Ok(ended)
}

/// A sentence for people; JSON is one value at the end.
fn note(text: &str, session: &mut Session<'_, '_>) -> Result<(), CtlError> {
    if !session.json {
        writeln!(session.io.out, "{text}")?;
        session.io.out.flush()?;
    }
    Ok(())
}

fn consent(planned: &ImportState, session: &mut Session<'_, '_>) -> Result<(), CtlError> {
    let question = format!(
        "To add: {}, to change: {}; bad lines, left out: {}. Go on? [y/N] ",
        planned.add, planned.change, planned.bad
    );
    let answer = session
        .io
        .terminal
        .ask(&question, true)
        .map_err(|error| match error {
            AskError::Absent => CtlError::NoConsent,
            AskError::Cancelled => CtlError::Cancelled,
        })?;
    match answer.expose().trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CtlError::Cancelled),
    }
}

/// Gives the daemon the whole file, and waits for its plan.
fn hand_in(options: &ImportOptions, session: &mut Session<'_, '_>) -> Result<ImportState, CtlError> {
    let text = input::table(session.io, &options.file)?;
    let mut rest = text.as_str();
    let mut import = None;
    loop {
        let part;
        (part, rest) = split(rest);
        let answer = state(
            AdminOp::ImportPut {
                import: import.take(),
                text: Secret::from(part),
                last: rest.is_empty(),
            },
            session,
        )?;
        if rest.is_empty() {
            return wait(answer, &["reading"], session, |_, _| Ok(()));
        }
        // The daemon may see early that the file cannot be taken.
        if answer.state != "reading" {
            return Ok(answer);
        }
        import = Some(answer.import);
    }
}

/// The first part of `text` that fits a request, and the rest.
fn split(text: &str) -> (&str, &str) {
    let (mut octets, mut as_json) = (0, 0);
    for c in text.chars() {
        octets += c.len_utf8();
        as_json += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        };
        if octets > PART || as_json > PART_AS_JSON {
            return text.split_at_checked(octets - c.len_utf8()).unwrap_or((text, ""));
        }
    }
    (text, "")
}

/// Every bad line, then with `all` the others.
fn plan(import: &str, all: bool, session: &Session<'_, '_>) -> Result<Vec<ImportLine>, CtlError> {
    let mut lines = pages(import, Some("bad"), session)?;
    if all {
        let others = pages(import, None, session)?;
        lines.extend(others.into_iter().filter(|line| line.kind != "bad"));
    }
    Ok(lines)
}

fn pages(import: &str, only: Option<&str>, session: &Session<'_, '_>) -> Result<Vec<ImportLine>, CtlError> {
    let mut all: Vec<ImportLine> = Vec::new();
    loop {
        let op = AdminOp::ImportPlan {
            import: import.to_owned(),
            after: all.last().map_or(0, |line| line.line),
            only: only.map(str::to_owned),
        };
        let AdminReply::ImportPlan { lines, more, .. } = session.call(op)? else {
            return Err(CtlError::Unexpected);
        };
        // An empty page that promises more would be asked for for ever.
        let done = !more || lines.is_empty();
        all.extend(lines);
        if done {
            return Ok(all);
        }
    }
}

fn state(op: AdminOp, session: &Session<'_, '_>) -> Result<ImportState, CtlError> {
    match session.call(op)? {
        AdminReply::Import(state) => Ok(state),
        _ => Err(CtlError::Unexpected),
    }
}

/// Looks again until the import has left these states.
fn wait(
    mut now: ImportState,
    states: &[&str],
    session: &mut Session<'_, '_>,
    mut see: impl FnMut(&ImportState, &mut Session<'_, '_>) -> Result<(), CtlError>,
) -> Result<ImportState, CtlError> {
    while states.contains(&now.state.as_str()) {
        // The deadline is never reached: it only measures the pause.
        let _ = Deadline::after(LOOK * 2).pause(LOOK);
        now = state(AdminOp::ImportShow { import: now.import }, session)?;
        see(&now, session)?;
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use otpost_ipc::{Request, frame};

    use super::*;

    fn parts(mut text: &str) -> Vec<&str> {
        let mut parts = Vec::new();
        loop {
            let part;
            (part, text) = split(text);
            parts.push(part);
            if text.is_empty() {
                return parts;
            }
        }
    }

    #[test]
    fn a_file_is_cut_between_characters_and_stays_whole() {
        for text in [
            String::new(),
            "a".repeat(PART),
            "a".repeat(PART + 1),
            format!("x{}", "ü€😀".repeat(20_000)),
        ] {
            let parts = parts(&text);
            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| part.len() <= PART));
        }
        assert_eq!(parts(&"a".repeat(PART)).len(), 1);
        assert_eq!(parts(&"a".repeat(PART + 1)).len(), 2);
    }

    #[test]
    fn a_part_of_any_characters_fits_a_frame() {
        for c in ['"', '\\', '\n', '\u{1}', '\u{7f}', '€'] {
            let text = c.to_string().repeat(100_000 / c.len_utf8());
            for part in parts(&text) {
                let request = Request {
                    id: u64::MAX,
                    op: AdminOp::ImportPut {
                        import: Some("0".repeat(32)),
                        text: Secret::from(part),
                        last: false,
                    },
                };
                assert!(frame::encode(&request).is_ok(), "{c:?}");
            }
        }
    }
}
