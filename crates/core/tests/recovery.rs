//! Recovery codes: how they look, how they are typed, that each is good once.

use std::collections::{BTreeMap, BTreeSet};

use otpost_core::recovery::{COUNT, Set, Stored, generate, parse};
use otpost_core::{Rng, Timestamp};
use proptest::prelude::*;

const ALPHABET: &str = "23456789bcdfghjkmnpqrstvwxyz";
/// Chi-square, upper 0.1 %, 27 degrees of freedom.
const CRITICAL_27: f64 = 55.476;

/// SplitMix64, octet by octet.
struct Dice(u64);

impl Rng for Dice {
    fn fill(&mut self, out: &mut [u8]) {
        for octet in out {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *octet = (z ^ (z >> 31)).to_be_bytes()[0];
        }
    }
}

/// Gives the octets of a list, then zeros.
struct Script(Vec<u8>);

impl Rng for Script {
    fn fill(&mut self, out: &mut [u8]) {
        for octet in out {
            *octet = if self.0.is_empty() { 0 } else { self.0.remove(0) };
        }
    }
}

fn set(rng: &mut dyn Rng) -> (Set, Vec<String>) {
    let codes = generate(rng);
    let plain = codes.iter().map(|code| code.expose().to_string()).collect();
    let set = Set {
        codes: codes
            .iter()
            .map(|code| Stored {
                index: code.index(),
                hash: format!("hash of {}", code.secret()),
                used: None,
            })
            .collect(),
        created: Timestamp(1),
    };
    (set, plain)
}

#[test]
fn ten_codes_of_the_agreed_look() {
    for code in generate(&mut Dice(1)) {
        let shown = code.expose();
        let parts: Vec<&str> = shown.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 4, 4]);
        assert!(
            shown.chars().all(|c| c == '-' || ALPHABET.contains(c)),
            "{}",
            *shown
        );
        assert_eq!(format!("{}{}", parts[1], parts[2]), code.secret());
        assert_eq!(parts[0], code.index().to_string());
    }
    assert_eq!(generate(&mut Dice(1)).len(), COUNT);
}

#[test]
fn public_parts_differ_whatever_the_rng_gives() {
    for octet in [0, 27, 251] {
        let indexes: BTreeSet<_> = generate(&mut Script(vec![octet; 1000]))
            .iter()
            .map(|code| code.index())
            .collect();
        assert_eq!(indexes.len(), COUNT, "{octet}");
    }
}

#[test]
fn octets_that_would_favour_some_letters_are_drawn_again() {
    // 252 to 255 are left out: the first letter comes from 0, the second from 27, the third from 28.
    let mut rng = Script(vec![252, 255, 0, 253, 27, 254, 28]);
    let first = generate(&mut rng).remove(0);
    assert_eq!(first.expose().as_str(), "2z-2222-2222");
}

#[test]
fn each_letter_is_as_likely_as_the_others() {
    let mut counts: BTreeMap<(usize, char), u32> = BTreeMap::new();
    let sets: u32 = 2000;
    let mut dice = Dice(7);
    for _ in 0..sets {
        for code in generate(&mut dice) {
            for (position, letter) in code.secret().chars().enumerate() {
                *counts.entry((position, letter)).or_default() += 1;
            }
        }
    }
    let expected = f64::from(sets * 10) / 28.0;
    for position in 0..8 {
        let chi: f64 = ALPHABET
            .chars()
            .map(|letter| {
                let count = f64::from(counts.get(&(position, letter)).copied().unwrap_or_default());
                (count - expected).powi(2) / expected
            })
            .sum();
        assert!(chi < CRITICAL_27, "position {position}: {chi}");
    }
}

#[test]
fn a_code_is_read_as_people_type_it() {
    let (index, secret) = parse("7f-kx3m-pq9t").unwrap();
    assert_eq!((index.to_string().as_str(), secret.as_str()), ("7f", "kx3mpq9t"));
    for typed in [
        "7fkx3mpq9t",
        "7F-KX3M-PQ9T",
        " 7f kx3m pq9t ",
        "7f - kx3m - pq9t\n",
        "7f–kx3m—pq9t",
        "7f\u{2011}kx3m\u{a0}pq9t",
        "7 f k x 3 m p q 9 t",
    ] {
        assert_eq!(parse(typed).unwrap(), (index, secret.clone()), "{typed:?}");
    }
}

#[test]
fn what_cannot_be_a_code_is_none() {
    for typed in [
        "",
        "-",
        "7f",
        "7f-kx3m-pq9",
        "7f-kx3m-pq9tt",
        "123456",
        "7f_kx3m_pq9t",
        // Look-alikes stand for nothing: which letter was meant is a guess.
        "0f-kx3m-pq9t",
        "of-kx3m-pq9t",
        "1f-kx3m-pq9t",
        "lf-kx3m-pq9t",
        "if-kx3m-pq9t",
        "7f-kx3m-pq9o",
        "7f-kx3m-pq9u",
        "７f-kx3m-pq9t",
        "7f-\u{212a}x3m-pq9t", // the Kelvin sign, which folds to k
    ] {
        assert_eq!(parse(typed), None, "{typed:?}");
    }
    assert_eq!(parse(&"k".repeat(1_000_000)), None);
}

#[test]
fn a_code_is_good_once() {
    let (mut set, plain) = set(&mut Dice(3));
    let (index, secret) = parse(&plain[4]).unwrap();
    assert_eq!(set.find(index).unwrap().hash, format!("hash of {}", *secret));
    assert_eq!(set.left(), 10);
    assert!(set.use_up(index, Timestamp(50)));
    assert_eq!(set.left(), 9);
    assert_eq!(set.find(index), None);
    assert!(!set.use_up(index, Timestamp(60)));
    assert_eq!(set.codes[4].used, Some(Timestamp(50)));
    // The others are as good as before.
    for other in plain.iter().filter(|other| **other != plain[4]) {
        assert!(set.find(parse(other).unwrap().0).is_some());
    }
}

#[test]
fn an_unknown_code_is_not_used_up() {
    let (mut set, plain) = set(&mut Dice(3));
    let taken: BTreeSet<String> = plain.iter().map(|code| code[..2].to_owned()).collect();
    let free = ["22", "33", "44", "55", "66", "77", "88", "99", "bb", "cc", "dd"]
        .into_iter()
        .find(|index| !taken.contains(*index))
        .unwrap();
    let (index, _) = parse(&format!("{free}-kx3m-pq9t")).unwrap();
    assert_eq!(set.find(index), None);
    assert!(!set.use_up(index, Timestamp(1)));
    assert_eq!(set.left(), 10);
}

#[test]
fn neither_codes_nor_hashes_print() {
    let codes = generate(&mut Dice(9));
    let shown = format!("{codes:?}");
    let (set, plain) = set(&mut Dice(9));
    let kept = format!("{set:?}");
    for code in &plain {
        let secret = parse(code).unwrap().1;
        assert!(!shown.contains(secret.as_str()) && !shown.contains(code));
        assert!(!kept.contains(secret.as_str()) && !kept.contains("hash of"));
    }
}

#[test]
fn a_set_is_kept_and_read_back() {
    let (mut set, plain) = set(&mut Dice(5));
    assert!(set.use_up(parse(&plain[0]).unwrap().0, Timestamp(9)));
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<Set>(&text).unwrap(), set);
    assert!(text.contains(&format!(r#""index":"{}""#, &plain[0][..2])));
    assert!(text.contains(r#""used":9"#));
    let bad = r#"{"codes":[{"index":"0o","hash":""}],"created":1}"#;
    assert!(serde_json::from_str::<Set>(bad).is_err());
}

proptest! {
    #[test]
    fn every_code_is_read_back(seed in any::<u64>(), upper in any::<bool>()) {
        for code in generate(&mut Dice(seed)) {
            let shown = code.expose();
            let typed = if upper { shown.to_uppercase() } else { shown.replace('-', " ") };
            let (index, secret) = parse(&typed).unwrap();
            prop_assert_eq!(index, code.index());
            prop_assert_eq!(secret.as_str(), code.secret());
        }
    }

    #[test]
    fn parsing_never_panics(typed in any::<String>()) {
        if let Some((_, secret)) = parse(&typed) {
            prop_assert_eq!(secret.len(), 8);
        }
    }
}
