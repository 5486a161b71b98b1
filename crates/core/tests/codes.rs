//! Codes: uniform, pinned to the formula, and compared as a person types them.

#![allow(clippy::indexing_slicing, reason = "tests")]

use std::thread;

use otpost_core::code::{Code, CodeOf, Digits, Purpose, derive};
use otpost_core::ids::{ChallengeId, TokenId};
use otpost_core::keys::{Keyring, MasterKey};

const SAMPLE: u64 = 1_000_000;
const BUCKETS: usize = 1000;
/// Chi-square, upper 0.1 %: 9 degrees of freedom (one position), 999 degrees (buckets of the value).
const CRITICAL_9: f64 = 27.877;
const CRITICAL_999: f64 = 1142.85;

fn keys() -> Keyring {
    let mut octets = [0; 32];
    for (octet, value) in octets.iter_mut().zip(0u8..) {
        *octet = value;
    }
    Keyring::derive(&MasterKey::new(octets))
}

fn digits(n: u8) -> Digits {
    Digits::try_from(n).unwrap_or(Digits::SIX)
}

fn of(challenge: [u8; 16], token: [u8; 16], generation: u32, n: u8) -> CodeOf {
    CodeOf {
        challenge: ChallengeId(challenge),
        token: TokenId(token),
        purpose: Purpose::Login,
        generation,
        digits: digits(n),
    }
}

fn counting(from: u8) -> [u8; 16] {
    let mut octets = [0; 16];
    for (octet, value) in octets.iter_mut().zip(from..) {
        *octet = value;
    }
    octets
}

/// What a million codes look like.
struct Sample {
    positions: Vec<[u64; 10]>,
    buckets: Vec<u64>,
    leading_zero: u64,
}

impl Sample {
    fn empty(n: u8) -> Self {
        Self {
            positions: vec![[0; 10]; usize::from(n)],
            buckets: vec![0; BUCKETS],
            leading_zero: 0,
        }
    }

    /// Challenge ids are random in life; consecutive ones must do as well, because HMAC mixes them.
    fn draw(n: u8, range: std::ops::Range<u64>) -> Self {
        let keys = keys();
        let mut sample = Self::empty(n);
        let token = counting(16);
        let span = 10u64.pow(u32::from(n));
        for index in range {
            let mut challenge = [0; 16];
            challenge[8..].copy_from_slice(&index.to_be_bytes());
            let code = derive(&keys, &of(challenge, token, 0, n));
            let text = code.expose().as_bytes();
            assert_eq!(text.len(), usize::from(n));
            let mut value = 0u64;
            for (position, octet) in sample.positions.iter_mut().zip(text) {
                assert!(octet.is_ascii_digit());
                let digit = usize::from(octet - b'0');
                position[digit] += 1;
                value = value * 10 + u64::from(octet - b'0');
            }
            let bucket = usize::try_from(value * 1000 / span).unwrap_or(BUCKETS);
            sample.buckets[bucket] += 1;
            sample.leading_zero += u64::from(text.first() == Some(&b'0'));
        }
        sample
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.positions.iter_mut().zip(&other.positions) {
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a += b;
            }
        }
        for (a, b) in self.buckets.iter_mut().zip(&other.buckets) {
            *a += b;
        }
        self.leading_zero += other.leading_zero;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn chi_square(observed: &[u64]) -> f64 {
    let total: u64 = observed.iter().sum();
    let expected = total as f64 / observed.len() as f64;
    observed
        .iter()
        .map(|count| {
            let off = *count as f64 - expected;
            off * off / expected
        })
        .sum()
}

/// Key and ids are fixed, so the result is the same in every run.
fn uniform(n: u8) {
    let half = SAMPLE / 2;
    let other = thread::spawn(move || Sample::draw(n, half..SAMPLE));
    let mut sample = Sample::draw(n, 0..half);
    sample.add(&other.join().unwrap_or_else(|_| Sample::empty(n)));
    assert_eq!(sample.buckets.iter().sum::<u64>(), SAMPLE);
    for (position, counts) in sample.positions.iter().enumerate() {
        let chi = chi_square(counts);
        assert!(
            chi < CRITICAL_9,
            "{n} digits, position {position}: chi-square {chi}"
        );
    }
    let chi = chi_square(&sample.buckets);
    assert!(chi < CRITICAL_999, "{n} digits, value: chi-square {chi}");
    // A tenth of all codes begins with zero: 100,000 with a standard deviation of 300.
    assert!(
        (98_500..101_500).contains(&sample.leading_zero),
        "{}",
        sample.leading_zero
    );
}

#[test]
fn a_million_codes_of_six_digits_are_uniform() {
    uniform(6);
}

#[test]
fn a_million_codes_of_seven_digits_are_uniform() {
    uniform(7);
}

#[test]
fn a_million_codes_of_eight_digits_are_uniform() {
    uniform(8);
}

/// The test above must be able to fail.
#[test]
fn the_statistic_sees_a_skewed_digit() {
    let mut skewed = [100_000u64; 10];
    skewed[0] += 2_000;
    skewed[9] -= 2_000;
    assert!(chi_square(&skewed) > CRITICAL_9);
}

/// Computed with Python's hmac and hashlib alone: HKDF-Expand(HMAC(32 zero octets, master), "otpost/code-key/1"), then
/// HMAC-SHA-256 of "otpost/code/1", challenge, token, "login", generation as u32, each behind its length as u64, all big
/// endian; the first 8 octets as a number modulo 10^digits.
#[test]
fn known_answers() {
    type Parts = ([u8; 16], [u8; 16], u32);
    let counted = keys();
    let full = Keyring::derive(&MasterKey::new([0xff; 32]));
    assert_eq!(counted.id(), 0x2fdc_44f9);
    assert_eq!(full.id(), 0xe848_3f2f);
    let (zero, a, b) = ([0; 16], counting(0), counting(16));
    let last = ([0xff; 16], [0xab; 16], u32::MAX);
    let vectors: [(&Keyring, Parts, [&str; 3]); 8] = [
        (&counted, (zero, zero, 0), ["336457", "1336457", "41336457"]),
        (&counted, (a, b, 0), ["086234", "9086234", "19086234"]),
        (&counted, (a, b, 1), ["532838", "3532838", "53532838"]),
        (&counted, last, ["891219", "2891219", "02891219"]),
        (&full, (zero, zero, 0), ["172563", "6172563", "96172563"]),
        (&full, (a, b, 0), ["250232", "0250232", "20250232"]),
        (&full, (a, b, 1), ["454609", "9454609", "29454609"]),
        (&full, last, ["565860", "2565860", "62565860"]),
    ];
    for (keys, (challenge, token, generation), expected) in vectors {
        for (n, expected) in (6u8..).zip(expected) {
            let code = derive(keys, &of(challenge, token, generation, n));
            assert_eq!(
                code.expose(),
                expected,
                "{challenge:?} {token:?} {generation} {n}"
            );
        }
    }
    // Challenge 893 of the same key has three zeros in front.
    let mut challenge = [0; 16];
    challenge[14..].copy_from_slice(&893u16.to_be_bytes());
    assert_eq!(derive(&counted, &of(challenge, zero, 0, 8)).expose(), "00064926");
}

/// From the same script: the other working keys.
#[test]
fn known_answers_of_the_other_keys() {
    let hex = |octets: &[u8]| data_encoding_lower(octets);
    assert_eq!(
        hex(&keys().index("phone", b"+491712345678")),
        "597bc6f78a0b370a6f91da586b544cd74376b8b6bd690e85bd9e0abdd47b997e"
    );
    assert_eq!(
        keys().attempt("radius", b"packet").to_string(),
        "b368973e691ea81d2e899acc82ede7cd"
    );
    assert_eq!(
        hex(&keys().password_tag(&[0; 16], "secret")),
        "d921dd5ef5e5cc1697e5f9633d3d0a61e85fbf5f0cd0d44a2fb9c0e959c22eac"
    );
}

fn data_encoding_lower(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn same_parts_same_digits_and_each_part_changes_them() {
    let keys = keys();
    let base = of(counting(0), counting(16), 0, 8);
    let code = derive(&keys, &base);
    assert_eq!(code.expose(), derive(&self::keys(), &base).expose());
    let others = [
        CodeOf {
            challenge: ChallengeId(counting(1)),
            ..base
        },
        CodeOf {
            token: TokenId(counting(17)),
            ..base
        },
        CodeOf {
            generation: 1,
            ..base
        },
        CodeOf {
            generation: 1 << 24,
            ..base
        },
        // Parts are prefixed with their length, so swapping ids is another input.
        CodeOf {
            challenge: ChallengeId(counting(16)),
            token: TokenId(counting(0)),
            ..base
        },
    ];
    let mut seen = vec![code.expose().to_owned()];
    for other in &others {
        let other = derive(&keys, other);
        assert!(!seen.iter().any(|code| code == other.expose()));
        seen.push(other.expose().to_owned());
    }
    let master = MasterKey::new([1; 32]);
    assert_ne!(code.expose(), derive(&Keyring::derive(&master), &base).expose());
    // A shorter code is the end of the longer one, never a free choice of another.
    assert!(
        code.expose()
            .ends_with(derive(&keys, &of(counting(0), counting(16), 0, 6)).expose())
    );
}

fn sample() -> Code {
    derive(&keys(), &of(counting(0), counting(16), 0, 6))
}

#[test]
fn blanks_and_hyphens_do_not_count() {
    let code = sample();
    assert_eq!(code.expose(), "086234");
    for typed in [
        "086234",
        " 086234",
        "086234\n",
        "086 234",
        "086-234",
        "0 8 6 2 3 4",
        "08-62-34",
        "\t086234\r\n",
        "- 086234 -",
        "\u{a0}086234\u{a0}",
    ] {
        assert!(code.matches(typed), "{typed:?}");
    }
}

#[test]
fn everything_else_is_wrong() {
    let code = sample();
    for typed in [
        "",
        " ",
        "-",
        "86234",
        "0862345",
        "00086234",
        "086235",
        "186234",
        "08623",
        "+86234",
        "086234.",
        "0x86234",
        "086_234",
        "086\u{2013}234",
        "086\u{a0}234",
        "086\t234",
        "086\u{0}234",
        "086234\0",
        // Arabic-Indic, full-width, Devanagari and mathematical digits of the same value.
        "٠٨٦٢٣٤",
        "０８６２３４",
        "०८६२३४",
        "𝟎𝟖𝟔𝟐𝟑𝟒",
        // As many octets as the code, but not its digits.
        "٠٨٦",
        "０８",
    ] {
        assert!(!code.matches(typed), "{typed:?}");
    }
    let long = "086234 ".repeat(10_000);
    assert!(!code.matches(&long));
}

#[test]
fn only_six_to_eight_digits_can_be_asked_for() {
    for n in 0..=u8::MAX {
        assert_eq!(Digits::try_from(n).is_ok(), (6..=8).contains(&n), "{n}");
    }
}

#[test]
fn a_code_does_not_print() {
    assert_eq!(format!("{:?}", sample()), "Code(..)");
    assert!(!format!("{:?}", keys()).contains("5bb5"));
    assert_eq!(format!("{:?}", MasterKey::new([7; 32])), "MasterKey(..)");
}
