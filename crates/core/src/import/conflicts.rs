//! Lines that contradict each other.

use std::collections::BTreeMap;

use super::{Column, Known, Line, Problem};
use crate::name::LoginName;
use crate::resource::key;

/// Which lines hold a value: the first line of each value.
type Values<'a> = BTreeMap<String, (u64, &'a LoginName)>;

/// Lines that contradict others of the file, by number. Of a contradiction every line is refused.
#[must_use]
pub fn conflicts(lines: &[Line], known: &Known) -> BTreeMap<u64, Problem> {
    let mut found = BTreeMap::new();
    let mut put = |number: u64, problem: Problem| {
        found.entry(number).or_insert(problem);
    };
    for (field, value) in [
        (
            Column::Email,
            (|line: &Line| line.email.as_deref().map(key)) as fn(&Line) -> Option<String>,
        ),
        (Column::FirstName, |line| line.first_name.clone()),
        (Column::LastName, |line| line.last_name.clone()),
    ] {
        let of = |line: &Line| Some((line.name.to_string(), value(line)?));
        differing(lines, of, |number, line| {
            put(
                number,
                Problem::Differs {
                    field: field.as_str(),
                    line,
                },
            );
        });
    }
    let token = |line: &Line| {
        let phone = line.phone.as_ref()?.expose();
        Some((format!("{} {phone}", line.name), line.token.clone()?))
    };
    differing(lines, token, |number, line| {
        let field = Column::Token.as_str();
        put(number, Problem::Differs { field, line });
    });
    let phone = |line: &Line| {
        let phone = line.phone.as_ref()?.expose().to_owned();
        let resource = line.resource.map_or_else(String::new, |id| id.to_string());
        Some((format!("{} {resource}", line.name), phone))
    };
    differing(lines, phone, |number, line| put(number, Problem::TwoPhones(line)));
    taken(
        lines,
        |line| line.email.as_deref().map(key),
        |line, other| {
            let field = Column::Email.as_str();
            put(line.number, Problem::TakenInFile { field, line: other });
        },
    );
    let number = |line: &Line| line.phone.as_ref().map(|phone| phone.expose().to_owned());
    taken(lines, number, |line, other| {
        let shared = line.resource.is_some_and(|id| known.shared(&[id]));
        if !shared {
            let field = Column::Phone.as_str();
            put(line.number, Problem::TakenInFile { field, line: other });
        }
    });
    found
}

/// Calls `put` for each line whose subject has different values in the file, with a line that has another.
fn differing(lines: &[Line], of: impl Fn(&Line) -> Option<(String, String)>, mut put: impl FnMut(u64, u64)) {
    let mut seen: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines {
        if let Some((subject, value)) = of(line) {
            let first = seen
                .entry(subject)
                .or_default()
                .entry(value)
                .or_insert(line.number);
            *first = (*first).min(line.number);
        }
    }
    for line in lines {
        let Some((subject, value)) = of(line) else {
            continue;
        };
        let others = seen.get(&subject).into_iter().flatten();
        if let Some(other) = others
            .filter(|(own, _)| **own != value)
            .map(|(_, line)| *line)
            .min()
        {
            put(line.number, other);
        }
    }
}

/// Calls `put` for each line whose value another user has in the file, with the first line of such a user.
fn taken<'a>(lines: &'a [Line], of: impl Fn(&Line) -> Option<String>, mut put: impl FnMut(&'a Line, u64)) {
    // The first line of the first user, and the first line of any other.
    let mut first: Values<'_> = BTreeMap::new();
    let mut second: Values<'_> = BTreeMap::new();
    for line in lines {
        let Some(value) = of(line) else { continue };
        match first.get(&value) {
            None => {
                first.insert(value, (line.number, &line.name));
            }
            Some((_, name)) if **name != line.name => {
                second.entry(value).or_insert((line.number, &line.name));
            }
            Some(_) => {}
        }
    }
    for line in lines {
        let Some(value) = of(line) else { continue };
        let (Some((one, name)), Some((two, _))) = (first.get(&value), second.get(&value)) else {
            continue;
        };
        put(line, if **name == line.name { *two } else { *one });
    }
}
