//! Settings of RADIUS clients between the core's types and the words of administrators.

use otpost_core::client::{Flow, Nas, Settings, SourceAttribute};
use otpost_ipc::admin::ClientSet;
use otpost_radius_wire::dictionary::Dictionary;
use otpost_radius_wire::value::{self, Entry};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AdminError;
use super::access::attribute;

/// `own` with what is there. A product's preset comes first, so that what stands beside it wins.
pub(super) fn changed(
    mut own: Settings,
    set: &ClientSet,
    dictionary: &Dictionary,
) -> Result<Settings, AdminError> {
    if let Some(nas) = &set.nas {
        own = match nas.as_str() {
            "" | "none" => Settings { nas: None, ..own },
            _ => word::<Nas>(
                nas,
                "nas",
                "fortigate, paloalto, asa, openvpn, strongswan, ocserv, mikrotik, pfsense or netscaler",
            )?
            .preset(own),
        };
    }
    if let Some(flow) = &set.flow {
        own.flow = word::<Flow>(flow, "flow", "challenge, append, two-pass or code-only")?;
    }
    if let Some(separator) = &set.separator {
        let mut characters = separator.chars();
        own.separator = characters.next();
        if characters.next().is_some() {
            return Err(AdminError::Invalid(
                "the separator is one character, or empty for none".to_owned(),
            ));
        }
    }
    if let Some(source) = &set.source {
        own.source = word::<SourceAttribute>(
            source,
            "source",
            "none, calling-station-id, tunnel-client-endpoint or framed-ip-address",
        )?;
    }
    own.limit_proxy_state = set.limit_proxy_state.unwrap_or(own.limit_proxy_state);
    own.hide_first_factor = set.hide_first_factor.unwrap_or(own.hide_first_factor);
    own.echo = set.echo.unwrap_or(own.echo);
    own.prompt_length = set.prompt_length.unwrap_or(own.prompt_length);
    own.eap = set.eap.unwrap_or(own.eap);
    own.accounting = set.accounting.unwrap_or(own.accounting);
    if let Some(reply) = &set.reply {
        let entries: Vec<Entry> = reply
            .iter()
            .map(|text| attribute(dictionary, text))
            .collect::<Result<_, _>>()?;
        value::check(&entries).map_err(AdminError::invalid)?;
        own.reply.clone_from(reply);
    }
    Ok(own)
}

/// All settings in the words that [`changed`] takes.
pub(super) fn shown(own: &Settings) -> ClientSet {
    ClientSet {
        nas: Some(own.nas.map_or_else(String::new, |nas| said(&nas))),
        flow: Some(said(&own.flow)),
        separator: Some(own.separator.map_or_else(String::new, String::from)),
        limit_proxy_state: Some(own.limit_proxy_state),
        hide_first_factor: Some(own.hide_first_factor),
        echo: Some(own.echo),
        prompt_length: Some(own.prompt_length),
        source: Some(said(&own.source)),
        eap: Some(own.eap),
        accounting: Some(own.accounting),
        reply: Some(own.reply.clone()),
    }
}

/// The value that a word names; the words are those of the stored form.
fn word<T: DeserializeOwned>(text: &str, field: &str, choice: &str) -> Result<T, AdminError> {
    let value = serde_json::Value::String(text.to_owned());
    serde_json::from_value(value)
        .map_err(|_| AdminError::Invalid(format!("{field} is {choice}, not `{text}`")))
}

fn said<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
