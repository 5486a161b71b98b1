//! Rejects that were decided here, kept until the daemon has them for its audit log. However many there are, little is kept
//! and little is asked of the daemon.

use std::collections::BTreeMap;

use otpost_ipc::{
    client::CallError,
    radius::{RadiusOp, RadiusReport},
};

use crate::link::Daemon;

/// Reports kept of one client; of more, only their number.
const KEPT: usize = 5;

/// What one client's requests were rejected for since the last round.
#[derive(Debug, Default)]
struct Waiting {
    /// Never empty where anything was rejected: the newest carries the number of the others.
    kept: Vec<RadiusReport>,
    more: u64,
}

/// Reports that wait, by client.
#[derive(Debug, Default)]
pub(crate) struct Rejects(BTreeMap<String, Waiting>);

impl Rejects {
    /// Adds one. `more` in it counts too.
    pub(crate) fn add(&mut self, mut report: RadiusReport) {
        let waiting = self.0.entry(report.client.clone()).or_default();
        waiting.more = waiting.more.saturating_add(std::mem::take(&mut report.more));
        if waiting.kept.len() >= KEPT {
            // The newest says most about what goes on now.
            waiting.kept.pop();
            waiting.more = waiting.more.saturating_add(1);
        }
        waiting.kept.push(report);
    }

    /// Everything that waits, oldest first for each client.
    pub(crate) fn take(&mut self) -> Vec<RadiusReport> {
        let mut reports = Vec::new();
        for waiting in std::mem::take(&mut self.0).into_values() {
            reports.extend(waiting.kept);
            if let Some(last) = reports.last_mut() {
                last.more = waiting.more;
            }
        }
        reports
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tells the daemon; gives back what it may not have heard.
pub(crate) async fn tell(daemon: &Daemon, reports: Vec<RadiusReport>) -> Vec<RadiusReport> {
    let mut untold = Vec::new();
    for report in reports {
        // One at a time: logins are under way on the same connection.
        match daemon.calls.call(RadiusOp::Report(report.clone())).await {
            Ok(_) => {}
            Err(CallError::Fault(fault)) => {
                tracing::warn!(client = ?report.client, more = report.more, %fault, "otpostd does not record a reject");
            }
            Err(_) => untold.push(report),
        }
    }
    untold
}

#[cfg(test)]
mod tests {
    use otpost_ipc::radius::{Nas, RadiusRefusal};

    use super::*;

    fn report(client: &str, user: u32) -> RadiusReport {
        RadiusReport {
            client: client.to_owned(),
            user: user.to_string(),
            reason: RadiusRefusal::NoCredentials,
            more: 0,
            nas: Nas::default(),
        }
    }

    fn shown(reports: &[RadiusReport]) -> Vec<(&str, &str, u64)> {
        (reports.iter())
            .map(|report| (report.client.as_str(), report.user.as_str(), report.more))
            .collect()
    }

    #[test]
    fn a_flood_of_one_client_is_counted_and_hides_no_other() {
        let mut rejects = Rejects::default();
        for user in 0..1000 {
            rejects.add(report("flood", user));
        }
        rejects.add(report("quiet", 7));
        assert!(!rejects.is_empty());
        let taken = rejects.take();
        let expected = [
            ("flood", "0", 0),
            ("flood", "1", 0),
            ("flood", "2", 0),
            ("flood", "3", 0),
            ("flood", "999", 995),
            ("quiet", "7", 0),
        ];
        assert_eq!(shown(&taken), expected);
        assert!(rejects.is_empty() && rejects.take().is_empty());
        // What the daemon did not hear waits again, together with what came meanwhile, and none is lost.
        rejects.add(report("flood", 1000));
        for report in taken {
            rejects.add(report);
        }
        let taken = rejects.take();
        let all: u64 = (taken.iter())
            .filter(|report| report.client == "flood")
            .map(|report| 1 + report.more)
            .sum();
        assert_eq!((taken.len(), all), (KEPT + 1, 1001));
    }
}
