use std::{borrow::Borrow, ops::Deref};

use super::Moment;
use crate::{
    i18n::{Lang, Text, Texts},
    web::{Accent, Ctx, Theme, asset_path},
};

/// Whose page it is: a resource's, or otpost's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Name at the top and in the title.
    pub title: String,
    /// Where the name leads.
    pub home: String,
    /// Colour of buttons and links.
    pub accent: Option<Accent>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            title: "otpost".to_owned(),
            home: "/".to_owned(),
            accent: None,
        }
    }
}

/// What is wrong with a form, field by field, in the form's order.
#[derive(Debug, Clone, Default)]
pub struct Errors(Vec<(String, Text)>);

impl Errors {
    /// Adds one; `field` is the id of the field to mend.
    pub fn add(&mut self, field: &str, text: Text) {
        self.0.push((field.to_owned(), text));
    }

    /// Whether the form is sound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What every page has, whichever layout: `f` in the templates.
#[derive(Debug, Clone)]
pub struct Frame {
    ctx: Ctx,
    /// Whose page it is.
    pub brand: Brand,
    /// What is wrong with the form on it.
    pub errors: Errors,
}

impl Frame {
    fn new(ctx: Ctx, brand: Brand) -> Self {
        Self {
            ctx,
            brand,
            errors: Errors::default(),
        }
    }

    /// The text called `key`.
    #[must_use]
    pub fn t(&self, key: &str) -> Text {
        self.ctx.texts().get(key)
    }

    /// The words of the page's language.
    pub(crate) fn texts(&self) -> Texts {
        self.ctx.texts()
    }

    /// A browser as a session names it, such as `Firefox on Android`, in the page's language.
    #[must_use]
    pub fn agent(&self, agent: &str) -> String {
        match agent.split_once(" on ") {
            Some((browser, system)) => {
                let text = self.t("agent").arg("browser", browser);
                text.arg("system", system).to_string()
            }
            None => agent.to_owned(),
        }
    }

    /// The text called `key` with a time in it, in milliseconds since 1970; with `key` empty the time alone.
    #[must_use]
    pub fn at(&self, key: &str, milliseconds: impl Borrow<u64>) -> Moment {
        Moment::new(self.ctx.texts(), key, *milliseconds.borrow(), false)
    }

    /// As [`Self::at`], without the hour.
    #[must_use]
    pub fn on(&self, key: &str, milliseconds: impl Borrow<u64>) -> Moment {
        Moment::new(self.ctx.texts(), key, *milliseconds.borrow(), true)
    }

    /// The page's language.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.ctx.texts().lang()
    }

    /// The languages it could be shown in instead.
    #[must_use]
    pub fn other_languages(&self) -> Vec<Lang> {
        let pseudo = self.ctx.test_locale().then_some(Lang::Pseudo);
        let all = Lang::OFFERED.into_iter().chain(pseudo);
        all.filter(|lang| *lang != self.lang()).collect()
    }

    /// What scripts and every element with an `hx-` attribute carry (`nonce`, `hx-nonce`).
    #[must_use]
    pub fn nonce(&self) -> &str {
        self.ctx.nonce()
    }

    /// The value of a form's hidden `csrf` field.
    #[must_use]
    pub fn csrf(&self) -> String {
        self.ctx.csrf()
    }

    /// Appearance.
    #[must_use]
    pub fn theme(&self) -> Theme {
        self.ctx.theme()
    }

    /// What the appearance button says.
    #[must_use]
    pub fn theme_text(&self) -> Text {
        self.t(match self.theme() {
            Theme::Auto => "theme-auto",
            Theme::Light => "theme-light",
            Theme::Dark => "theme-dark",
        })
    }

    /// Where an asset is.
    #[must_use]
    pub fn asset<'a>(&self, name: &'a str) -> &'a str {
        asset_path(name)
    }

    /// Whether the browser speaks HTTPS.
    #[must_use]
    pub fn https(&self) -> bool {
        self.ctx.https()
    }

    /// Path and query of this page, for forms that lead back to it.
    #[must_use]
    pub fn here(&self) -> &str {
        self.ctx.here()
    }

    /// Whether the form has mistakes.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&Text> {
        (self.errors.0.iter())
            .find(|(name, _)| name == field)
            .map(|(_, text)| text)
    }

    /// All mistakes: field and text.
    pub fn mistakes(&self) -> impl Iterator<Item = &(String, Text)> {
        self.errors.0.iter()
    }
}

/// The frame of `self.html`: one centred column.
#[derive(Debug, Clone)]
pub struct SelfFrame {
    frame: Frame,
    /// Who is signed in, as shown at the top; `None` before sign-in and inside an enrolment.
    pub user: Option<String>,
    /// Where the sign-out form is posted to, where somebody is signed in.
    pub sign_out: String,
}

impl SelfFrame {
    /// For a page that nobody is signed in on, or that shows no bar at the top.
    #[must_use]
    pub fn new(ctx: Ctx, brand: Brand) -> Self {
        Self {
            frame: Frame::new(ctx, brand),
            user: None,
            sign_out: String::new(),
        }
    }

    /// The same with a bar at the top: name, and a button that posts to `sign_out`.
    #[must_use]
    pub fn signed_in(mut self, user: &str, sign_out: String) -> Self {
        self.user = Some(user.to_owned());
        self.sign_out = sign_out;
        self
    }

    /// The same with the mistakes of its form.
    #[must_use]
    pub fn with_errors(mut self, errors: Errors) -> Self {
        self.frame.errors = errors;
        self
    }
}

impl Deref for SelfFrame {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

/// The administrator who is signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Me {
    /// Name.
    pub name: String,
    /// Role in words.
    pub role: String,
}

/// A step of the way that leads to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Words.
    pub label: String,
    /// Path.
    pub href: String,
}

/// One of several pages about the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Words.
    pub label: String,
    /// Path.
    pub href: String,
    /// Whether it is the page that is shown.
    pub current: bool,
}

/// An entry of the side bar.
#[derive(Debug, Clone)]
pub struct Nav {
    /// Path.
    pub href: &'static str,
    /// Icon.
    pub icon: &'static str,
    /// Words.
    pub label: Text,
    /// Number beside it, hidden where it is 0: users that are locked.
    pub count: u64,
    /// Whether the page belongs to it.
    pub current: bool,
}

/// The frame of `console.html`: side bar, way, title, one primary action, tabs.
#[derive(Debug, Clone)]
pub struct ConsoleFrame {
    frame: Frame,
    section: &'static str,
    /// What the page is.
    pub title: String,
    /// Who is signed in.
    pub me: Me,
    /// Way to the page, without the page itself.
    pub crumbs: Vec<Crumb>,
    /// Pages about the same thing.
    pub tabs: Vec<Tab>,
    /// Pages below the tab.
    pub inner_tabs: Vec<Tab>,
    /// What was just done, said once.
    pub toast: Option<Text>,
    /// Users that are locked, beside their entry in the side bar.
    pub locked: u64,
    /// Paths of entries that the side bar leaves out: who is signed in may not open them.
    pub hidden: Vec<&'static str>,
}

/// Path, icon and word of the side bar's entries.
const SECTIONS: [(&str, &str, &str); 9] = [
    ("/", "home", "nav-overview"),
    ("/resources", "layers", "nav-resources"),
    ("/users", "users", "nav-users"),
    ("/tokens", "phone", "nav-tokens"),
    ("/radius", "server", "nav-radius"),
    ("/providers", "send", "nav-providers"),
    ("/messages", "text", "nav-messages"),
    ("/audit", "list", "nav-audit"),
    ("/settings", "settings", "nav-settings"),
];

impl ConsoleFrame {
    /// `section` is the path of the side bar's entry that the page belongs to.
    #[must_use]
    pub fn new(ctx: Ctx, me: Me, section: &'static str, title: impl Into<String>) -> Self {
        Self {
            frame: Frame::new(ctx, Brand::default()),
            section,
            title: title.into(),
            me,
            crumbs: Vec::new(),
            tabs: Vec::new(),
            inner_tabs: Vec::new(),
            toast: None,
            locked: 0,
            hidden: Vec::new(),
        }
    }

    /// The same, reached through another page.
    #[must_use]
    pub fn below(mut self, label: impl Into<String>, href: &str) -> Self {
        self.crumbs.push(Crumb {
            label: label.into(),
            href: href.to_owned(),
        });
        self
    }

    /// The same with the mistakes of its form.
    #[must_use]
    pub fn with_errors(mut self, errors: Errors) -> Self {
        self.frame.errors = errors;
        self
    }

    /// The side bar.
    #[must_use]
    pub fn nav(&self) -> Vec<Nav> {
        (SECTIONS.iter())
            .filter(|(href, ..)| !self.hidden.contains(href))
            .map(|(href, icon, label)| Nav {
                href,
                icon,
                label: self.t(label),
                count: if *href == "/users" { self.locked } else { 0 },
                current: *href == self.section,
            })
            .collect()
    }

    /// The word of the section that the page belongs to.
    #[must_use]
    pub fn section_label(&self) -> Option<Text> {
        (SECTIONS.iter())
            .find(|(href, ..)| *href == self.section)
            .map(|(.., label)| self.t(label))
    }
}

impl Deref for ConsoleFrame {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}
