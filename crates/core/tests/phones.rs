//! Phone numbers: E.164 from what people type, number classes, masking.

use std::collections::BTreeSet;

use otpost_core::gate::{Policy, Refusal, reachable};
use otpost_core::phone::{BadPhone, Class, Phone, Region};
use phonenumber::Type;
use phonenumber::metadata::DATABASE;
use proptest::prelude::*;

fn region(text: &str) -> Region {
    text.parse().unwrap_or(Region::NONE)
}

fn e164(text: &str, default: &str) -> Result<String, BadPhone> {
    let default = (!default.is_empty()).then(|| region(default));
    Phone::parse(text, default).map(|phone| phone.expose().to_owned())
}

/// A gate that is open for every country there is.
fn anywhere() -> Policy {
    let mut countries = BTreeSet::from([Region::NONE]);
    for a in b'A'..=b'Z' {
        for b in b'A'..=b'Z' {
            if let Ok(region) = String::from_utf8_lossy(&[a, b]).parse() {
                countries.insert(region);
            }
        }
    }
    Policy {
        countries,
        ..Policy::default()
    }
}

#[test]
fn what_people_type() {
    for (typed, default) in [
        ("0171 234-5678", "DE"),
        ("0171/2345678", "DE"),
        ("(0171) 234 56 78", "DE"),
        ("01712345678", "DE"),
        ("0049 171 2345678", "DE"),
        ("0049 171 2345678", ""),
        ("+49 171 2345678", ""),
        (" +49-171-234-56-78 ", ""),
        ("+49 (0)171 2345678", "DE"),
        ("+49.171.2345678", ""),
        ("+491712345678", "DE"),
    ] {
        assert_eq!(
            e164(typed, default).as_deref(),
            Ok("+491712345678"),
            "{typed} {default}"
        );
    }
    assert_eq!(e164("(202) 555-0123", "US").as_deref(), Ok("+12025550123"));
    assert_eq!(e164("07400 123456", "GB").as_deref(), Ok("+447400123456"));
    assert_eq!(e164("06 12 34 56 78", "FR").as_deref(), Ok("+33612345678"));
    // Italy keeps the zero of fixed lines; mobiles have none.
    assert_eq!(e164("312 345 6789", "IT").as_deref(), Ok("+393123456789"));
}

/// With the country code in front the default country means nothing: a digit of the number that looks like the default
/// country's trunk prefix must stay, or the code goes to a stranger.
#[test]
fn a_number_with_its_country_code_does_not_depend_on_the_default() {
    let defaults = [
        "DE", "US", "GB", "FR", "IT", "RU", "BY", "HU", "IN", "BR", "MX", "SG",
    ];
    let mut wrong = Vec::new();
    for number in [
        "+491712345678",
        "+12025550123",
        "+447400123456",
        "+33612345678",
        "+393123456789",
        "+79123456789",
        "+919812345678",
        "+5511961234567",
        "+36201234567",
        "+8613123456789",
        "+819012345678",
        "+37061234567",
    ] {
        for default in defaults {
            let got = e164(number, default);
            if got.as_deref() != Ok(number) {
                wrong.push(format!("{number} with {default} is {got:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Territories whose mobile numbers cannot be told from those of the country they share the plan with.
fn shared(territory: &str) -> &str {
    match territory {
        "001" => "ZZ",
        "SJ" => "NO",
        "AX" => "FI",
        "BL" | "MF" => "GP",
        "EH" => "MA",
        "VA" => "IT",
        "CC" | "CX" => "AU",
        "IM" => "GB",
        other => other,
    }
}

/// Every example of the numbering plans: `+`, country code and number is that number, and no other.
#[test]
fn every_example_number_is_itself() {
    let kinds = [
        Type::Mobile,
        Type::FixedLine,
        Type::Voip,
        Type::PremiumRate,
        Type::TollFree,
        Type::Pager,
    ];
    let mut seen = 0;
    let mut wrong = Vec::new();
    for plan in DATABASE.iter() {
        for kind in kinds {
            let example = plan
                .descriptors()
                .get(kind)
                .and_then(|d| d.example().map(str::to_owned));
            let Some(example) = example else { continue };
            let number = format!("+{}{example}", plan.country_code());
            if number.len() < 9 {
                continue; // Shorter than anything that is accepted.
            }
            seen += 1;
            match Phone::parse(&number, None) {
                Ok(phone) if phone.expose() != number => {
                    wrong.push(format!(
                        "{} {kind:?} {number} became {}",
                        plan.id(),
                        phone.expose()
                    ));
                }
                Ok(phone) if kind == Type::Mobile && phone.region() != region(shared(plan.id())) => {
                    wrong.push(format!(
                        "{} {kind:?} {number} is of {}",
                        plan.id(),
                        phone.region()
                    ));
                }
                Err(error) if kind == Type::Mobile && plan.id() != "001" => {
                    wrong.push(format!("{} {kind:?} {number}: {error}", plan.id()));
                }
                _ => {}
            }
        }
    }
    assert!(seen > 900, "{seen}");
    assert!(wrong.is_empty(), "{} of {seen}: {wrong:#?}", wrong.len());
}

/// The same for the gate: no example of a special or fixed class passes it, every mobile of a country does.
#[test]
fn every_example_number_meets_the_right_gate() {
    let refused = [
        Type::PremiumRate,
        Type::TollFree,
        Type::SharedCost,
        Type::PersonalNumber,
        Type::Pager,
        Type::Uan,
        Type::Voicemail,
        Type::Voip,
    ];
    let gate = anywhere();
    let mut wrong = Vec::new();
    for plan in DATABASE.iter() {
        for kind in refused {
            let example = plan
                .descriptors()
                .get(kind)
                .and_then(|d| d.example().map(str::to_owned));
            let number = example.map(|e| format!("+{}{e}", plan.country_code()));
            let Some(Ok(phone)) = number.as_deref().map(|n| Phone::parse(n, None)) else {
                continue;
            };
            if reachable(&gate, &phone).is_ok() {
                wrong.push(format!("{} {kind:?} {number:?} passes", plan.id()));
            }
        }
        let mobile = plan
            .descriptors()
            .get(Type::Mobile)
            .and_then(|d| d.example().map(str::to_owned));
        let number = mobile.map(|e| format!("+{}{e}", plan.country_code()));
        let Some(Ok(phone)) = number.as_deref().map(|n| Phone::parse(n, None)) else {
            continue;
        };
        if reachable(&gate, &phone).is_ok() == (plan.id() == "001") {
            wrong.push(format!(
                "{} mobile {number:?}: {:?}",
                plan.id(),
                reachable(&gate, &phone)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_number_needs_its_country() {
    for typed in ["0171 2345678", "171 2345678", "2025550123"] {
        assert_eq!(e164(typed, ""), Err(BadPhone::NoCountry), "{typed}");
    }
}

#[test]
fn only_ascii_digits_and_separators() {
    for typed in [
        "",
        "   ",
        "+49 ١٧١ ٢٣٤٥٦٧٨",
        "+４９１７１２３４５６７８",
        "+49 171 23456७8",
        "+49 171 CALLME",
        "0171-FLOWERS",
        "tel:+491712345678",
        "+491712345678;ext=5",
        "+491712345678,123",
        "+491712345678 x5",
        "+491712345678#",
        "+49171*2345678",
        "+49\n1712345678",
        "+491712345678\0",
        "+49\u{a0}171\u{a0}2345678",
        "\u{202e}+491712345678",
        "+49;rm -rf",
        "+49171$(id)",
    ] {
        assert_eq!(e164(typed, "DE"), Err(BadPhone::Character), "{typed:?}");
    }
    assert_eq!(
        e164(&format!("+49{}", "1".repeat(38)), "DE"),
        Err(BadPhone::Character)
    );
}

#[test]
fn no_number() {
    for typed in [
        "+",
        "-",
        "()",
        "0",
        "+49",
        "+49 171",
        "+49 171 2",
        "+4917123456789012345",
        "+999 1234567890",
        "+0 1712345678",
        "++491712345678",
        "+49+1712345678",
        "112",
        "911",
        "+1 202 555",
        "+1 123 456 7890",
        "00",
        "0000000000000",
    ] {
        let phone = Phone::parse(typed, Some(region("DE")));
        assert!(
            phone.is_err(),
            "{typed:?} is {:?}",
            phone.map(|p| p.expose().to_owned())
        );
    }
}

#[test]
fn regions_are_told_apart_within_a_country_code() {
    for (number, expected) in [
        ("+491712345678", "DE"),
        ("+12025550123", "US"),
        ("+16135550123", "CA"),
        ("+18762101234", "JM"),
        ("+18092345678", "DO"),
        ("+12423591234", "BS"),
        ("+12642351234", "AI"),
        ("+447400123456", "GB"),
        ("+447781123456", "GG"),
        ("+447797712345", "JE"),
        ("+447624123456", "IM"),
        ("+79123456789", "RU"),
        ("+77710009998", "KZ"),
        ("+393123456789", "IT"),
        ("+2250123456789", "CI"),
        ("+2290195123456", "BJ"),
        ("+212650123456", "MA"),
        ("+61412345678", "AU"),
    ] {
        let phone = Phone::parse(number, None);
        assert_eq!(phone.map(|p| p.region()), Ok(region(expected)), "{number}");
    }
}

#[test]
fn mobiles_pass_where_their_country_is_listed() {
    for (number, country) in [
        ("+491712345678", "DE"),
        ("+12025550123", "US"),
        ("+447400123456", "GB"),
        ("+33612345678", "FR"),
        ("+41781234567", "CH"),
        ("+436641234567", "AT"),
        ("+919812345678", "IN"),
        ("+5511961234567", "BR"),
    ] {
        let phone = Phone::parse(number, None);
        assert_eq!(phone.as_ref().map(Phone::class), Ok(Class::Mobile), "{number}");
        let Ok(phone) = phone else { continue };
        assert_eq!(reachable(&anywhere(), &phone), Ok(()), "{number}");
        let only = Policy {
            countries: BTreeSet::from([region(country)]),
            ..Policy::default()
        };
        assert_eq!(reachable(&only, &phone), Ok(()), "{number}");
        let others = Policy {
            countries: anywhere()
                .countries
                .into_iter()
                .filter(|r| *r != region(country))
                .collect(),
            ..Policy::default()
        };
        assert_eq!(
            reachable(&others, &phone),
            Err(Refusal::Country(region(country))),
            "{number}"
        );
    }
}

/// Each of these is refused when it is entered or at the gate, whatever countries are listed.
#[test]
fn numbers_that_cost_or_cannot_take_a_text() {
    for (what, number) in [
        ("premium, Germany", "+499001234567"),
        ("premium, Britain", "+449012345678"),
        ("premium, US", "+19002345678"),
        ("premium, Jamaica", "+19002345678"),
        ("premium, France", "+33891123456"),
        ("shared cost, Germany", "+491801234567"),
        ("shared cost, Britain", "+448431234567"),
        ("toll-free, Germany", "+498001234567"),
        ("toll-free, US", "+18002345678"),
        ("toll-free, international", "+80012345678"),
        ("shared cost, international", "+80812345678"),
        ("premium, international", "+979123456789"),
        ("satellite, Iridium", "+881612345678"),
        ("satellite, Globalstar", "+881812345678"),
        ("satellite, Inmarsat", "+870301234567"),
        ("satellite, Inmarsat 773", "+870773111632"),
        ("international networks 882", "+8821234567890"),
        ("international networks 882, mobile", "+882134123456"),
        ("international networks 883", "+883510012345"),
        ("international networks 883, long", "+883510012345678"),
        ("universal personal, 878", "+878101234567890"),
        ("personal, Britain", "+447012345678"),
        ("pager, Britain", "+447640123456"),
        ("personal, Germany", "+4970012345678"),
        ("fixed, Germany", "+493012345678"),
        ("fixed, Britain", "+441212345678"),
        ("fixed, France", "+33123456789"),
        ("corporate, Britain", "+445512345678"),
        ("voice mail, Germany", "+49177991234567"),
        // Without its zero this one would look like a mobile.
        ("fixed, Italy", "+390321123456"),
        ("fixed, Italy, longer", "+390331123456"),
    ] {
        let Ok(phone) = Phone::parse(number, None) else {
            continue;
        };
        let gate = reachable(&anywhere(), &phone);
        assert_eq!(
            gate,
            Err(Refusal::NumberClass),
            "{what}: {number} is {:?}",
            phone.class()
        );
    }
}

/// The list above proves nothing if parsing refused all of it.
#[test]
fn known_special_numbers_are_known_as_such() {
    for (number, class) in [
        ("+499001234567", Class::Special),
        ("+18002345678", Class::Special),
        ("+19002345678", Class::Special),
        ("+498001234567", Class::Special),
        ("+881612345678", Class::Special),
        ("+883510012345", Class::Special),
        ("+870773111632", Class::Special),
        ("+80012345678", Class::Special),
        ("+493012345678", Class::Fixed),
        ("+441212345678", Class::Fixed),
        ("+445612345678", Class::Voip),
    ] {
        assert_eq!(
            Phone::parse(number, None).map(|p| p.class()),
            Ok(class),
            "{number}"
        );
    }
}

#[test]
fn voice_over_ip_by_policy() {
    let phone = Phone::parse("+445612345678", None);
    let Ok(phone) = phone else { panic!("{phone:?}") };
    assert_eq!(reachable(&anywhere(), &phone), Err(Refusal::NumberClass));
    let voip = Policy {
        voip: true,
        ..anywhere()
    };
    assert_eq!(reachable(&voip, &phone), Ok(()));
}

#[test]
fn whoever_typed_a_number_sees_it_as_people_write_it() {
    for (typed, shown) in [
        ("+491712345678", "+49 171 2345678"),
        ("0171/2345678", "+49 171 2345678"),
        ("+44 7400-123456", "+44 7400 123456"),
        ("+12025550123", "+1 202-555-0123"),
        ("+35799123456", "+357 99 123456"),
    ] {
        let Ok(phone) = Phone::parse(typed, "DE".parse().ok()) else {
            panic!("{typed}")
        };
        assert_eq!(phone.international().as_str(), shown);
        // It can be typed again as it is.
        assert_eq!(Phone::parse(shown, None).as_ref(), Ok(&phone));
    }
}

#[test]
fn nothing_but_country_and_two_digits_is_shown() {
    for (number, masked) in [
        ("+491712345678", "+49 *** *** 78"),
        ("+12025550123", "+1 *** *** 23"),
        ("+447400123456", "+44 *** *** 56"),
        ("+35799123456", "+357 *** *** 56"),
    ] {
        let Ok(phone) = Phone::parse(number, None) else {
            panic!("{number}")
        };
        assert_eq!(phone.masked(), masked);
        assert_eq!(format!("{phone:?}"), format!("Phone({masked})"));
        let stored = Phone::restore(phone.expose().to_owned().into(), &phone.parts());
        assert_eq!(stored, phone);
        assert!(!format!("{:?}", phone.parts()).contains(&number[4..10]));
    }
}

#[test]
fn country_names() {
    assert_eq!("de".parse::<Region>().map(|r| r.to_string()), Ok("DE".to_owned()));
    assert_eq!(
        " us ".parse::<Region>().map(|r| r.to_string()),
        Ok("US".to_owned())
    );
    for bad in ["", "D", "DEU", "UK", "XX", "001", "49", "Germany", "Д", "ZZ"] {
        assert!(bad.parse::<Region>().is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is typed: an error, or a number that parses to itself.
    #[test]
    fn never_a_panic_and_always_the_same_number(typed in "\\PC{0,45}|[+]?[0-9 ()./-]{0,41}", us in any::<bool>()) {
        let default = us.then(|| region("US"));
        if let Ok(phone) = Phone::parse(&typed, default) {
            let digits = phone.expose().strip_prefix('+').unwrap_or_default();
            prop_assert!((8..=15).contains(&digits.len()), "{}", phone.expose());
            prop_assert!(digits.bytes().all(|b| b.is_ascii_digit()));
            prop_assert_eq!(Phone::parse(phone.expose(), None), Ok(phone));
        }
    }

    #[test]
    fn german_mobiles_in_any_dress(number in "1(5[127]|6[023]|7[0-9])[0-9]{7,8}", gap in "[ -]?") {
        let plain = e164(&format!("+49{number}"), "");
        let dressed = format!("0{}{gap}{}", &number[..3], &number[3..]);
        prop_assert_eq!(&e164(&dressed, "DE"), &plain);
        prop_assert_eq!(&e164(&format!("0049{number}"), ""), &plain);
    }
}
