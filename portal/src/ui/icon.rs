use std::fmt;

use askama::filters::HtmlSafe;

/// HTML that is ours and needs no escaping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markup(&'static str);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl HtmlSafe for Markup {}

macro_rules! icons {
    ($($name:literal => $shape:literal)*) => {
        /// The icon called `name`, for `{{ crate::ui::icon("check") }}`. Decoration only: the words beside it say the same.
        /// Nothing for a name that is unknown, which the tests do not let through.
        #[must_use]
        pub fn icon(name: &str) -> Markup {
            Markup(match name {
                $($name => concat!(r#"<svg class="i" viewBox="0 0 20 20" aria-hidden="true">"#, $shape, "</svg>"),)*
                _ => "",
            })
        }

        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),*];
    };
}

icons! {
    "clock" => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 6v4l2.5 2"/>"#
    "key" => r#"<circle cx="6.5" cy="10" r="3.5"/><path d="M10 10h7.5v3M14 10v2.5"/>"#
    "app" => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>"#
    "sign-out" => r#"<path d="M8 3H4v14h4M8.5 10H17M13.5 6.5 17 10l-3.5 3.5"/>"#
    "plus" => r#"<path d="M10 4v12M4 10h12"/>"#
    "phone" => r#"<rect x="5.5" y="2" width="9" height="16" rx="2"/><path d="M9 15.5h2"/>"#
    "laptop" => r#"<rect x="2.5" y="4" width="15" height="9.5" rx="1.5"/><path d="M7 17h6"/>"#
    "warning" => r#"<path d="M10 3 2.5 16.5h15L10 3Z"/><path d="M10 8v4M10 14.3v.01"/>"#
    "text" => r#"<path d="M4 3.5h12A1.5 1.5 0 0 1 17.5 5v7.5A1.5 1.5 0 0 1 16 14h-5l-4 3v-3H4a1.5 1.5 0 0 1-1.5-1.5V5A1.5 1.5 0 0 1 4 3.5Z"/><path d="M6.8 8.8h.01M10 8.8h.01M13.2 8.8h.01" stroke-width="2.2"/>"#
    "dot" => r#"<circle cx="10" cy="10" r="5" fill="currentColor"/>"#
    "check" => r#"<path d="m4 10.5 4 4 8-9"/>"#
    "finger" => r#"<path d="M5 8.5a5 5 0 0 1 10 0v2c0 2-.3 4-1 6M7.8 9a2.2 2.2 0 0 1 4.4 0v2c0 2-.4 4.5-1.6 6.5M5 12c0 1.5-.3 2.8-.8 4"/>"#
    "info" => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 9v5M10 6.2v.01"/>"#
    "copy" => r#"<rect x="7" y="7" width="10" height="10" rx="2"/><path d="M13 4.5A1.5 1.5 0 0 0 11.5 3h-7A1.5 1.5 0 0 0 3 4.5v7A1.5 1.5 0 0 0 4.5 13"/>"#
    "download" => r#"<path d="M10 3v10M5.5 9 10 13.5 14.5 9M3.5 17h13"/>"#
    "upload" => r#"<path d="M10 14V3.5M5.5 8 10 3.5 14.5 8M3.5 17h13"/>"#
    "print" => r#"<path d="M5.5 7.5V3h9v4.5M5.5 14H3V7.5h14V14h-2.5M5.5 12h9v5h-9z"/>"#
    "home" => r#"<path d="M3 10.5V17h5v-4.5h4V17h5v-6.5M1.5 10 10 3l8.5 7"/>"#
    "layers" => r#"<path d="m10 3 8 4-8 4-8-4 8-4ZM2.5 11l7.5 3.8L17.5 11"/>"#
    "users" => r#"<circle cx="7.5" cy="7" r="3"/><path d="M2 16.5c0-3 2.5-4.5 5.5-4.5s5.5 1.5 5.5 4.5M13 4.3a3 3 0 0 1 0 5.4M15 12.4c1.8.6 3 2 3 4.1"/>"#
    "server" => r#"<rect x="3" y="3.5" width="14" height="5" rx="1.5"/><rect x="3" y="11.5" width="14" height="5" rx="1.5"/><path d="M6 6v.01M6 14v.01M9 6h5M9 14h5"/>"#
    "send" => r#"<path d="M17.5 2.5 9 11M17.5 2.5l-5 15L9 11 2.5 7.5l15-5Z"/>"#
    "list" => r#"<path d="M7 5h10M7 10h10M7 15h10M3.2 5v.01M3.2 10v.01M3.2 15v.01"/>"#
    "settings" => r#"<circle cx="10" cy="10" r="2.5"/><path d="M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4"/>"#
    "menu" => r#"<path d="M3 6h14M3 10h14M3 14h14"/>"#
    "lock" => r#"<rect x="4" y="9" width="12" height="8" rx="1.5"/><path d="M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"/>"#
    "search" => r#"<circle cx="9" cy="9" r="5.5"/><path d="m13.2 13.2 4 4"/>"#
    "pause" => r#"<path d="M7 5v10M13 5v10"/>"#
    "arrow" => r#"<path d="M4 10h12M11.5 5.5 16 10l-4.5 4.5"/>"#
    "mail" => r#"<rect x="2.5" y="4.5" width="15" height="11" rx="1.5"/><path d="m3 6 7 5 7-5"/>"#
    "cross" => r#"<path d="m5 5 10 10M15 5 5 15"/>"#
    "edit" => r#"<path d="M3.5 16.5l.8-3.6L13.5 3.7a1.4 1.4 0 0 1 2 0l.8.8a1.4 1.4 0 0 1 0 2l-9.2 9.2-3.6.8Z"/>"#
    "trash" => r#"<path d="M3.5 5.5h13M8 5.5V3.5h4v2M5 5.5l.8 11h8.4l.8-11M8.5 8.5v5M11.5 8.5v5"/>"#
    "repeat" => r#"<path d="M4 8.5A6.3 6.3 0 0 1 15.5 7L17 8.5M17 4.5v4h-4M16 11.5A6.3 6.3 0 0 1 4.5 13L3 11.5M3 15.5v-4h4"/>"#
    "chart" => r#"<path d="M3 17h14M5.5 14V9M10 14V4M14.5 14v-3"/>"#
}
