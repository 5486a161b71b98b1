//! Figures for the overview.

use std::collections::BTreeMap;
use std::sync::Arc;

use otpost_core::stats::{Cut, Figures, HOUR_MILLIS, ProviderFigures};
use otpost_ipc::admin::{AdminReply, DayCounts, OverviewView, ProviderLatency};

use super::{Act, AdminError, find_resource, read, status};
use crate::state::Daemon;
use crate::stats;

/// Locked users that are named.
const NAMED: usize = 10;

pub(super) async fn overview(
    daemon: &Arc<Daemon>,
    act: Act,
    hours: u32,
    resource: Option<String>,
) -> Result<AdminReply, AdminError> {
    if !(1..=720).contains(&hours) {
        return Err(AdminError::Invalid("hours is 1 to 720".to_owned()));
    }
    let resource = match resource {
        Some(name) => Some(read(daemon, move |read| Ok(find_resource(read, &name)?.id)).await?),
        None => None,
    };
    // What was counted until now is in what is read.
    daemon.stats.store().await;
    let cut = Cut::of(hours, act.now);
    let stored = read(daemon, move |read| Ok(stats::hours(read, &cut)?)).await?;
    let (locked, locked_count) = stats::locked(daemon, resource, NAMED).await?;
    let status = status::of(daemon, &act).await?;
    let (series, all) = cut.series(&stored, resource);
    let mut providers: BTreeMap<String, ProviderFigures> = BTreeMap::new();
    for hour in stored.iter().filter(|_| resource.is_none()) {
        for (name, figures) in &hour.providers {
            providers.entry(name.clone()).or_default().merge(figures);
        }
    }
    let mut reasons: Vec<(String, u64)> = all.reasons.clone().into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut texts: Vec<(String, u64)> = ["accepted", "failed", "unknown", "expired"]
        .into_iter()
        .map(|state| {
            (
                state.to_owned(),
                all.texts.get(state).copied().unwrap_or_default(),
            )
        })
        .collect();
    if resource.is_none() {
        // Those that wait belong to no resource yet as far as they are counted.
        texts.push(("waiting".to_owned(), status.waiting_texts));
    }
    Ok(AdminReply::Overview(Box::new(OverviewView {
        series: series
            .iter()
            .map(|entry| counts(entry.start.0, &entry.figures))
            .collect(),
        step: cut.step.saturating_mul(HOUR_MILLIS),
        reasons,
        texts,
        providers: providers
            .into_iter()
            .map(|(provider, figures)| ProviderLatency {
                provider,
                accepted: figures.accepted,
                failed: figures.failed,
                p50: figures.latency.percentile(50),
                p95: figures.latency.percentile(95),
            })
            .collect(),
        locked,
        locked_count,
        status,
    })))
}

fn counts(start: u64, figures: &Figures) -> DayCounts {
    DayCounts {
        start,
        allowed: figures.allowed,
        wrong_code: figures.wrong_code,
        denied: figures.denied,
        accepted: figures.accepted(),
        failed: figures.failed(),
        p50: figures.latency.percentile(50),
        p95: figures.latency.percentile(95),
    }
}
