//! Imports: what is wrong is named by column, the order of lines makes no difference, and a second time changes nothing.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::BTreeMap;

use otpost_core::Timestamp;
use otpost_core::code::Digits;
use otpost_core::gate::Policy;
use otpost_core::ids::{ResourceId, TokenId, UserId};
use otpost_core::import::{
    BadHeader, Found, Header, Ids, Kind, Known, Line, Problem, conflicts, decide, turn,
};
use otpost_core::name::LoginName;
use otpost_core::resource::Resource;
use otpost_core::token::Token;
use otpost_core::user::User;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const HEADER: &str = "login,email,phone,first-name,last-name,resource,token";

fn known() -> Known {
    let resource = |n: u8, name: &str| {
        let mut resource = Resource::new(ResourceId([n; 16]), name, NOW);
        resource.region = Some("DE".parse().unwrap());
        resource
    };
    let mut shared = resource(3, "shared");
    shared.shared_phones = true;
    let mut long = resource(2, "mail");
    long.digits = Digits::try_from(8).unwrap();
    let policy = Policy {
        countries: ["DE".parse().unwrap()].into(),
        ..Policy::default()
    };
    Known::new(vec![resource(1, "vpn"), long, shared], policy)
}

fn header() -> Header {
    Header::read(HEADER.split(',')).unwrap()
}

fn line(number: u64, text: &str) -> Result<Line, Problem> {
    Line::read(&header(), number, text.split(','), &known()).map_err(|bad| bad.problem)
}

/// What is stored, as far as imports look at it.
#[derive(Debug, Clone, Default)]
struct Stored {
    users: Vec<User>,
    tokens: Vec<Token>,
    made: u8,
}

impl Stored {
    /// Imports a file; gives what became of each line.
    fn import(&mut self, file: &[&str]) -> BTreeMap<u64, Result<Kind, Problem>> {
        let known = known();
        let mut done = BTreeMap::new();
        let mut lines = Vec::new();
        for (number, text) in (2..).zip(file) {
            match line(number, text) {
                Ok(line) => lines.push(line),
                Err(problem) => {
                    done.insert(number, Err(problem));
                }
            }
        }
        let against = conflicts(&lines, &known);
        lines.sort_by_key(|line| (line.name.clone(), turn(line)));
        for line in &lines {
            let outcome = match against.get(&line.number) {
                Some(problem) => Err(problem.clone()),
                None => self.carry_out(line, &known),
            };
            done.insert(line.number, outcome);
        }
        done
    }

    fn carry_out(&mut self, line: &Line, known: &Known) -> Result<Kind, Problem> {
        let user = self
            .users
            .iter()
            .find(|u| u.name == line.name || u.aliases.contains(&line.name));
        let id = user.map(|u| u.id);
        let tokens: Vec<Token> = self
            .tokens
            .iter()
            .filter(|t| Some(t.user) == id)
            .cloned()
            .collect();
        let others = |u: &&User| Some(u.id) != id;
        let found = Found {
            user,
            tokens: &tokens,
            email_elsewhere: self
                .users
                .iter()
                .filter(others)
                .any(|u| u.email == line.email && u.email.is_some()),
            phone_elsewhere: self
                .tokens
                .iter()
                .any(|t| Some(t.user) != id && Some(&t.phone) == line.phone.as_ref()),
        };
        self.made += 1;
        let ids = Ids {
            user: UserId([self.made; 16]),
            token: TokenId([self.made; 16]),
        };
        let outcome = decide(line, &found, known, ids, NOW)?;
        if let Some(user) = outcome.user {
            self.users.retain(|own| own.id != user.id);
            self.users.push(user);
        }
        if let Some(token) = outcome.token {
            self.tokens.retain(|own| own.id != token.id);
            self.tokens.push(token);
        }
        Ok(outcome.kind)
    }

    /// Everything but ids, order and times.
    fn picture(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .users
            .iter()
            .map(|user| {
                let sorted = |ids: &[ResourceId]| {
                    let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                    ids.sort();
                    ids.join(" ")
                };
                let mut tokens: Vec<String> = self
                    .tokens
                    .iter()
                    .filter(|t| t.user == user.id)
                    .map(|t| {
                        let phone = t.phone.expose();
                        format!(
                            "{phone} {} {} {} {}",
                            t.name,
                            t.digits.get(),
                            t.verified,
                            sorted(&t.resources)
                        )
                    })
                    .collect();
                tokens.sort();
                format!(
                    "{} {:?} {:?} {:?} {} {tokens:?}",
                    user.name,
                    user.email,
                    user.profile.first_name,
                    user.profile.last_name,
                    sorted(&user.resources)
                )
            })
            .collect();
        lines.sort();
        lines
    }
}

fn problems(file: &[&str]) -> BTreeMap<u64, Problem> {
    let done = Stored::default().import(file);
    done.into_iter()
        .filter_map(|(n, done)| Some((n, done.err()?)))
        .collect()
}

#[test]
fn columns_have_our_names_or_the_vendors_in_any_order() {
    let vendor = Header::read([
        "tokenName",
        "login",
        "E-Mail",
        "phoneNumber",
        "firstName",
        "secondName",
        "resourceName",
    ]);
    let known = known();
    let line = Line::read(
        &vendor.unwrap(),
        2,
        [
            "Work",
            "Anna",
            "a@example.com",
            "0171 2345678",
            "Anna",
            "Berg",
            "VPN",
        ],
        &known,
    )
    .unwrap();
    assert_eq!(line.name, LoginName::parse("anna").unwrap());
    assert_eq!(line.phone.as_ref().unwrap().expose(), "+491712345678");
    assert_eq!(line.token.as_deref(), Some("Work"));
    assert_eq!(line.last_name.as_deref(), Some("Berg"));
    assert_eq!(line.resource, Some(ResourceId([1; 16])));
    assert_eq!(
        Header::read(["login", "shoe size"]),
        Err(BadHeader::Unknown("shoe size".to_owned()))
    );
    assert_eq!(
        Header::read(["login", "phone", "phoneNumber"]),
        Err(BadHeader::Twice("phone"))
    );
    assert_eq!(Header::read(["email"]), Err(BadHeader::NoLogin));
}

#[test]
fn each_fault_names_its_column() {
    for (text, column) in [
        (",,,,,,", "login"),
        ("an na,,,,,,", "login"),
        ("anna,no-address,,,,,", "email"),
        ("anna,,12,,,vpn,", "phone"),
        ("anna,,+33 6 12 34 56 78,,,vpn,", "phone"),
        ("anna,,030 123456,,,vpn,", "phone"),
        ("anna,,+491712345678,,,,", "phone"),
        ("anna,,,\u{7},x,,", "first-name"),
        ("anna,,,,\u{7},,", "last-name"),
        ("anna,,,,,nowhere,", "resource"),
        ("anna,,+491712345678,,,vpn,<b>", "token"),
        ("anna,,,,,vpn,Work", "token"),
    ] {
        // Control characters at the ends are blanks to `trim`, inside they are not.
        let text = text.replace('\u{7}', "a\u{7}b");
        let all = problems(&[&text]);
        let problem = all.get(&2).map(ToString::to_string).unwrap_or_default();
        assert!(problem.starts_with(&format!("{column}: ")), "{text}: {problem}");
    }
}

#[test]
fn repeated_lines_add_bindings_and_share_a_token() {
    let mut stored = Stored::default();
    let done = stored.import(&[
        "anna,a@example.com,0171 2345678,Anna,Berg,vpn,Work",
        "anna,,+491712345678,,,mail,",
        "anna,,,,,shared,",
        "bert,,,,,,",
    ]);
    let kinds: Vec<Kind> = done.into_values().map(Result::unwrap).collect();
    assert_eq!(kinds, [Kind::Add, Kind::Change, Kind::Change, Kind::Add]);
    assert_eq!(stored.tokens.len(), 1);
    let token = &stored.tokens[0];
    assert_eq!(token.resources, [ResourceId([1; 16]), ResourceId([2; 16])]);
    assert_eq!(
        (token.name.as_str(), token.digits.get(), token.verified),
        ("Work", 8, false)
    );
    let anna = stored.users.iter().find(|u| u.login == "anna").unwrap();
    assert_eq!(anna.resources.len(), 3);
    assert_eq!(anna.profile.bound.len(), 3);
}

#[test]
fn a_number_without_resource_guards_all_that_the_user_is_bound_to() {
    let mut stored = Stored::default();
    let done = stored.import(&["anna,,+491712345678,,,,", "anna,,,,,vpn,", "anna,,,,,mail,"]);
    assert!(done.values().all(Result::is_ok), "{done:?}");
    assert_eq!(stored.tokens[0].resources.len(), 2);
}

#[test]
fn lines_that_contradict_each_other_are_all_refused() {
    let all = problems(&[
        "anna,a@example.com,,,,,",
        "anna,b@example.com,,,,,",
        "anna,,,,,vpn,",
    ]);
    assert_eq!(all.len(), 2);
    assert_eq!(
        all[&2],
        Problem::Differs {
            field: "email",
            line: 3
        }
    );
    assert_eq!(
        all[&3],
        Problem::Differs {
            field: "email",
            line: 2
        }
    );

    let all = problems(&["anna,x@example.com,,,,,", "bert,X@example.com,,,,,", "cleo,,,,,,"]);
    assert_eq!(
        all[&2],
        Problem::TakenInFile {
            field: "email",
            line: 3
        }
    );
    assert_eq!(
        all[&3],
        Problem::TakenInFile {
            field: "email",
            line: 2
        }
    );

    let phones = problems(&[
        "anna,,+491712345678,,,vpn,",
        "bert,,0171-2345678,,,vpn,",
        "cleo,,+491712345678,,,shared,",
    ]);
    assert_eq!(
        phones[&2],
        Problem::TakenInFile {
            field: "phone",
            line: 3
        }
    );
    assert_eq!(
        phones[&3],
        Problem::TakenInFile {
            field: "phone",
            line: 2
        }
    );
    assert_eq!(phones.get(&4), None, "this resource lets numbers be shared");

    let two = problems(&["anna,,+491712345678,,,vpn,", "anna,,+491712345679,,,vpn,"]);
    assert_eq!(
        (&two[&2], &two[&3]),
        (&Problem::TwoPhones(3), &Problem::TwoPhones(2))
    );
}

#[test]
fn what_is_stored_already_is_named_by_field() {
    let mut stored = Stored::default();
    stored.import(&["anna,a@example.com,+491712345678,,,vpn,", "dora,,,,,vpn,"]);
    stored.users[0].aliases = vec![LoginName::parse("ann").unwrap()];
    let done = stored.import(&[
        "bert,a@example.com,,,,,",
        "cleo,,+491712345678,,,vpn,",
        "anna,,+491712345679,,,vpn,",
        "ann,,,,,,",
        "dora,,+491712345680,,,vpn,",
    ]);
    assert_eq!(done[&2], Err(Problem::Taken("email")));
    assert_eq!(done[&3], Err(Problem::Taken("phone")));
    assert_eq!(done[&4], Err(Problem::HasToken("vpn".to_owned())));
    assert_eq!(done[&5], Err(Problem::Alias("anna".to_owned())));
    assert_eq!(done[&6], Ok(Kind::Change));
    // Cells that an export keeps from being formulas mean the same.
    assert_eq!(
        stored.import(&["dora,,'+491712345680,,,vpn,"])[&2],
        Ok(Kind::Same)
    );
}

fn file() -> impl Strategy<Value = Vec<String>> {
    let pick = |all: &'static [&'static str]| prop::sample::select(all);
    let line = (
        pick(&["anna", "bert", "cleo", "CORP\\Anna", "", "x y"]),
        pick(&["", "", "", "a@example.com", "b@example.com", "bad"]),
        pick(&["", "+491712345678", "0171 2345679", "+491712345680", "12"]),
        pick(&["", "", "Ann", "Bea"]),
        pick(&["", "vpn", "mail", "shared", "vpn", "mail", "nowhere"]),
        pick(&["", "", "Work", "Home"]),
    );
    let line = line.prop_map(|(login, email, phone, first, resource, token)| {
        format!("{login},{email},{phone},{first},,{resource},{token}")
    });
    prop::collection::vec(line, 1..8)
}

fn shuffled() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    file().prop_flat_map(|file| {
        let other = Just(file.clone()).prop_shuffle();
        (Just(file), other)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_second_time_changes_nothing(file in file()) {
        let lines: Vec<&str> = file.iter().map(String::as_str).collect();
        let mut stored = Stored::default();
        let first = stored.import(&lines);
        let picture = stored.picture();
        let second = stored.import(&lines);
        prop_assert_eq!(stored.picture(), picture);
        for (number, done) in second {
            match done {
                Ok(kind) => prop_assert_eq!(kind, Kind::Same, "line {}", number),
                // What was bad stays bad; nothing becomes so.
                Err(_) => prop_assert!(first[&number].is_err(), "line {}", number),
            }
        }
    }

    #[test]
    fn the_order_of_lines_makes_no_difference((one, other) in shuffled()) {
        let import = |file: &[String]| {
            let lines: Vec<&str> = file.iter().map(String::as_str).collect();
            let mut stored = Stored::default();
            let done = stored.import(&lines);
            let mut bad: Vec<String> = lines
                .iter()
                .zip(2u64..)
                .filter(|(_, number)| done[number].is_err())
                .map(|(line, _)| (*line).to_owned())
                .collect();
            bad.sort();
            (stored.picture(), bad)
        };
        prop_assert_eq!(import(&one), import(&other));
    }
}
