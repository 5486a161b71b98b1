//! Where somebody is in a long list, by the address of the page: how many rows a page has, where it begins, and the way there.
//!
//! The daemon gives pages forward only: each answer names where the next one begins. The way back is in the address, so that it
//! outlives a reload, a bookmark and a new sign-in, and needs no script.

use super::{desk::Desk, words::path};
use crate::{i18n::Texts, ui::Pager};

/// Rows of a page to choose from.
pub(super) const SIZES: &[u32] = &[5, 10, 15, 20, 25, 50];
/// Rows of a page where nothing was chosen.
const USUAL: u32 = 50;
/// Octets of the way back that an address carries. Whoever goes on longer gets back to the first page, and not so far step by step.
const TRAIL: usize = 1500;

/// What the address of a list says.
#[derive(Debug, Clone)]
pub(super) struct Paging {
    texts: Texts,
    base: String,
    filters: Vec<(&'static str, String)>,
    /// Parameter that says where a page begins.
    name: &'static str,
    size: u32,
    /// Where this page begins; `None`: the first.
    begin: Option<String>,
    /// Number of this page, where the way to it is known.
    number: Option<u32>,
    /// Where the pages before this one begin, without the first.
    trail: Vec<String>,
}

impl Paging {
    /// Of the list at `base`; `filters` stay on every page of it, and `name` is the parameter that says where a page begins.
    pub(super) fn new(desk: &Desk, base: &str, filters: &[&'static str], name: &'static str) -> Self {
        let begin = desk.given(name);
        let number = desk.query("page").parse().ok();
        Self {
            texts: desk.ctx.texts(),
            base: base.to_owned(),
            filters: filters
                .iter()
                .map(|filter| (*filter, desk.query(filter).to_owned()))
                .collect(),
            name,
            size: size(desk),
            number: begin.as_ref().map_or(Some(1), |_| number),
            trail: begin.as_ref().map_or_else(Vec::new, |_| desk.all("back")),
            begin,
        }
    }

    /// Where this page begins.
    pub(super) fn begin(&self) -> Option<String> {
        self.begin.clone()
    }

    /// At most so many rows.
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    fn kept(&self) -> Vec<(&'static str, &str)> {
        self.filters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    /// Address of the page that begins there.
    fn address(&self, begin: Option<&str>, number: Option<u32>, trail: &[String]) -> String {
        let mut all = self.kept();
        let size = self.size.to_string();
        if self.size != USUAL {
            all.push(("size", &size));
        }
        let Some(begin) = begin else {
            return path(&self.base, &all);
        };
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        all.push((self.name, begin));
        all.push(("page", &number));
        let mut room = TRAIL;
        let fits = |begin: &&String| {
            let octets = begin.len();
            let fits = octets <= room;
            room = if fits { room - octets } else { 0 };
            fits
        };
        let mut last: Vec<&String> = trail.iter().rev().take_while(fits).collect();
        last.reverse();
        all.extend(last.into_iter().map(|begin| ("back", begin.as_str())));
        path(&self.base, &all)
    }

    /// The same list from its first page, with `rest` in its address in place of its filters.
    pub(super) fn with(&self, rest: &[(&str, &str)]) -> String {
        let size = self.size.to_string();
        let mut all = rest.to_vec();
        if self.size != USUAL {
            all.push(("size", &size));
        }
        path(&self.base, &all)
    }

    /// The ways on: `next` is where the next page begins, `rows` how many this one has, and `note` is said beside them.
    pub(super) fn pager(&self, next: Option<&str>, rows: usize, note: &str) -> Pager {
        let first = match self.begin {
            Some(_) => self.address(None, None, &[]),
            None => String::new(),
        };
        let before = self.number.map(|number| number.saturating_sub(1));
        let previous = match self.trail.split_last() {
            Some((begin, earlier)) => self.address(Some(begin), before, earlier),
            None if before == Some(1) => first.clone(),
            // How far it is to there is not known any more.
            None => String::new(),
        };
        let next = next.map_or_else(String::new, |next| {
            let trail: Vec<String> = self.trail.iter().chain(&self.begin).cloned().collect();
            self.address(
                Some(next),
                self.number.map(|number| number.saturating_add(1)),
                &trail,
            )
        });
        let turns = !first.is_empty() || !next.is_empty();
        let number = self.number.filter(|_| turns);
        let number = number.map(|number| self.texts.get("page-number").arg("page", number).to_string());
        let words = [number.unwrap_or_default(), note.to_owned()];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let t = |key: &str| self.texts.get(key);
        Pager {
            text: words.join(", "),
            // One page has no ways.
            steps: if turns {
                vec![
                    (t("page-first"), first, "first"),
                    (t("page-back"), previous, "prev"),
                    (t("page-next"), next, "next"),
                ]
            } else {
                Vec::new()
            },
            shown: turns || more_than_least(rows),
            ..self.sized()
        }
    }

    fn sized(&self) -> Pager {
        let kept = self.kept().into_iter().filter(|(_, value)| !value.is_empty());
        Pager {
            text: String::new(),
            steps: Vec::new(),
            sizes: SIZES,
            size: self.size,
            chosen: self.size != USUAL,
            base: self.base.clone(),
            kept: kept.map(|(name, value)| (name, value.to_owned())).collect(),
            shown: false,
        }
    }

    /// The rows of this page of a list that is here as a whole, and the ways to the others.
    pub(super) fn whole<T>(&self, desk: &Desk, rows: Vec<T>) -> (Vec<T>, Pager) {
        let count = rows.len();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX).max(1);
        let pages = count.div_ceil(size).max(1);
        let number = desk.query("page").parse().unwrap_or(1).clamp(1, pages);
        let rows: Vec<T> = rows.into_iter().skip((number - 1) * size).take(size).collect();
        let size = self.size.to_string();
        let to = |page: usize| {
            if page == number || !(1..=pages).contains(&page) {
                return String::new();
            }
            let mut all = self.kept();
            if self.size != USUAL {
                all.push(("size", &size));
            }
            let page = if page == 1 {
                String::new()
            } else {
                page.to_string()
            };
            all.push(("page", &page));
            path(&self.base, &all)
        };
        let t = |key: &str| self.texts.get(key);
        let text = t("page-of").arg("page", number).arg("pages", pages);
        let pager = Pager {
            text: if pages > 1 {
                text.to_string()
            } else {
                String::new()
            },
            steps: if pages > 1 {
                vec![
                    (t("page-first"), to(1), "first"),
                    (t("page-back"), to(number - 1), "prev"),
                    (t("page-next"), to(number + 1), "next"),
                    (t("page-last"), to(pages), "last"),
                ]
            } else {
                Vec::new()
            },
            shown: pages > 1 || more_than_least(count),
            ..self.sized()
        };
        (rows, pager)
    }
}

/// Whether pages could be shorter.
fn more_than_least(rows: usize) -> bool {
    SIZES
        .first()
        .is_some_and(|least| usize::try_from(*least).is_ok_and(|least| rows > least))
}

/// Rows of a page, by the address.
fn size(desk: &Desk) -> u32 {
    let wanted = desk.query("size").parse().unwrap_or(USUAL);
    if SIZES.contains(&wanted) { wanted } else { USUAL }
}
