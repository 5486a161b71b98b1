//! Codes of authenticator apps: the vectors of the RFCs, the window, one use, and the URI.

#![expect(clippy::unwrap_used, reason = "test")]

use otpost_core::totp::{Algorithm, Digits, Drift, Params, Secret, Step, code, uri, verify};
use otpost_core::{Rng, Timestamp};
use proptest::prelude::*;

/// The rng of tests: counts.
struct Counting(u8);

impl Rng for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for octet in out {
            *octet = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

const SHA1_SEED: &[u8] = b"12345678901234567890";
const SHA256_SEED: &[u8] = b"12345678901234567890123456789012";

fn secret(octets: &[u8]) -> Secret {
    Secret::from_octets(octets).unwrap()
}

fn params(algorithm: Algorithm, digits: u8, drift: u8) -> Params {
    Params {
        algorithm,
        digits: Digits::try_from(digits).unwrap(),
        drift: Drift::try_from(drift).unwrap(),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1000)
}

#[test]
fn rfc_6238_appendix_b() {
    const TABLE: [(u64, &str, &str); 6] = [
        (59, "94287082", "46119246"),
        (1_111_111_109, "07081804", "68084774"),
        (1_111_111_111, "14050471", "67062674"),
        (1_234_567_890, "89005924", "91819424"),
        (2_000_000_000, "69279037", "90698825"),
        (20_000_000_000, "65353130", "77737706"),
    ];
    for (time, sha1, sha256) in TABLE {
        for (algorithm, seed, expected) in [
            (Algorithm::Sha1, SHA1_SEED, sha1),
            (Algorithm::Sha256, SHA256_SEED, sha256),
        ] {
            let params = params(algorithm, 8, 0);
            let step = Step::of(at(time));
            assert_eq!(
                code(&secret(seed), &params, step).as_str(),
                expected,
                "{algorithm:?} at {time}"
            );
            assert_eq!(
                verify(&secret(seed), &params, expected, at(time), None),
                Some(step)
            );
        }
    }
}

#[test]
fn rfc_4226_appendix_d() {
    const CODES: [&str; 10] = [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
    ];
    for (counter, expected) in (0..).zip(CODES) {
        let code = code(&secret(SHA1_SEED), &Params::default(), Step(counter));
        assert_eq!(code.as_str(), expected, "counter {counter}");
    }
}

#[test]
fn defaults_are_what_every_app_supports() {
    assert_eq!(Params::default(), params(Algorithm::Sha1, 6, 1));
}

#[test]
fn a_step_begins_every_thirty_seconds() {
    assert_eq!(Step::of(Timestamp(0)), Step(0));
    assert_eq!(Step::of(Timestamp(29_999)), Step(0));
    assert_eq!(Step::of(Timestamp(30_000)), Step(1));
}

#[test]
fn the_window_is_as_wide_as_the_drift() {
    let secret = secret(SHA1_SEED);
    let now = at(3_000_000);
    let Step(here) = Step::of(now);
    for drift in 0..=2u8 {
        let params = params(Algorithm::Sha1, 6, drift);
        for offset in -4i64..=4 {
            let step = Step(here.checked_add_signed(offset).unwrap());
            let typed = code(&secret, &params, step);
            let expected = (offset.unsigned_abs() <= u64::from(drift)).then_some(step);
            assert_eq!(
                verify(&secret, &params, &typed, now, None),
                expected,
                "{drift} {offset}"
            );
        }
    }
}

#[test]
fn the_window_does_not_reach_before_1970() {
    let secret = secret(SHA1_SEED);
    let params = params(Algorithm::Sha1, 6, 2);
    assert_eq!(verify(&secret, &params, "755224", at(0), None), Some(Step(0)));
    assert_eq!(verify(&secret, &params, "359152", at(0), None), Some(Step(2)));
    assert_eq!(verify(&secret, &params, "000000", at(0), None), None);
}

#[test]
fn a_used_step_and_all_before_it_are_spent() {
    let secret = secret(SHA1_SEED);
    let params = params(Algorithm::Sha1, 6, 2);
    let now = at(3_000_000);
    let Step(here) = Step::of(now);
    // A phone that is one step ahead signs in; then neither that code nor the present one is good.
    let ahead = code(&secret, &params, Step(here + 1));
    let used = verify(&secret, &params, &ahead, now, Some(Step(here - 5))).unwrap();
    assert_eq!(used, Step(here + 1));
    for spent in [here - 2, here - 1, here, here + 1] {
        let typed = code(&secret, &params, Step(spent));
        assert_eq!(verify(&secret, &params, &typed, now, Some(used)), None, "{spent}");
    }
    let next = code(&secret, &params, Step(here + 2));
    assert_eq!(
        verify(&secret, &params, &next, now, Some(used)),
        Some(Step(here + 2))
    );
}

/// Steps 910737 and 910738 share the code 911617: both match, the nearer counts.
#[test]
fn the_nearest_of_two_steps_with_one_code_counts() {
    let params = params(Algorithm::Sha1, 6, 1);
    let secret = secret(SHA1_SEED);
    let twin = 910_738;
    assert_eq!(
        *code(&secret, &params, Step(twin)),
        *code(&secret, &params, Step(twin - 1))
    );
    let typed = code(&secret, &params, Step(twin));
    let now = at(twin * 30);
    assert_eq!(verify(&secret, &params, &typed, now, None), Some(Step(twin)));
    // Seen from the earlier step, that one is nearer.
    let earlier = at((twin - 1) * 30);
    assert_eq!(
        verify(&secret, &params, &typed, earlier, None),
        Some(Step(twin - 1))
    );
    // Once that is spent, its twin is not.
    assert_eq!(
        verify(&secret, &params, &typed, earlier, Some(Step(twin - 1))),
        Some(Step(twin))
    );
}

#[test]
fn blanks_and_hyphens_do_not_count_and_nothing_else_is_left_out() {
    let secret = secret(SHA1_SEED);
    let params = Params::default();
    for typed in ["755224", " 755 224 ", "755-224", "7-5-5-2-2-4", "\t755224\n"] {
        assert_eq!(
            verify(&secret, &params, typed, at(0), None),
            Some(Step(0)),
            "{typed:?}"
        );
    }
    for typed in [
        "",
        "-",
        "75522",
        "7552240",
        "755.224",
        "755224a",
        "７５５２２４",
        "75522\u{0}",
        "000000000000",
    ] {
        assert_eq!(verify(&secret, &params, typed, at(0), None), None, "{typed:?}");
    }
}

#[test]
fn a_code_of_the_wrong_length_or_hash_is_wrong() {
    let secret = secret(SHA1_SEED);
    let eight = params(Algorithm::Sha1, 8, 0);
    let long = code(&secret, &eight, Step(1));
    assert_eq!(verify(&secret, &eight, &long, at(30), None), Some(Step(1)));
    assert_eq!(verify(&secret, &Params::default(), &long, at(30), None), None);
    assert_eq!(
        verify(&secret, &params(Algorithm::Sha256, 8, 0), &long, at(30), None),
        None
    );
}

#[test]
fn a_fresh_secret_has_twenty_octets_of_the_rng() {
    let secret = Secret::random(&mut Counting(0));
    assert_eq!(secret.expose(), (0..20).collect::<Vec<u8>>());
}

#[test]
fn base_32_is_read_as_people_write_it() {
    const PLAIN: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let secret = secret(SHA1_SEED);
    assert_eq!(secret.base32().as_str(), PLAIN);
    assert_eq!(
        secret.grouped().as_str(),
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    );
    for text in [
        PLAIN,
        "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
        "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ",
        " GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
    ] {
        assert_eq!(Secret::parse(text).unwrap().expose(), SHA1_SEED, "{text:?}");
    }
    assert_eq!(
        Secret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA====")
            .unwrap()
            .expose(),
        SHA256_SEED
    );
}

#[test]
fn what_is_no_secret_is_refused() {
    let long = "A".repeat(1000);
    for text in [
        "",
        "GEZDGNBVGY3TQOJQ",                  // 10 octets
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ0",  // 0 is no letter of base 32
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQG", // 33 letters are no whole octets
        "GEZDGNBVGY=3TQOJQGEZDGNBVGY3TQOJQ",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJÄ",
        &long,
    ] {
        assert!(Secret::parse(text).is_err(), "{text:?}");
    }
    assert!(Secret::from_octets(&[0; 15]).is_err());
    assert!(Secret::from_octets(&[0; 65]).is_err());
}

#[test]
fn a_secret_does_not_print() {
    let secret = secret(SHA1_SEED);
    let shown = format!("{secret:?} {:?}", Secret::parse("nonsense"));
    assert_eq!(shown, "Secret(..) Err(BadSecret)");
}

#[test]
fn parameters_outside_the_limits_are_refused() {
    for digits in [0, 5, 7, 9] {
        assert!(Digits::try_from(digits).is_err());
    }
    assert!(Drift::try_from(3).is_err());
    assert!(serde_json::from_str::<Params>(r#"{"digits":7}"#).is_err());
    assert!(serde_json::from_str::<Params>(r#"{"drift":3}"#).is_err());
    assert!(serde_json::from_str::<Params>(r#"{"algorithm":"md5"}"#).is_err());
}

#[test]
fn parameters_are_kept_as_words_and_numbers() {
    let text = r#"{"algorithm":"sha256","digits":8,"drift":2}"#;
    let params = params(Algorithm::Sha256, 8, 2);
    assert_eq!(serde_json::to_string(&params).unwrap(), text);
    assert_eq!(serde_json::from_str::<Params>(text).unwrap(), params);
    assert_eq!(serde_json::from_str::<Params>("{}").unwrap(), Params::default());
}

#[test]
fn the_uri_is_that_of_the_key_uri_format() {
    let secret = secret(SHA1_SEED);
    assert_eq!(
        uri(&secret, &Params::default(), "Office VPN", "alice@example.com").as_str(),
        "otpauth://totp/Office%20VPN:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Office%20VPN&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(
        uri(
            &secret,
            &params(Algorithm::Sha256, 8, 1),
            "Büro: Köln & Süd",
            "a:b/?#%"
        )
        .as_str(),
        "otpauth://totp/B%C3%BCro-%20K%C3%B6ln%20%26%20S%C3%BCd:a-b%2F%3F%23%25?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=B%C3%BCro-%20K%C3%B6ln%20%26%20S%C3%BCd&algorithm=SHA256&digits=8&period=30"
    );
    assert_eq!(
        uri(&secret, &Params::default(), " ", "alice").as_str(),
        "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30"
    );
}

/// Reads percent-encoding back, as an app does.
fn decoded(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let pair = [rest.next().unwrap(), rest.next().unwrap()];
            octets.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).unwrap()
}

proptest! {
    #[test]
    fn a_secret_survives_base_32(octets in prop::collection::vec(any::<u8>(), 16..=64), blanks in any::<bool>()) {
        let secret = secret(&octets);
        let text = if blanks { secret.grouped() } else { secret.base32() };
        let lower = text.to_lowercase();
        for text in [text.as_str(), lower.as_str()] {
            let read = Secret::parse(text).unwrap();
            prop_assert_eq!(read.expose(), &octets[..]);
        }
    }

    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        if let Ok(secret) = Secret::parse(&text) {
            prop_assert!((16..=64).contains(&secret.expose().len()));
        }
    }

    #[test]
    fn what_verify_accepts_is_the_code_of_a_fresh_step_in_the_window(
        octets in any::<[u8; 20]>(),
        millis in 0..u64::MAX,
        drift in 0..=2u8,
        typed in -3i64..=3,
        last in prop::option::of(-3i64..=3),
    ) {
        let secret = secret(&octets);
        let params = params(Algorithm::Sha1, 6, drift);
        let now = Timestamp(millis);
        let here = Step::of(now).0;
        let near = |offset: i64| here.checked_add_signed(offset).map(Step);
        let last = last.and_then(near);
        let typed = code(&secret, &params, near(typed).unwrap_or(Step(here)));
        let found = verify(&secret, &params, &typed, now, last);
        if let Some(step) = found {
            prop_assert_eq!(&*code(&secret, &params, step), &*typed);
            prop_assert!(step.0.abs_diff(here) <= u64::from(drift));
            prop_assert!(last.is_none_or(|last| step > last));
            // Once it is stored, the same code is refused, unless a later step happens to have it too.
            if let Some(again) = verify(&secret, &params, &typed, now, Some(step)) {
                prop_assert!(again > step);
            }
        } else {
            let fits = (-i64::from(drift)..=i64::from(drift)).filter_map(near)
                .any(|step| code(&secret, &params, step) == typed && last.is_none_or(|last| step > last));
            prop_assert!(!fits);
        }
    }

    #[test]
    fn verify_never_panics(typed in any::<String>(), millis in any::<u64>()) {
        let secret = secret(SHA1_SEED);
        let found = verify(&secret, &Params::default(), &typed, Timestamp(millis), None);
        let digits = typed.trim().chars().filter(char::is_ascii_digit).count();
        prop_assert!(found.is_none() || digits == 6);
    }

    #[test]
    fn the_uri_is_ascii_and_gives_the_names_back(issuer in any::<String>(), account in "[^ ].{0,80}") {
        let text = uri(&secret(SHA1_SEED), &Params::default(), &issuer, &account);
        prop_assert!(text.bytes().all(|o| o.is_ascii_graphic()));
        let (label, query) = text.strip_prefix("otpauth://totp/").unwrap().split_once('?').unwrap();
        let wanted = |name: &str| name.trim().replace(':', "-");
        if wanted(&issuer).is_empty() {
            prop_assert_eq!(decoded(label), wanted(&account));
            prop_assert!(!query.contains("issuer="));
        } else {
            let (first, second) = label.split_once(':').unwrap();
            prop_assert_eq!(decoded(first), wanted(&issuer));
            prop_assert_eq!(decoded(second), wanted(&account));
            let again = query.split('&').find_map(|part| part.strip_prefix("issuer=")).unwrap();
            prop_assert_eq!(again, first);
        }
    }
}
