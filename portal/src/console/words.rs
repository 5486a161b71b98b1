//! Addresses, times and words that many pages of the console need.

use crate::{
    i18n::Text,
    ui::{Frame, Tab},
};

/// A segment of a path, percent-encoded (RFC 3986 section 2.3).
pub(super) fn segment(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(octet));
        } else {
            path.push_str(&format!("%{octet:02X}"));
        }
    }
    // Browsers take these two for the folder itself and the one above.
    match path.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => path,
    }
}

/// `base` with the parameters that are not empty.
pub(super) fn path(base: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish().as_str() {
        "" => base.to_owned(),
        query => format!("{base}?{query}"),
    }
}

/// The page of a user.
pub(super) fn user_path(login: &str) -> String {
    format!("/users/{}", segment(login))
}

/// The page of a resource.
pub(super) fn resource_path(name: &str) -> String {
    format!("/resources/{}", segment(name))
}

/// A page about the same thing.
pub(super) fn tab(label: &Text, href: String, current: bool) -> Tab {
    Tab {
        label: label.to_string(),
        href,
        current,
    }
}

fn stamp(milliseconds: u64, format: &str) -> String {
    let at = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(at)
        .map(|at| at.strftime(format).to_string())
        .unwrap_or_default()
}

/// Day and time, as `2026-11-24 08:41 UTC`.
pub(super) fn when(milliseconds: u64) -> String {
    stamp(milliseconds, "%Y-%m-%d %H:%M UTC")
}

/// The same with seconds; that it is UTC is said above.
pub(super) fn exactly(milliseconds: u64) -> String {
    stamp(milliseconds, "%Y-%m-%d %H:%M:%S")
}

/// Begin of an hour, or of a day where `step` is one.
pub(super) fn tick(milliseconds: u64, step: u64) -> String {
    stamp(milliseconds, if step < 86_400_000 { "%H:%M" } else { "%m-%d" })
}

/// A time as a form's field gives it (`2026-11-24` or `2026-11-24T08:41`, UTC), in milliseconds; 0 where it is none.
pub(super) fn moment(text: &str) -> u64 {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => return 0,
    };
    let at = whole
        .parse::<jiff::Timestamp>()
        .map_or(0, jiff::Timestamp::as_millisecond);
    u64::try_from(at).unwrap_or(0)
}

/// A reason code in words; the code itself where there are none.
pub(super) fn reason(f: &Frame, code: &str) -> String {
    let key = match code {
        "wrong-code" => "c-reason-wrong-code",
        "wrong-password" => "c-reason-wrong-password",
        "no-password" => "c-reason-no-password",
        "unknown-user" => "c-reason-unknown-user",
        "not-in-resource" => "c-reason-not-in-resource",
        "unenrolled" => "c-reason-unenrolled",
        "expired" => "c-reason-expired",
        "tries-used" => "c-reason-tries-used",
        "otp-locked" | "otp-locked-now" => "c-reason-otp-locked",
        "admin-locked" => "c-reason-admin-locked",
        "source-closed" => "c-reason-source-closed",
        "resource-disabled" => "c-reason-resource-disabled",
        "no-resource" => "c-reason-no-resource",
        "token-disabled" => "c-reason-token-disabled",
        "token-blocked" => "c-reason-token-blocked",
        "too-many-open" => "c-reason-too-many-open",
        "cancelled" => "c-reason-cancelled",
        "challenge" => "c-reason-challenge",
        "code" => "c-reason-code",
        "bypass" => "c-reason-bypass",
        _ => return code.to_owned(),
    };
    f.t(key).to_string()
}

/// What is said once after an act.
pub(super) fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "saved" => "c-said-saved",
        "portal-on" => "c-said-portal-on",
        "portal-off" => "c-said-portal-off",
        "added" => "c-said-added",
        "removed" => "c-said-removed",
        "locked" => "c-said-locked",
        "unlocked" => "c-said-unlocked",
        "bypass" => "c-said-bypass",
        "bypass-ended" => "c-said-bypass-ended",
        "bound" => "c-said-bound",
        "unbound" => "c-said-unbound",
        "signed-out" => "c-said-signed-out",
        "enrolled" => "c-said-enrolled",
        "cancelled" => "c-said-cancelled",
        "password" => "c-said-password",
        "forgotten" => "c-said-forgotten",
        "mail-sent" => "c-said-mail-sent",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{moment, path, segment, tick, when};

    #[test]
    fn names_make_safe_paths() {
        assert_eq!(
            segment("Hafenwerk VPN/1?#%ü"),
            "Hafenwerk%20VPN%2F1%3F%23%25%C3%BC"
        );
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(
            path("/users", &[("search", "a&b"), ("state", "")]),
            "/users?search=a%26b"
        );
        assert_eq!(path("/users", &[("search", "")]), "/users");
    }

    #[test]
    fn times_are_read_and_shown() {
        assert_eq!(when(1_764_578_400_000), "2025-12-01 08:40 UTC");
        assert_eq!(tick(1_764_578_400_000, 3_600_000), "08:40");
        assert_eq!(moment("2025-12-01T08:40"), 1_764_578_400_000);
        assert_eq!(moment("1970-01-02"), 86_400_000);
        assert_eq!(moment("1969-12-31"), 0);
        assert_eq!(moment("yesterday"), 0);
    }
}
