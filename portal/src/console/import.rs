//! Users from a CSV file: hand it in, look at what it would do line by line, carry it out.

use askama::Template;
use axum::{
    extract::{Multipart, Path, multipart::MultipartError},
    response::{IntoResponse, Redirect},
};
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, ImportLine, ImportState},
};
use zeroize::Zeroizing;

use super::{
    ask::Ask,
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    sentences,
    words::{path, segment},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{ConsoleFrame, Errors, Pager},
};

/// Octets of a file that are read: some 100,000 lines.
pub(super) const FILE: usize = 8 * 1024 * 1024;
/// Octets of one part, as the daemon takes them.
const PART: usize = 32 * 1024;

fn ask_file(desk: &Desk, text: &str, errors: Errors) -> Page {
    let f = desk
        .frame("/users", desk.t("c-import-csv"))
        .below(desk.t("nav-users"), "/users");
    let mut area = desk
        .area("text", &desk.t("c-import-text"), "")
        .hint(&desk.t("c-import-text-hint"))
        .more("spellcheck=false");
    text.clone_into(&mut area.value);
    Ask::new(f, desk.t("c-import-check"), "/users")
        .lead(desk.t("c-import-lead"))
        .upload()
        .field(area)
        .show(desk, errors)
}

/// Form: a file, or its text.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes_all())?;
    ask_file(&desk, "", Errors::default())
}

/// `text` in parts that the daemon takes, never within a character.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > PART {
        let end = (0..=PART)
            .rev()
            .find(|at| rest.is_char_boundary(*at))
            .unwrap_or(PART);
        let (part, behind) = rest.split_at(end);
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

fn unread(error: &MultipartError) -> Halt {
    let too_large = error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
    Halt::from(if too_large {
        PageError::TooLarge
    } else {
        PageError::BadRequest
    })
}

/// The file: it is handed to the daemon in parts, which makes the plan.
pub(super) async fn add(desk: Desk, mut form: Multipart) -> Page {
    let (mut csrf, mut file, mut text) = (String::new(), Vec::new(), String::new());
    while let Some(field) = form.next_field().await.map_err(|error| unread(&error))? {
        match field.name().unwrap_or_default() {
            "csrf" => csrf = field.text().await.map_err(|error| unread(&error))?,
            "file" => file = field.bytes().await.map_err(|error| unread(&error))?.to_vec(),
            "text" => text = field.text().await.map_err(|error| unread(&error))?,
            _ => {}
        }
    }
    if !desk.ctx.csrf_matches(&csrf) {
        return Err(PageError::StaleForm.into());
    }
    let mut errors = Errors::default();
    let whole = if file.is_empty() {
        Zeroizing::new(text.clone())
    } else if let Ok(whole) = String::from_utf8(file) {
        Zeroizing::new(whole)
    } else {
        errors.add("file", desk.t("c-import-not-utf8"));
        return ask_file(&desk, &text, errors);
    };
    if whole.trim().is_empty() {
        errors.add("file", desk.t("c-import-empty"));
        return ask_file(&desk, &text, errors);
    }
    let parts = parts(&whole);
    let mut import: Option<String> = None;
    for (at, part) in parts.iter().enumerate() {
        let op = AdminOp::ImportPut {
            import: import.take(),
            text: Secret::from(*part),
            last: at + 1 == parts.len(),
        };
        match desk.attempt(op).await? {
            Ok(AdminReply::Import(state)) => import = Some(state.import),
            Ok(_) => return Err(PageError::Internal.into()),
            Err(fault) => return ask_file(&desk, &text, desk.refusal(&fault, &[], "file")),
        }
    }
    let id = import.unwrap_or_default();
    Ok(Redirect::to(&format!("/import/{}", segment(&id))).into_response())
}

#[derive(Template)]
#[template(path = "console/import.html")]
struct ImportPage {
    f: ConsoleFrame,
    base: String,
    only: String,
    state: ImportState,
    lines: Vec<ImportLine>,
    pager: Pager,
}

impl ImportPage {
    fn heads(&self) -> Vec<Text> {
        ["c-line", "c-login", "c-import-what", "c-details"]
            .map(|key| self.f.t(key))
            .to_vec()
    }

    /// Kinds of lines: word, name, how many.
    fn kinds(&self) -> Vec<(&'static str, Text, u64)> {
        let state = &self.state;
        vec![
            ("", self.f.t("c-import-all"), state.lines),
            ("add", self.f.t("c-import-add"), state.add),
            ("change", self.f.t("c-import-change"), state.change),
            ("same", self.f.t("c-import-same"), state.same),
            ("bad", self.f.t("c-import-bad"), state.bad),
        ]
    }

    fn filter(&self, word: &str) -> String {
        path(&self.base, &[("only", word)])
    }

    fn is(&self, state: &str) -> bool {
        self.state.state == state
    }

    /// Whether the daemon is at work: the page shows how far it is.
    fn busy(&self) -> bool {
        self.is("running") || self.is("reading")
    }

    fn todo(&self) -> u64 {
        self.state.add + self.state.change
    }

    /// Share of the lines that are done, in percent.
    fn percent(&self) -> u64 {
        (self.state.done * 100)
            .checked_div(self.state.lines)
            .unwrap_or(0)
            .min(100)
    }
}

async fn page(desk: &Desk, id: &str, errors: Errors) -> Page {
    let base = format!("/import/{}", segment(id));
    let paging = Paging::new(desk, &base, &["only"], "after");
    let op = AdminOp::ImportPlan {
        import: id.to_owned(),
        after: paging.begin().and_then(|begin| begin.parse().ok()).unwrap_or(0),
        only: desk.given("only"),
    };
    let op_show = AdminOp::ImportShow {
        import: id.to_owned(),
    };
    let AdminReply::Import(mut state) = desk.admin(op_show).await? else {
        return Err(PageError::Internal.into());
    };
    state.why = sentences::remark(desk.ctx.texts(), &state.why);
    // The lines of a file that is still being read are not there yet.
    let (mut lines, more) = if state.state == "reading" || state.state == "running" {
        (Vec::new(), false)
    } else {
        match desk.admin(op).await? {
            AdminReply::ImportPlan { lines, more, .. } => (lines, more),
            _ => return Err(PageError::Internal.into()),
        }
    };
    for line in &mut lines {
        line.text = sentences::remark(desk.ctx.texts(), &line.text);
    }
    let last = lines.last().filter(|_| more).map(|line| line.line.to_string());
    let only = desk.query("only").to_owned();
    let page = ImportPage {
        f: desk
            .frame("/users", desk.t("c-import-csv"))
            .below(desk.t("nav-users"), "/users")
            .below(desk.t("c-import-csv"), "/import")
            .with_errors(errors),
        // The daemon decides how many lines an answer has.
        pager: Pager {
            sizes: &[],
            shown: last.is_some() || paging.begin().is_some(),
            ..paging.pager(last.as_deref(), lines.len(), "")
        },
        only,
        state,
        lines,
        base,
    };
    show(&page.f, &desk.typed, &page)
}

/// What an import would do, or how far it is.
pub(super) async fn import(Path(id): Path<String>, desk: Desk) -> Page {
    page(&desk, &id, Errors::default()).await
}

/// Carries it out.
pub(super) async fn apply(Path(id): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let op = AdminOp::ImportApply {
        import: id.clone(),
        atomic: form.has("atomic"),
    };
    match desk.attempt(op).await? {
        Ok(_) => Ok(Redirect::to(&format!("/import/{}", segment(&id))).into_response()),
        Err(fault) => page(desk, &id, desk.refusal(&fault, &[], "main")).await,
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, parts};

    #[test]
    fn a_file_is_cut_between_characters() {
        let text = "ü".repeat(PART);
        let all = parts(&text);
        assert!(all.len() > 1 && all.iter().all(|part| part.len() <= PART));
        assert_eq!(all.concat(), text);
        assert_eq!(parts(""), [""]);
        assert_eq!(parts("a"), ["a"]);
    }
}
