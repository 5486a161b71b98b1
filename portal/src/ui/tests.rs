//! Pages with every piece on them, in both layouts.

use askama::Template;

use super::*;
use crate::{
    i18n::{Lang, Text, Texts},
    web::tests::context,
};

#[derive(Template)]
#[template(
    source = r##"{% extends "self.html" %}
{% import "ui.html" as ui %}
{% block title %}{{ f.t("copy") }}{% endblock %}
{% block col %}home{% endblock %}
{% block main %}{{ ui::hello(f.t("copy"), f.t("copied")) }}{{ ui::errors() }}{{ ui::steps(labels, 2) }}
<form method="post">{{ ui::csrf() }}{{ ui::field("name", f.t("copy"), hint = f.t("copied"), value = name, more = "required maxlength=50") }}
{{ ui::area("note", f.t("copy"), value = name) }}{{ ui::password("password", f.t("copy"), hint = f.t("copied")) }}{{ ui::code("code", f.t("copy"), f.t("copied")) }}
{{ ui::select("kind", f.t("copy"), options, value = "b") }}{{ ui::segmented("digits", f.t("copy"), options, "a") }}{{ ui::switch("on", f.t("copy"), true, hint = f.t("copied")) }}{{ ui::check("off", f.t("copy"), false) }}
{{ ui::button(f.t("copy"), "pri wide") }}{{ ui::link(f.t("copy"), "/s/vpn", "quiet bad", about = name) }}{{ ui::resend(f.t("try-again"), 84) }}{{ ui::resend(f.t("try-again"), 0, "again") }}</form>
{{ ui::pill(f.t("done"), "ok", "check") }}{{ ui::note(f.t("copied"), "warn", "warning") }}{% call ui::panel("info", "info") %}<b>inside</b>{% endcall %}
{% call ui::empty(f.t("copy"), f.t("copied")) %}<a href="/">go</a>{% endcall %}{{ ui::masked("+44", "82") }}
<ul>{% call ui::token("text", name, f.t("copy"), f.t("copied")) %}<div class="st">{{ ui::pill(f.t("done")) }}</div>{% endcall %}</ul>{{ ui::copy("link", f.t("copy"), "https://x") }}{% endblock %}"##,
    ext = "html"
)]
struct FormPage {
    f: SelfFrame,
    name: String,
    labels: Vec<Text>,
    options: Vec<(&'static str, &'static str)>,
}

fn form(cookies: &str, errors: bool) -> String {
    let ctx = context(cookies);
    let mut mistakes = Errors::default();
    if errors {
        mistakes.add("name", ctx.texts().get("copied"));
        mistakes.add("code", ctx.texts().get("copied"));
    }
    let labels = ["copy", "done", "copied"]
        .map(|key| ctx.texts().get(key))
        .to_vec();
    let frame = SelfFrame::new(ctx, Brand::default())
        .signed_in("Alice <b>Weber</b>", "/s/vpn/sign-out".to_owned())
        .with_errors(mistakes);
    let page = FormPage {
        f: frame,
        name: "\"><script>alert(1)</script>".to_owned(),
        labels,
        options: vec![("a", "6 digits"), ("b", "8 digits")],
    };
    page.render().unwrap()
}

#[test]
fn what_people_typed_is_escaped_everywhere() {
    let html = form("lang=en", false);
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("<b>Weber"), "{html}");
    assert!(html.contains("<b>inside</b>"), "a call's body is HTML");
}

#[test]
fn a_field_has_label_hint_and_value() {
    let html = form("lang=en", false);
    assert!(html.contains("<label for=\"name\">Copy</label>"), "{html}");
    assert!(html.contains("aria-describedby=\"name-hint \""), "{html}");
    assert!(html.contains("required maxlength=50"), "{html}");
    assert!(html.contains("<option value=\"b\" selected>"), "{html}");
    assert!(html.contains("value=\"a\" checked"), "{html}");
    assert!(html.contains("autocomplete=\"one-time-code\""), "{html}");
    assert!(html.contains("data-countdown=\"84\">1:24<"), "{html}");
    assert_eq!(
        html.matches("aria-disabled=\"true\"").count(),
        1,
        "only what waits is disabled"
    );
    assert!(
        !html.contains("aria-invalid") && !html.contains("role=\"alert\""),
        "{html}"
    );
}

#[test]
fn mistakes_are_at_the_top_at_the_field_and_in_the_title() {
    let html = form("lang=en", true);
    assert!(html.contains("<title>Error: Copy – otpost</title>"), "{html}");
    assert!(html.contains("role=\"alert\" tabindex=\"-1\""), "{html}");
    assert!(
        html.contains("<a href=\"#name\">Copied</a>") && html.contains("<a href=\"#code\">"),
        "{html}"
    );
    assert!(
        html.contains("aria-describedby=\"name-hint name-err\" aria-invalid=\"true\""),
        "{html}"
    );
    assert!(html.contains("id=\"name-err\""), "{html}");
    assert_eq!(html.matches("aria-invalid=\"true\"").count(), 2);
}

#[test]
fn every_form_of_a_session_carries_its_token() {
    let html = form("__Host-sid=abc", false);
    let ctx = context("__Host-sid=abc");
    assert_ne!(ctx.csrf(), "");
    let forms = html.matches("<form method=\"post\"").count();
    assert!(forms >= 4, "{html}");
    assert_eq!(
        html.matches(&format!("name=\"csrf\" value=\"{}\"", ctx.csrf()))
            .count(),
        forms
    );
}

#[test]
fn every_id_is_there_once() {
    for html in [form("", true), console("lang=de")] {
        let ids: Vec<&str> = (html.split(" id=\"").skip(1))
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
    }
}

#[derive(Template)]
#[template(
    source = r#"{% extends "console.html" %}
{% import "ui.html" as ui %}
{% block pill %}{{ ui::pill(f.t("done"), "ok", "check") }}{% endblock %}
{% block actions %}{{ ui::link(f.t("try-again"), "/users/new", "pri", icon = "plus") }}{% endblock %}
{% block main %}{{ ui::errors() }}{% call ui::table(f.t("nav-users"), heads) %}{% for row in rows %}<tr role="row"><td role="cell">{{ row }}</td><td role="cell" data-l="{{ f.t("done") }}">{{ row }}</td></tr>{% endfor %}{% endcall %}
{{ ui::pager(pager) }}{{ chart }}{{ lines }}{{ bars }}{% endblock %}"#,
    ext = "html"
)]
struct ConsolePage {
    f: ConsoleFrame,
    heads: Vec<Text>,
    rows: Vec<&'static str>,
    pager: Pager,
    chart: Chart,
    lines: Chart,
    bars: Bars,
}

fn series(label: &str, class: &'static str, values: &[f64]) -> Series {
    Series {
        label: label.to_owned(),
        class,
        values: values.to_vec(),
    }
}

fn times() -> Vec<String> {
    (0..24).map(|hour| format!("{hour:02}:00")).collect()
}

fn logins() -> Chart {
    let allowed: Vec<f64> = (0..24).map(f64::from).collect();
    let series = vec![series("Allowed", "c1", &allowed), series("Denied", "c3", &[4.0])];
    Chart::bars("Logins".to_owned(), "276 allowed".to_owned(), times(), series)
        .words("Hour", "Show as a table")
}

fn delays() -> Chart {
    let series = vec![
        series("p50", "l1", &[1.9, 2.1]),
        series("p95", "l2", &[4.0, 14.2]),
    ];
    Chart::lines("Delay".to_owned(), "Half in 2 s".to_owned(), times(), series)
        .words("Hour", "Show as a table")
        .unit("s")
}

fn console(cookies: &str) -> String {
    let ctx = context(cookies);
    let me = Me {
        name: "Mara".to_owned(),
        role: "Owner".to_owned(),
    };
    let heads = vec![ctx.texts().get("nav-users"), ctx.texts().get("done")];
    let title = ctx.texts().get("nav-users");
    let words = ctx.texts();
    let toast = ctx.texts().get("copied");
    let mut frame = ConsoleFrame::new(ctx, me, "/users", title).below("Resources", "/resources");
    frame.locked = 2;
    frame.toast = Some(toast);
    frame.tabs = vec![Tab {
        label: "General".to_owned(),
        href: "/users/1".to_owned(),
        current: true,
    }];
    frame.inner_tabs.clone_from(&frame.tabs);
    let page = ConsolePage {
        f: frame,
        heads,
        rows: vec!["alice", "bob"],
        pager: Pager {
            text: "Page 1".to_owned(),
            steps: vec![
                (words.get("page-back"), String::new(), "prev"),
                (words.get("page-next"), "/users?after=8".to_owned(), "next"),
            ],
            sizes: &[5, 50],
            size: 50,
            chosen: false,
            base: "/users".to_owned(),
            kept: vec![("search", "<al>".to_owned())],
            shown: true,
        },
        chart: logins(),
        lines: delays(),
        bars: Bars(vec![Bar {
            label: "Wrong code".to_owned(),
            count: 54,
            class: "c2",
        }]),
    };
    page.render().unwrap()
}

#[test]
fn the_console_shows_where_one_is() {
    let html = console("lang=en");
    assert!(
        html.contains("<title>Users – otpost</title>") && html.contains("<h1>Users</h1>"),
        "{html}"
    );
    assert_eq!(
        html.matches("href=\"/users\" aria-current=\"page\"").count(),
        2,
        "side bar and menu"
    );
    assert!(
        html.contains("<a href=\"/resources\">Resources</a><span"),
        "{html}"
    );
    assert!(html.contains("<span class=\"vh\">locked: </span>2"), "{html}");
    assert!(html.contains("role=\"status\""), "{html}");
    assert!(
        html.contains("rel=\"next\"") && html.contains("aria-disabled=\"true\">Previous"),
        "{html}"
    );
}

#[test]
fn a_chart_is_drawn_and_is_a_table() {
    let html = logins().render().unwrap();
    assert!(html.contains("role=\"img\" aria-label=\"276 allowed\""), "{html}");
    assert_eq!(
        html.matches("<rect class=\"c1\" x=").count(),
        23,
        "no bar for nothing"
    );
    assert_eq!(html.matches("<th scope=\"row\">").count(), 24);
    assert!(html.contains("<td class=\"r\">23</td>"), "{html}");
    // 23 is the highest sum: the grid goes to 40 in tens.
    assert!(html.contains("<span>40</span><span>30</span>"), "{html}");
    let html = delays().render().unwrap();
    assert!(
        html.contains("<span>20\u{a0}s</span><span>15\u{a0}s</span>"),
        "{html}"
    );
    assert!(html.contains("class=\"l2\" d=\"M0 100L240 36.2\""), "{html}");
}

#[test]
fn empty_and_odd_numbers_make_a_chart_all_the_same() {
    for values in [&[][..], &[0.0], &[f64::NAN, f64::INFINITY, -1.0]] {
        let chart = |make: fn(String, String, Vec<String>, Vec<Series>) -> Chart| {
            make(
                String::new(),
                String::new(),
                times(),
                vec![series("a", "c1", values)],
            )
            .render()
            .unwrap()
        };
        for html in [chart(Chart::bars), chart(Chart::lines)] {
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }
}

#[test]
fn every_icon_that_a_template_names_exists() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            names.extend(
                ["icon(\"", "icon = \""]
                    .iter()
                    .flat_map(|mark| text.split(mark).skip(1))
                    .map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
    }
    assert!(!names.is_empty());
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| !name.is_empty() && !icon::NAMES.contains(&name.as_str()))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new());
    assert_eq!(icon("check").to_string().matches("<svg").count(), 1);
}

#[test]
fn no_template_holds_style_script_or_another_host() {
    for html in [form("lang=de", true), console("lang=qps")] {
        for inline in [" style=", "<style", " onclick=", "javascript:", "<script>"] {
            assert!(!html.contains(inline), "{inline} in {html}");
        }
    }
}

#[test]
fn a_time_stands_in_its_sentence_in_utc_and_for_scripts() {
    let at = 1_795_509_671_000;
    let shown = |lang, key, day| Moment::new(Texts::new(lang), key, at, day).to_string();
    assert_eq!(
        shown(Lang::En, "last-used", false),
        r#"Last used <time datetime="2026-11-24T08:41:11Z" data-when="time">24 November 2026, 08:41 UTC</time>"#
    );
    assert_eq!(
        shown(Lang::De, "password-set", true),
        r#"Gesetzt: <time datetime="2026-11-24T08:41:11Z" data-when="day">24. November 2026</time>"#
    );
    assert!(shown(Lang::Pseudo, "", false).starts_with("<time "));
    let never = Moment::new(Texts::new(Lang::En), "", u64::MAX, true).to_string();
    assert!(never.contains("9999"), "{never}");
}
