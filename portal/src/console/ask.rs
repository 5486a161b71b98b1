//! A page with one form: most of what an administrator can do is asked that way, each with its consequence in words.

use askama::Template;
use otpost_ipc::Secret;

use super::desk::{Desk, Page, show};
use crate::{
    i18n::Text,
    ui::{self, ConsoleFrame, Errors},
};

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line,
    Number,
    Mail,
    Phone,
    Password,
    Area,
    Select,
    Switch,
    /// Any number of choices; the value holds the chosen ones, one a line.
    Checks,
}

/// One field of a form.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) value: String,
    pub(super) options: Vec<(String, String)>,
    pub(super) more: &'static str,
}

impl Field {
    fn new(id: &'static str, kind: Kind, label: &Text, value: String) -> Self {
        Self {
            id,
            kind,
            label: label.to_string(),
            hint: String::new(),
            value,
            options: Vec::new(),
            more: "",
        }
    }

    /// The same with a line below its label.
    pub(super) fn hint(mut self, hint: &Text) -> Self {
        self.hint = hint.to_string();
        self
    }

    /// The same of another kind.
    pub(super) const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with attributes, written as they are.
    pub(super) const fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        kind == match self.kind {
            Kind::Line => "text",
            Kind::Number => "number",
            Kind::Mail => "email",
            Kind::Phone => "tel",
            Kind::Password => "password",
            Kind::Area => "area",
            Kind::Select => "select",
            Kind::Switch => "switch",
            Kind::Checks => "checks",
        }
    }

    pub(super) const fn input(&self) -> &'static str {
        match self.kind {
            Kind::Mail => "email",
            Kind::Phone => "tel",
            Kind::Number => "number",
            _ => "text",
        }
    }

    /// Whether a choice of several is among the chosen ones.
    pub(super) fn chosen(&self, option: &str) -> bool {
        self.value.lines().any(|line| line == option)
    }

    /// A switch that is on.
    pub(super) fn on(&self) -> bool {
        !self.value.is_empty()
    }
}

impl Desk {
    /// A line of text with what was typed, else `otherwise`.
    pub(super) fn line(&self, id: &'static str, label: &Text, otherwise: &str) -> Field {
        Field::new(id, Kind::Line, label, self.typed.or(id, otherwise))
    }

    /// Several lines of text.
    pub(super) fn area(&self, id: &'static str, label: &Text, otherwise: &str) -> Field {
        self.line(id, label, otherwise).kind(Kind::Area)
    }

    /// A whole number.
    pub(super) fn number(&self, id: &'static str, label: &Text, otherwise: u32) -> Field {
        self.line(id, label, &otherwise.to_string()).kind(Kind::Number)
    }

    /// A new password; never shown again.
    pub(super) fn secret(&self, id: &'static str, label: &Text) -> Field {
        Field::new(id, Kind::Password, label, String::new())
    }

    /// A choice.
    pub(super) fn select(
        &self,
        id: &'static str,
        label: &Text,
        options: Vec<(String, String)>,
        otherwise: &str,
    ) -> Field {
        let mut field = self.line(id, label, otherwise).kind(Kind::Select);
        field.options = options;
        field
    }

    /// A switch.
    pub(super) fn switch(&self, id: &'static str, label: &Text, otherwise: bool) -> Field {
        let value = if self.typed.on(id, otherwise) { "on" } else { "" };
        Field::new(id, Kind::Switch, label, value.to_owned())
    }

    /// Any number of `names`.
    pub(super) fn checks(
        &self,
        id: &'static str,
        label: &Text,
        names: &[String],
        otherwise: &[String],
    ) -> Field {
        let value = self
            .typed
            .all(id)
            .unwrap_or_else(|| otherwise.to_vec())
            .join("\n");
        let mut field = Field::new(id, Kind::Checks, label, value);
        field.options = Self::choices(names);
        field
    }

    /// Names to choose from, as they are.
    pub(super) fn choices(names: &[String]) -> Vec<(String, String)> {
        names.iter().map(|name| (name.clone(), name.clone())).collect()
    }
}

/// The page of a form.
#[derive(Template)]
#[template(path = "console/ask.html")]
pub(super) struct Ask {
    f: ConsoleFrame,
    lead: Vec<Text>,
    warning: Option<Text>,
    fields: Vec<Field>,
    go: Text,
    danger: bool,
    back: String,
    upload: bool,
    /// Name and words of a second button.
    other: Option<(&'static str, Text)>,
}

impl Ask {
    /// A form that is posted to its own page; `back` is where "cancel" leads.
    pub(super) fn new(f: ConsoleFrame, go: Text, back: impl Into<String>) -> Self {
        Self {
            f,
            lead: Vec::new(),
            warning: None,
            fields: Vec::new(),
            go,
            danger: false,
            back: back.into(),
            upload: false,
            other: None,
        }
    }

    /// What it is about.
    pub(super) fn lead(mut self, text: Text) -> Self {
        self.lead.push(text);
        self
    }

    /// The consequence of something dangerous; the button says so too.
    pub(super) fn danger(mut self, text: Text) -> Self {
        self.warning = Some(text);
        self.danger = true;
        self
    }

    /// A consequence that is no danger by itself.
    pub(super) fn warn(mut self, text: Text) -> Self {
        self.warning = Some(text);
        self
    }

    /// One more field.
    pub(super) fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// All of them.
    pub(super) fn fields(mut self, fields: Vec<Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// A second button, that sends `name`.
    pub(super) fn other(mut self, name: &'static str, words: Text) -> Self {
        self.other = Some((name, words));
        self
    }

    /// A file may be chosen, too.
    pub(super) const fn upload(mut self) -> Self {
        self.upload = true;
        self
    }

    /// The page, with the mistakes that were found.
    pub(super) fn show(mut self, desk: &Desk, errors: Errors) -> Page {
        self.f = self.f.with_errors(errors);
        show(&self.f, &desk.typed, &self)
    }
}

/// Settings as they are, to be changed in place; `links` lead to what else can be done.
#[derive(Template)]
#[template(path = "console/settings_form.html")]
pub(super) struct Form {
    pub(super) f: ConsoleFrame,
    /// Whether who is signed in may change them.
    pub(super) may: bool,
    /// Whether the thing is on, beside the title.
    pub(super) pill: Option<bool>,
    pub(super) lead: Text,
    pub(super) fields: Vec<Field>,
    /// Address, words, and whether it is dangerous.
    pub(super) links: Vec<(String, Text, bool)>,
}

/// Fields that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: Text,
    pub(super) lead: Option<Text>,
    pub(super) fields: Vec<Field>,
}

/// A form that is too long for one card.
#[derive(Template)]
#[template(path = "console/groups.html")]
pub(super) struct Groups {
    pub(super) f: ConsoleFrame,
    /// Whether who is signed in may send it.
    pub(super) may: bool,
    pub(super) lead: Text,
    /// Something to know: kind, icon and words.
    pub(super) note: Option<(&'static str, &'static str, Text)>,
    pub(super) groups: Vec<Group>,
    pub(super) go: Text,
    /// Where one gets without sending it.
    pub(super) back: (String, Text),
    /// Address, words, and whether it is dangerous.
    pub(super) links: Vec<(String, Text, bool)>,
}

/// What came of something: a sentence, and facts.
#[derive(Template)]
#[template(path = "console/answer.html")]
pub(super) struct Answer {
    pub(super) f: ConsoleFrame,
    /// `ok`, `warn` or `bad`, and its icon.
    pub(super) mark: (&'static str, &'static str),
    pub(super) text: Text,
    pub(super) facts: Vec<(Text, String)>,
    pub(super) again: Option<(String, Text)>,
    pub(super) back: String,
}

/// What is shown now and never again.
#[derive(Template)]
#[template(path = "console/once.html")]
pub(super) struct Once {
    f: ConsoleFrame,
    text: Text,
    label: Text,
    secret: Option<Secret>,
    codes: Vec<Secret>,
    until: Option<Text>,
    go: Text,
    next: String,
}

impl Once {
    /// One secret: `text` says what it is for, `label` what it is called; `next` is where one goes on.
    pub(super) fn secret(f: ConsoleFrame, (text, label): (Text, Text), secret: Secret, next: String) -> Self {
        let go = f.t("c-noted");
        Self {
            f,
            text,
            label,
            secret: Some(secret),
            codes: Vec::new(),
            until: None,
            go,
            next,
        }
    }

    /// Ten recovery codes.
    pub(super) fn codes(f: ConsoleFrame, text: Text, codes: Vec<Secret>, next: String) -> Self {
        let (go, label) = (f.t("c-noted"), f.t("c-recovery-codes"));
        Self {
            f,
            text,
            label,
            secret: None,
            codes,
            until: None,
            go,
            next,
        }
    }

    /// One more line below.
    pub(super) fn until(mut self, text: Text) -> Self {
        self.until = Some(text);
        self
    }

    pub(super) fn show(&self) -> Page {
        Ok(ui::page(self)?)
    }
}
