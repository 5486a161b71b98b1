//! Words in more than one language: Fluent files from `locales/`, in the program.
//!
//! Templates write `{{ f.t("key") }}`, or `{{ f.t("key").arg("name", value) }}` where the text has a place for a value.
//! A text that a language lacks is shown in English; the tests see to it that none does.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

use fluent::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

/// The files of one language; every language has the same ones.
macro_rules! locale {
    ($tag:literal) => {
        locale!($tag, "shell" "errors" "ui" "selfservice" "console" "service")
    };
    ($tag:literal, $($file:literal)*) => {
        &[$(include_str!(concat!("../locales/", $tag, "/", $file, ".ftl"))),*]
    };
}

const EN: &[&str] = locale!("en");
const DE: &[&str] = locale!("de");

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// German.
    De,
    /// Made up from English for tests: accents, and a third longer.
    Pseudo,
}

impl Lang {
    /// The languages that people are offered.
    pub const OFFERED: [Self; 2] = [Self::En, Self::De];

    /// Its short tag: in cookies, files and messages.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Pseudo => "qps",
        }
    }

    /// As HTML and HTTP name it (BCP 47). The pseudo-language is English with a mark.
    #[must_use]
    pub const fn html(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Pseudo => "en-x-qps",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Pseudo => "Pseudo",
        }
    }

    /// The language of a tag such as `de` or `de-AT`; the pseudo-language only where `pseudo` permits it.
    #[must_use]
    pub fn tagged(tag: &str, pseudo: bool) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let known = if pseudo {
            [Self::En, Self::De, Self::Pseudo].as_slice()
        } else {
            &Self::OFFERED
        };
        known
            .iter()
            .copied()
            .find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }

    /// The language that an Accept-Language header likes best (RFC 9110 section 12.5.4), else English.
    #[must_use]
    pub fn accepted(header: &str, pseudo: bool) -> Self {
        let mut best = (0.0, Self::En);
        for part in header.split(',').take(16) {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            if let Some(lang) = Self::tagged(tag.trim(), pseudo)
                && weight > best.0
            {
                best = (weight, lang);
            }
        }
        best.1
    }
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 3]> = LazyLock::new(|| {
    [
        bundle(Lang::En, EN),
        bundle(Lang::De, DE),
        bundle(Lang::Pseudo, EN),
    ]
});

fn bundle(lang: Lang, files: &[&str]) -> Bundle {
    let locale = lang.tag().parse().into_iter().collect();
    let mut bundle = Bundle::new_concurrent(locale);
    // Marks around values would be counted and copied with them; no language here is written from right to left.
    bundle.set_use_isolating(false);
    if lang == Lang::Pseudo {
        bundle.set_transform(Some(pseudo));
    }
    for file in files {
        // What can be read of a faulty file is used; the tests refuse such a file.
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(rest, _)| rest);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// Accents on the letters, and more of them: a third longer than English, as some languages are.
fn pseudo(text: &str) -> Cow<'_, str> {
    const PLAIN: &str = "aeiouyAEIOUYcnsCNS";
    const MARKED: &str = "åéîöûýÅÉÎÖÛÝçñšÇÑŠ";
    let mut long = String::with_capacity(text.len() * 2);
    for (index, letter) in text.chars().enumerate() {
        let marked = PLAIN.chars().position(|plain| plain == letter);
        let shown = marked.and_then(|at| MARKED.chars().nth(at)).unwrap_or(letter);
        long.push(shown);
        if index % 3 == 1 && letter.is_ascii_alphabetic() {
            long.push(shown);
        }
    }
    Cow::Owned(long)
}

/// The words of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts(Lang);

impl Texts {
    /// The words of `lang`.
    #[must_use]
    pub const fn new(lang: Lang) -> Self {
        Self(lang)
    }

    /// Which language.
    #[must_use]
    pub const fn lang(self) -> Lang {
        self.0
    }

    /// The text called `key`.
    #[must_use]
    pub fn get(self, key: &str) -> Text {
        Text {
            lang: self.0,
            key: Arc::from(key),
            values: Vec::new(),
        }
    }
}

/// One text, perhaps with values in it. Displays as plain text; templates escape it.
#[derive(Clone)]
pub struct Text {
    lang: Lang,
    key: Arc<str>,
    values: Vec<(&'static str, FluentValue<'static>)>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be what people typed.
        f.debug_tuple("Text").field(&self.key).finish()
    }
}

impl Text {
    /// Puts `value` where the text says `{ $name }`.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl Argument) -> Self {
        self.values.push((name, value.into_value()));
        self
    }

    fn of(&self, bundle: &Bundle) -> Option<String> {
        let pattern = bundle.get_message(&self.key)?.value()?;
        let args: FluentArgs<'_> = (self.values.iter())
            .map(|(name, value)| (*name, value.clone()))
            .collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors);
        if !errors.is_empty() {
            tracing::debug!(key = %self.key, "a text lacks a value");
        }
        Some(text.into_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [en, de, pseudo] = &*BUNDLES;
        let own = match self.lang {
            Lang::En => en,
            Lang::De => de,
            Lang::Pseudo => pseudo,
        };
        let text = self.of(own).or_else(|| self.of(en));
        f.write_str(text.as_deref().unwrap_or(&self.key))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.to_string()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.to_string()
    }
}

impl PartialEq<&str> for Text {
    /// Whether it reads like `other`; macros ask whether it is empty.
    fn eq(&self, other: &&str) -> bool {
        let shown = self.to_string();
        shown == **other
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        let shown = self.to_string();
        shown == *other
    }
}

/// What can stand in a text: words, which stay as they are, and whole numbers, which choose the plural.
pub trait Argument {
    /// As Fluent has it.
    fn into_value(self) -> FluentValue<'static>;
}

impl<T: Argument + Clone> Argument for &T {
    fn into_value(self) -> FluentValue<'static> {
        self.clone().into_value()
    }
}

impl Argument for &str {
    fn into_value(self) -> FluentValue<'static> {
        FluentValue::String(Cow::Owned(self.to_owned()))
    }
}

impl Argument for String {
    fn into_value(self) -> FluentValue<'static> {
        FluentValue::String(Cow::Owned(self))
    }
}

impl Argument for Text {
    fn into_value(self) -> FluentValue<'static> {
        FluentValue::String(Cow::Owned(self.to_string()))
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Argument for $number {
            fn into_value(self) -> FluentValue<'static> {
                FluentValue::from(self)
            }
        }
    )*};
}
numbers!(u8 u16 u32 u64 usize i32 i64);

#[cfg(test)]
mod tests;
