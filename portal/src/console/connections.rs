//! Connections that VPNs account for: who is connected, from where, since when.

use askama::Template;
use otpost_ipc::admin::{AccountingView, AdminOp, AdminReply};

use super::{
    desk::{Desk, Page, show},
    words::{user_path, when},
};
use crate::{PageError, i18n::Text, ui::ConsoleFrame};

/// Connections of the page: the newest.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "console/connections.html")]
struct ListPage {
    f: ConsoleFrame,
    user: String,
    ended: bool,
    rows: Vec<AccountingView>,
}

impl ListPage {
    fn heads(&self) -> Vec<Text> {
        ["c-user", "c-client", "c-device", "c-connected-since", "c-traffic"]
            .map(|key| self.f.t(key))
            .to_vec()
    }

    fn path(&self, row: &AccountingView) -> String {
        user_path(&row.user)
    }

    fn when(&self, at: &u64) -> String {
        when(*at)
    }

    fn octets(&self, count: &u64) -> String {
        octets(*count)
    }
}

/// Octets with a unit that people read.
fn octets(count: u64) -> String {
    let mut whole = count;
    let mut tenths = 0;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if whole < 1000 {
            break;
        }
        (tenths, whole, unit) = (whole % 1000 / 100, whole / 1000, next);
    }
    match unit {
        "B" => format!("{whole} B"),
        unit => format!("{whole}.{tenths} {unit}"),
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let ended = !desk.query("ended").is_empty();
    let op = AdminOp::AccountingList {
        user: desk.given("user"),
        ended,
        limit: ROWS,
    };
    let AdminReply::Accounting { sessions } = desk.admin(op).await? else {
        return Err(PageError::Internal.into());
    };
    let page = ListPage {
        f: desk
            .frame("/users", desk.t("c-connections"))
            .below(desk.t("nav-users"), "/users"),
        user: desk.query("user").to_owned(),
        ended,
        rows: sessions,
    };
    show(&page.f, &desk.typed, &page)
}

#[cfg(test)]
mod tests {
    use super::octets;

    #[test]
    fn octets_are_written_as_people_read_them() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_250_000, "1.2 MB"),
            (7_300_000_000, "7.3 GB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(octets(count), text);
        }
    }
}
