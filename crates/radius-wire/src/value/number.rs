//! Numbers and times.

use crate::dictionary::{DataType, Definition};

use super::Problem;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The highest number an attribute takes: a tag takes the first of four octets (RFC 2868 section 3.1).
pub(super) fn largest(definition: &Definition) -> Option<u64> {
    if definition.tagged {
        return Some(0x00ff_ffff);
    }
    definition.data.largest()
}

/// A number from digits, from 0x and hexadecimal digits, or from one of its names.
pub(super) fn parse(definition: &Definition, text: &str, largest: u64) -> Result<u64, Problem> {
    let out_of_range = Problem::Range { least: 0, largest };
    let number = match (digits(text), definition.number_of(text)) {
        (Some(number), _) => number.ok_or(out_of_range)?,
        (None, Some(number)) => number,
        (None, None) if text.strip_prefix('-').is_some_and(|text| digits(text).is_some()) => {
            return Err(out_of_range);
        }
        (None, None) if definition.values().is_empty() => return Err(Problem::Number),
        (None, None) => return Err(Problem::Name),
    };
    if number > largest {
        return Err(out_of_range);
    }
    Ok(number)
}

/// A number below zero or above it.
pub(super) fn parse_signed(text: &str) -> Result<i32, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Problem::Number);
    }
    text.parse().map_err(|_| Problem::Range {
        least: i64::from(i32::MIN),
        largest: u64::from(i32::MAX.unsigned_abs()),
    })
}

/// How a number is shown: by its first name, unless that looks like a number itself.
pub(super) fn shown(definition: &Definition, number: u64) -> String {
    match definition.name_of(number) {
        Some(name) if digits(name).is_none() => name.to_owned(),
        _ => number.to_string(),
    }
}

/// `None` if the text is no number, `Some(None)` if it is too large for any type.
fn digits(text: &str) -> Option<Option<u64>> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    let good = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    good.then(|| u64::from_str_radix(digits, radix).ok())
}

/// Seconds since 1970, in digits or as `2030-01-31T12:00:00Z`.
pub(super) fn parse_date(text: &str) -> Result<u32, Problem> {
    if let Some(number) = digits(text) {
        let seconds = number.and_then(|number| u32::try_from(number).ok());
        return seconds.ok_or(Problem::Date);
    }
    let seconds = civil(text).ok_or(Problem::Date)?;
    u32::try_from(seconds).map_err(|_| Problem::Date)
}

/// A time as [`parse_date`] reads it.
pub(super) fn show_date(seconds: u32) -> String {
    let seconds = i64::from(seconds);
    let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = from_days(days);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn civil(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix(['Z', 'z'])?.split_once(['T', 't'])?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = to_days(year, month, day);
    // A day that there is not comes back as another.
    (from_days(days) == (year, month, day)).then_some(days * DAY + hour * 3_600 + minute * 60 + second)
}

/// Three numbers of fixed width.
fn fields(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (slot, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is
/// the last; 400 of them have 146,097 days.
fn to_days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`to_days`].
fn from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, day)
}

/// The octets of a number of this type.
pub(super) fn octets(data: DataType, number: u64) -> Vec<u8> {
    let width = match data {
        DataType::Byte => 1,
        DataType::Short => 2,
        DataType::Integer64 => 8,
        _ => 4,
    };
    number.to_be_bytes().into_iter().skip(8 - width).collect()
}

/// The number in 1, 2, 4 or 8 octets.
pub(super) fn from_octets(data: DataType, octets: &[u8]) -> Option<u64> {
    Some(match data {
        DataType::Byte => u64::from(u8::from_be_bytes(octets.try_into().ok()?)),
        DataType::Short => u64::from(u16::from_be_bytes(octets.try_into().ok()?)),
        DataType::Integer => u64::from(u32::from_be_bytes(octets.try_into().ok()?)),
        DataType::Integer64 => u64::from_be_bytes(octets.try_into().ok()?),
        _ => return None,
    })
}
