//! Language and appearance, changed by a button that works without script.

use axum::response::{IntoResponse, Redirect, Response};

use super::{Ctx, Posted, Theme, cookies};
use crate::i18n::Lang;

/// `lang` and `back`.
pub(crate) async fn language(ctx: Ctx, form: Posted) -> Response {
    let mut response = back(&form);
    if let Some(lang) = Lang::tagged(form.get("lang"), ctx.test_locale()) {
        cookies::preference(&ctx, "lang", lang.tag(), &mut response);
    }
    response
}

/// Keeps the language that somebody chose in the profile for the pages before sign-in too.
pub(crate) fn choose_language(ctx: &Ctx, tag: &str, response: &mut Response) {
    if let Some(lang) = Lang::tagged(tag, ctx.test_locale()) {
        cookies::preference(ctx, "lang", lang.tag(), response);
    }
}

/// `theme` and `back`.
pub(crate) async fn theme(ctx: Ctx, form: Posted) -> Response {
    let mut response = back(&form);
    cookies::preference(
        &ctx,
        "theme",
        Theme::named(form.get("theme")).name(),
        &mut response,
    );
    response
}

fn back(form: &Posted) -> Response {
    Redirect::to(local(form.get("back"))).into_response()
}

/// `path` where it is one of this site, else the site's root: a form must not send people elsewhere.
pub(crate) fn local(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if path.starts_with('/') && !path.starts_with("//") && plain {
        path
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_paths_of_this_site_are_returned_to() {
        for path in ["/s/vpn?step=2", "/", "/a//b"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\nb",
            "",
            "s/vpn",
            "/ü",
        ] {
            assert_eq!(local(path), "/", "{path}");
        }
    }
}
