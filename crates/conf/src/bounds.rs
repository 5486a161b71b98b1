//! Values that are of the right type and still make no sense, refused where they stand in the file.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Deserializer, de};

use crate::{Duration, diagnostic::HELP};

/// A duration above zero: a period of nothing would spin.
pub(crate) fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = Duration::deserialize(deserializer)?;
    if duration.is_zero() {
        return Err(de::Error::custom(format_args!(
            "the period must be longer than nothing{HELP}write for example \"1s\""
        )));
    }
    Ok(duration)
}

/// A number from `MIN` to `MAX`, both included.
pub(crate) fn within<'de, D, T, const MIN: u32, const MAX: u32>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + TryInto<u32> + Copy + fmt::Display,
{
    let number = T::deserialize(deserializer)?;
    let fits = number
        .try_into()
        .is_ok_and(|number: u32| (MIN..=MAX).contains(&number));
    if fits {
        return Ok(number);
    }
    Err(de::Error::custom(format_args!(
        "{number} is out of range{HELP}write a whole number from {MIN} to {MAX}"
    )))
}

/// [`within`], for a setting that may be left out.
pub(crate) fn maybe_within<'de, D, T, const MIN: u32, const MAX: u32>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + TryInto<u32> + Copy + fmt::Display,
{
    within::<D, T, MIN, MAX>(deserializer).map(Some)
}

/// Addresses to listen on: one at least, or the process would run and serve nobody.
pub(crate) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let addresses = Vec::deserialize(deserializer)?;
    if addresses.is_empty() {
        return Err(de::Error::custom(format_args!(
            "nothing to listen on{HELP}name at least one address, for example [\"0.0.0.0:1812\"]"
        )));
    }
    Ok(addresses)
}
