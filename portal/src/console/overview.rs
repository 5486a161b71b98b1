//! The first page: figures, health, and what is left to set up.

use askama::Template;
use axum::response::{IntoResponse, Redirect};
use otpost_ipc::admin::{AdminOp, AdminReply, OverviewView};

use super::{
    desk::{Desk, Halt, Page, show},
    sentences,
    words::{reason, tick, user_path},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{Bar, Bars, Chart, ConsoleFrame, Series},
};

/// Hours that can be looked back.
const PERIODS: [(u32, &str); 3] = [
    (24, "c-period-day"),
    (168, "c-period-week"),
    (720, "c-period-month"),
];

/// A step of the set-up.
struct Step {
    label: Text,
    text: Text,
    href: &'static str,
    done: bool,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    f: ConsoleFrame,
    hours: u32,
    resource: String,
    resources: Vec<String>,
    all: bool,
    view: OverviewView,
    logins: Chart,
    reasons: Bars,
    delays: Chart,
    texts: Bars,
    steps: Vec<Step>,
}

/// Seconds with a decimal, from milliseconds.
fn seconds(milliseconds: u32) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

fn f64_of(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

impl OverviewPage {
    fn periods(&self) -> Vec<(u32, Text)> {
        PERIODS
            .iter()
            .map(|(hours, key)| (*hours, self.f.t(key)))
            .collect()
    }

    fn allowed(&self) -> u64 {
        self.view.series.iter().map(|entry| entry.allowed).sum()
    }

    fn tries(&self) -> u64 {
        let denied: u64 = (self.view.series.iter())
            .map(|entry| entry.denied + entry.wrong_code)
            .sum();
        self.allowed() + denied
    }

    fn taken(&self) -> u64 {
        self.view.series.iter().map(|entry| entry.accepted).sum()
    }

    fn sent(&self) -> u64 {
        self.taken() + self.view.series.iter().map(|entry| entry.failed).sum::<u64>()
    }

    /// Texts that a provider took, in percent with a decimal.
    fn share(&self) -> String {
        if self.sent() == 0 {
            return "–".to_owned();
        }
        let permille = self.taken() * 1000 / self.sent();
        format!("{}.{} %", permille / 10, permille % 10)
    }

    /// The provider that took most: half of its answers, and 95 of 100.
    fn speed(&self) -> Option<(String, Text)> {
        let busiest = (self.view.providers.iter()).max_by_key(|provider| provider.accepted)?;
        let text = (self.f.t("c-stat-p95"))
            .arg("time", seconds(busiest.p95))
            .arg("provider", busiest.provider.as_str());
        Some((seconds(busiest.p50), text))
    }

    fn seconds(&self, milliseconds: &u32) -> String {
        seconds(*milliseconds)
    }

    fn uptime(&self) -> Text {
        let hours = self.view.status.uptime / 3600;
        if hours < 48 {
            return self.f.t("c-up-hours").arg("hours", hours);
        }
        self.f.t("c-up-days").arg("days", hours / 24)
    }

    fn user_path(&self, login: &str) -> String {
        user_path(login)
    }
}

fn charts(f: &ConsoleFrame, view: &OverviewView, hours: u32) -> (Chart, Chart) {
    let times: Vec<String> = (view.series.iter())
        .map(|entry| tick(entry.start, view.step))
        .collect();
    let allowed: u64 = view.series.iter().map(|entry| entry.allowed).sum();
    let denied: u64 = (view.series.iter())
        .map(|entry| entry.denied + entry.wrong_code)
        .sum();
    let row = |key: &str, class, of: &dyn Fn(&otpost_ipc::admin::DayCounts) -> f64| Series {
        label: f.t(key).to_string(),
        class,
        values: view.series.iter().map(of).collect(),
    };
    let series = vec![
        row("c-allowed", "c1", &|entry| f64_of(entry.allowed)),
        row("c-denied-wrong-code", "c2", &|entry| f64_of(entry.wrong_code)),
        row("c-denied-other", "c3", &|entry| f64_of(entry.denied)),
    ];
    let summary = (f.t("c-logins-summary"))
        .arg("allowed", allowed)
        .arg("denied", denied)
        .arg("hours", hours);
    let step = f.t(if view.step < 86_400_000 { "c-hour" } else { "c-day" });
    let logins = Chart::bars(
        f.t("c-logins").to_string(),
        summary.to_string(),
        times.clone(),
        series,
    )
    .words(&step, f.t("c-as-table"));
    let highest = (view.series.iter())
        .map(|entry| entry.p95)
        .max()
        .unwrap_or_default();
    let summary = f.t("c-delays-summary").arg("time", seconds(highest));
    let series = vec![
        row("c-p50", "l1", &|entry| f64::from(entry.p50) / 1000.0),
        row("c-p95", "l2", &|entry| f64::from(entry.p95) / 1000.0),
    ];
    let delays = Chart::lines(f.t("c-delays").to_string(), summary.to_string(), times, series)
        .words(&step, f.t("c-as-table"))
        .unit("s");
    (logins, delays)
}

fn bars(f: &ConsoleFrame, view: &OverviewView) -> (Bars, Bars) {
    let reasons = (view.reasons.iter())
        .take(8)
        .map(|(code, count)| Bar {
            label: reason(f, code),
            count: *count,
            class: if code == "wrong-code" { "c2" } else { "c3" },
        })
        .collect();
    let texts = (view.texts.iter())
        .map(|(state, count)| {
            let (key, class) = match state.as_str() {
                "accepted" => ("c-text-accepted", "cok"),
                "failed" => ("c-text-failed", "c3"),
                "unknown" => ("c-text-unknown", "c2"),
                "expired" => ("c-text-expired", "c4"),
                _ => ("c-text-queued", "c1"),
            };
            Bar {
                label: f.t(key).to_string(),
                count: *count,
                class,
            }
        })
        .collect();
    (Bars(reasons), Bars(texts))
}

/// What is left to set up; nothing where the essentials are there.
fn steps(desk: &Desk, view: &OverviewView) -> Vec<Step> {
    let status = &view.status;
    let ready = status.providers > 0 && status.resources > 0 && status.users > 0 && status.tokens > 0;
    if ready || !desk.changes_all() {
        return Vec::new();
    }
    let step = |label: &str, text: &str, href, done| Step {
        label: desk.t(label),
        text: desk.t(text),
        href,
        done,
    };
    vec![
        step(
            "c-step-provider",
            "c-step-provider-text",
            "/providers",
            status.providers > 0,
        ),
        step(
            "c-step-resource",
            "c-step-resource-text",
            "/add/resource",
            status.resources > 0,
        ),
        step("c-step-users", "c-step-users-text", "/users", status.users > 0),
        step(
            "c-step-portal",
            "c-step-portal-text",
            "/resources",
            status.tokens > 0,
        ),
        step(
            "c-step-connect",
            "c-step-connect-text",
            "/radius",
            status.radius_clients > 0,
        ),
    ]
}

/// The first page.
pub(super) async fn overview(desk: Desk) -> Page {
    let hours = desk.query("hours").parse().unwrap_or(24).clamp(1, 720);
    let resources = desk.resource_names().await?;
    // Who administers some resources sees the figures of one at a time.
    let mut resource = desk.given("resource");
    if resource.is_none() && !desk.account.all {
        resource = desk.account.resources.first().cloned();
    }
    if resource.is_none() && !desk.account.all {
        // Nothing is in scope any more, so that there are no figures.
        return Ok(Redirect::to("/account").into_response());
    }
    let op = AdminOp::Overview {
        hours,
        resource: resource.clone(),
    };
    let mut view = match desk.admin(op).await? {
        AdminReply::Overview(view) => *view,
        _ => return Err(Halt::from(PageError::Internal)),
    };
    if view.status.version.is_empty()
        && let AdminReply::Status(status) = desk.admin(AdminOp::Status).await?
    {
        view.status = status;
    }
    for warning in &mut view.status.warnings {
        *warning = sentences::remark(desk.ctx.texts(), warning);
    }
    let mut f = desk.frame("/", desk.t("nav-overview"));
    f.locked = view.locked_count;
    let (logins, delays) = charts(&f, &view, hours);
    let (reasons, texts) = bars(&f, &view);
    let page = OverviewPage {
        hours,
        resource: resource.unwrap_or_default(),
        resources,
        all: desk.account.all,
        steps: steps(&desk, &view),
        view,
        logins,
        reasons,
        delays,
        texts,
        f,
    };
    show(&page.f, &desk.typed, &page)
}
