//! Phone numbers in E.164 form, their class, and how they are shown.

use std::fmt;
use std::str::FromStr;

use phonenumber::Mode;
use phonenumber::country;
use phonenumber::metadata::{DATABASE, Descriptor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// ISO 3166-1 alpha-2 region, upper case. Numbers of no region (satellite, `+883`) have `ZZ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

/// Text that names no region with phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country; write its two letters, for example DE or US")]
pub struct BadRegion(String);

impl Region {
    /// Numbers that belong to no country.
    pub const NONE: Self = Self(*b"ZZ");

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }

    /// The digits behind the +, where the letters name a country.
    #[must_use]
    pub fn calling_code(self) -> Option<u16> {
        DATABASE
            .by_id(self.as_str())
            .map(|country| country.country_code())
    }

    fn id(self) -> Option<country::Id> {
        country::Id::from_str(self.as_str()).ok()
    }
}

impl FromStr for Region {
    type Err = BadRegion;

    fn from_str(text: &str) -> Result<Self, BadRegion> {
        let upper = text.trim().to_ascii_uppercase();
        country::Id::from_str(&upper).map_err(|_| BadRegion(text.to_owned()))?;
        let letters = upper
            .as_bytes()
            .try_into()
            .map_err(|_| BadRegion(text.to_owned()))?;
        Ok(Self(letters))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Region {
    type Error = BadRegion;

    fn try_from(text: String) -> Result<Self, BadRegion> {
        if text == Self::NONE.as_str() {
            Ok(Self::NONE)
        } else {
            text.parse()
        }
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

/// What kind of line a number is, as far as the sending gate cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Mobile, or a region where mobile and fixed look alike.
    Mobile,
    /// Fixed line: cannot take a text.
    Fixed,
    /// Voice over IP.
    Voip,
    /// Premium, shared cost, toll-free, pager, voicemail, satellite and the like: never texted.
    Special,
}

/// A valid number. Does not print: `Debug` shows the masked form.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    e164: Zeroizing<String>,
    country_code: u16,
    region: Region,
    class: Class,
}

/// Why a number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPhone {
    /// Letters, or digits that are not ASCII.
    #[error("a phone number has digits, blanks and dashes only, with + and the country code in front")]
    Character,
    /// No + and no default country.
    #[error("write the phone number with + and the country code, for example +49 171 2345678")]
    NoCountry,
    /// Too short, too long, or no number of its country.
    #[error("this is no valid phone number; check the digits after the country code")]
    Invalid,
}

impl Phone {
    /// Parses what a person typed. Blanks, dashes, dots, slashes and brackets are tolerated; `default` is the country of
    /// numbers without a country code.
    ///
    /// # Errors
    /// [`BadPhone`] says what mends it.
    pub fn parse(text: &str, default: Option<Region>) -> Result<Self, BadPhone> {
        let text = text.trim();
        let well = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '/' | '(' | ')');
        if text.is_empty() || text.len() > 40 || !text.chars().all(well) {
            return Err(BadPhone::Character);
        }
        if text.chars().skip(1).any(|c| c == '+') {
            return Err(BadPhone::Invalid);
        }
        // `00` is how most of the world writes `+` on paper; with a country given its own rules decide.
        let joined: String;
        let text = match text.strip_prefix("00") {
            Some(rest) if default.is_none() => {
                joined = format!("+{rest}");
                joined.as_str()
            }
            _ => text,
        };
        if !text.starts_with('+') && default.is_none() {
            return Err(BadPhone::NoCountry);
        }
        // With a country code in front the default country has no say: its rules would cut digits off.
        let default = if text.starts_with('+') {
            None
        } else {
            default.and_then(Region::id)
        };
        let number = phonenumber::parse(default, text).map_err(|_| BadPhone::Invalid)?;
        if !phonenumber::is_valid(&number) || number.extension().is_some() {
            return Err(BadPhone::Invalid);
        }
        let e164 = Zeroizing::new(number.format().mode(Mode::E164).to_string());
        let digits = e164.len().saturating_sub(1);
        if !(8..=15).contains(&digits) {
            return Err(BadPhone::Invalid);
        }
        let region = number
            .country()
            .id()
            .and_then(|id| id.as_ref().parse().ok())
            .unwrap_or(Region::NONE);
        let national = e164
            .trim_start_matches('+')
            .get(number.code().value().to_string().len()..);
        let class = class(region, national.unwrap_or_default());
        Ok(Self {
            e164,
            country_code: number.code().value(),
            region,
            class,
        })
    }

    /// Rebuilds a number from its stored parts.
    #[must_use]
    pub fn restore(e164: Zeroizing<String>, parts: &PhoneParts) -> Self {
        Self {
            e164,
            country_code: parts.country_code,
            region: parts.region,
            class: parts.class,
        }
    }

    /// The parts that may be stored in clear.
    #[must_use]
    pub fn parts(&self) -> PhoneParts {
        PhoneParts {
            country_code: self.country_code,
            region: self.region,
            class: self.class,
        }
    }

    /// The whole number, `+491712345678`: for the provider and the sealed row only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.e164
    }

    /// The whole number as people write it, `+49 171 2345678`: for the page of whoever just typed it.
    #[must_use]
    pub fn international(&self) -> Zeroizing<String> {
        // It was parsed from these digits before; digits in a row are as good.
        Zeroizing::new(match phonenumber::parse(None, self.e164.as_str()) {
            Ok(number) => number.format().mode(Mode::International).to_string(),
            Err(_) => self.e164.to_string(),
        })
    }

    /// For everyone else: country code and last two digits, `+49 *** *** 67`.
    #[must_use]
    pub fn masked(&self) -> String {
        let tail: String = self
            .e164
            .chars()
            .skip(self.e164.chars().count().saturating_sub(2))
            .collect();
        format!("+{} *** *** {tail}", self.country_code)
    }

    /// Country of the number.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// Class of the number.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }
}

/// What of a number may be stored in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneParts {
    /// Digits after the +.
    pub country_code: u16,
    /// Country.
    pub region: Region,
    /// Class.
    pub class: Class,
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

/// Class of a national number with its leading zeros, which some countries keep (an Italian landline differs from a mobile
/// by its zero alone). A number that fits a costly class is of that class, whatever else it fits.
fn class(region: Region, national: &str) -> Class {
    let Some(plan) = DATABASE.by_id(region.as_str()) else {
        return Class::Special;
    };
    let of = plan.descriptors();
    let fits = |kind: Option<&Descriptor>| kind.is_some_and(|d| d.is_match(national));
    // A match of the beginning alone would let a longer number of another class pass.
    let whole = |kind: Option<&Descriptor>| {
        kind.is_some_and(|d| {
            d.is_match(national)
                && d.national_number()
                    .find(national)
                    .is_some_and(|m| m.end() == national.len())
        })
    };
    let costly = [
        of.premium_rate(),
        of.toll_free(),
        of.shared_cost(),
        of.personal_number(),
        of.pager(),
        of.uan(),
        of.voicemail(),
    ];
    if costly.into_iter().any(fits) {
        Class::Special
    } else if fits(of.voip()) {
        Class::Voip
    } else if whole(of.mobile()) {
        Class::Mobile
    } else if fits(of.fixed_line()) {
        Class::Fixed
    } else {
        Class::Special
    }
}
