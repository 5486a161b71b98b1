//! What happened, and what would happen: texts, the audit log, and the explanation of a login.

use askama::Template;
use axum::response::Redirect;
use otpost_ipc::admin::{AdminOp, AdminReply, AuditFilter, AuditView};

use super::{
    ask::Answer,
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    sentences,
    tables::{AuditTable, MessagesTable},
    words::{moment, reason},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{ConsoleFrame, Errors, Pager},
};

#[derive(Template)]
#[template(path = "console/messages.html")]
struct MessagesPage {
    f: ConsoleFrame,
    table: MessagesTable,
    pager: Pager,
}

/// Texts, newest first.
pub(super) async fn messages(desk: Desk) -> Page {
    let paging = Paging::new(&desk, "/messages", &[], "after");
    let op = AdminOp::SmsMessages {
        limit: paging.size(),
        after: paging.begin(),
    };
    let AdminReply::Messages { messages, more } = desk.admin(op).await? else {
        return Err(PageError::Internal.into());
    };
    let last = messages.last().filter(|_| more).map(|last| last.id.clone());
    let newest = desk.t("c-newest-first").to_string();
    let f = desk.frame("/messages", desk.t("nav-messages"));
    let page = MessagesPage {
        pager: paging.pager(last.as_deref(), messages.len(), &newest),
        table: MessagesTable::new(&f, messages),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// Parameters of the audit log's address.
const FILTERS: [&str; 8] = [
    "user", "resource", "kind", "reason", "ref", "source", "from", "until",
];

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    f: ConsoleFrame,
    may_verify: bool,
    resources: Vec<String>,
    values: Vec<(&'static str, String)>,
    table: AuditTable,
    pager: Pager,
    paging: Paging,
}

impl AuditPage {
    fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn kinds(&self) -> Vec<(&'static str, Text)> {
        [
            ("", "c-all-events"),
            ("login.", "c-events-logins"),
            ("login.deny", "c-events-denied"),
            ("portal.", "c-events-portal"),
            ("enrol.", "c-events-enrol"),
            ("sms.", "c-events-sms"),
            ("admin.", "c-events-admin"),
            ("console.", "c-events-console"),
        ]
        .map(|(word, key)| (word, self.f.t(key)))
        .to_vec()
    }

    /// Whether the wanted kind is one of those to choose from.
    fn other_kind(&self) -> bool {
        !self.kinds().iter().any(|(word, _)| *word == self.value("kind"))
    }

    /// Filters in force, each with the address without it.
    fn in_force(&self) -> Vec<(Text, String, String)> {
        self.values
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| {
                let rest: Vec<(&str, &str)> = (self.values.iter())
                    .filter(|(other, _)| other != name)
                    .map(|(other, value)| (*other, value.as_str()))
                    .collect();
                let key = match *name {
                    "user" => "c-user",
                    "resource" => "c-resource",
                    "kind" => "c-event",
                    "reason" => "c-reason",
                    "ref" => "reference",
                    "source" => "c-source",
                    "from" => "c-from",
                    _ => "c-before",
                };
                (self.f.t(key), value.clone(), self.paging.with(&rest))
            })
            .collect()
    }
}

/// Audit rows of a filter, and where older ones begin.
pub(super) async fn found(
    desk: &Desk,
    filter: AuditFilter,
    paging: &Paging,
) -> Result<(Vec<AuditView>, Option<String>), Halt> {
    let op = AdminOp::AuditFind {
        filter,
        before: paging.begin().and_then(|begin| begin.parse().ok()),
        limit: paging.size(),
    };
    match desk.admin(op).await? {
        AdminReply::AuditFound { rows, before } => Ok((rows, before.map(|before| before.to_string()))),
        _ => Err(PageError::Internal.into()),
    }
}

/// The audit log.
pub(super) async fn audit(desk: Desk) -> Page {
    let text = |name: &str| desk.query(name).to_owned();
    let filter = AuditFilter {
        user: text("user"),
        resource: text("resource"),
        kind: text("kind"),
        reason: text("reason"),
        reference: text("ref"),
        source: text("source"),
        from: moment(desk.query("from")),
        until: moment(desk.query("until")),
    };
    let paging = Paging::new(&desk, "/audit", &FILTERS, "before");
    let (rows, before) = found(&desk, filter, &paging).await?;
    let values: Vec<(&'static str, String)> = FILTERS.map(|name| (name, text(name))).to_vec();
    let newest = desk.t("c-newest-first").to_string();
    let f = desk.frame("/audit", desk.t("nav-audit"));
    let page = AuditPage {
        may_verify: desk.changes_all(),
        resources: desk.resource_names().await?,
        pager: paging.pager(before.as_deref(), rows.len(), &newest),
        paging,
        values,
        table: AuditTable::new(&f, rows),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// Checks the audit chain.
pub(super) async fn verify(sent: Sent) -> Page {
    let desk = &sent.desk;
    let AdminReply::AuditVerified {
        rows,
        head,
        broken_at,
    } = desk.admin(AdminOp::AuditVerify).await?
    else {
        return Err(PageError::Internal.into());
    };
    let (mark, text) = match broken_at {
        None => (("ok", "check"), desk.t("c-chain-holds")),
        Some(at) => (("bad", "warning"), desk.t("c-chain-broken").arg("row", at)),
    };
    let answer = Answer {
        f: desk
            .frame("/audit", desk.t("c-verify"))
            .below(desk.t("nav-audit"), "/audit"),
        mark,
        text,
        facts: vec![
            (desk.t("c-rows-checked"), rows.to_string()),
            (desk.t("c-last-hash"), head),
        ],
        again: None,
        back: "/audit".to_owned(),
    };
    show(&answer.f, &desk.typed, &answer)
}

/// The page of the check without a form: there is nothing to see.
pub(super) async fn unverified() -> Redirect {
    Redirect::to("/audit")
}

struct Outcome {
    mark: (&'static str, &'static str),
    title: Text,
    reason: String,
    code: String,
    text: String,
}

#[derive(Template)]
#[template(path = "console/explain.html")]
struct ExplainPage {
    f: ConsoleFrame,
    user: String,
    service: String,
    channel: String,
    source: String,
    outcome: Option<Outcome>,
}

impl ExplainPage {
    fn channels(&self) -> Vec<(&'static str, Text)> {
        [
            ("", "c-channel-any"),
            ("pam", "c-channel-pam"),
            ("radius", "c-channel-radius"),
        ]
        .map(|(word, key)| (word, self.f.t(key)))
        .to_vec()
    }
}

/// How a login would go.
pub(super) async fn explain(desk: Desk) -> Page {
    let mut errors = Errors::default();
    let mut outcome = None;
    let asked = desk.given("user").is_some() && desk.given("service").is_some();
    let f = desk
        .frame("/audit", desk.t("c-explain"))
        .below(desk.t("nav-audit"), "/audit");
    if asked {
        let op = AdminOp::LoginExplain {
            user: desk.query("user").to_owned(),
            service: desk.query("service").to_owned(),
            channel: desk.given("channel"),
            source: desk.query("source").to_owned(),
        };
        match desk.attempt_named(op).await? {
            Ok(AdminReply::Explained {
                outcome: word,
                reason: code,
                text,
            }) => {
                let (mark, key) = match word.as_str() {
                    "allow" => (("warn", "warning"), "c-would-allow"),
                    "ask" => (("ok", "check"), "c-would-ask"),
                    _ => (("bad", "cross"), "c-would-deny"),
                };
                outcome = Some(Outcome {
                    mark,
                    title: desk.t(key),
                    reason: reason(&f, &code),
                    code,
                    text: sentences::remark(desk.ctx.texts(), &text),
                });
            }
            Ok(_) => return Err(PageError::Internal.into()),
            Err(fault) => {
                let fields = [("user", "user"), ("source", "source"), ("channel", "channel")];
                errors = desk.refusal(&fault, &fields, "service");
            }
        }
    } else if desk.given("user").is_some() && desk.given("go").is_some() {
        errors.add("service", desk.t("c-service-missing"));
    }
    let page = ExplainPage {
        f: f.with_errors(errors),
        user: desk.query("user").to_owned(),
        service: desk.query("service").to_owned(),
        channel: desk.query("channel").to_owned(),
        source: desk.query("source").to_owned(),
        outcome,
    };
    show(&page.f, &desk.typed, &page)
}
