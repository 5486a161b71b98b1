//! The form of a RADIUS client: its fields, and what they say.

use otpost_ipc::{
    Secret,
    admin::{ClientSet, ClientView, SourceView},
    radius::MessageAuthenticator,
};

use super::{
    ask::{Field, Group},
    desk::Desk,
    users::names,
    words::when,
};
use crate::{i18n::Text, ui::Errors, web::Posted};

/// Products whose habits are known: word, and key of the name.
const PRODUCTS: [(&str, &str); 9] = [
    ("fortigate", "c-product-fortigate"),
    ("paloalto", "c-product-paloalto"),
    ("asa", "c-product-asa"),
    ("openvpn", "c-product-openvpn"),
    ("strongswan", "c-product-strongswan"),
    ("ocserv", "c-product-ocserv"),
    ("mikrotik", "c-product-mikrotik"),
    ("pfsense", "c-product-pfsense"),
    ("netscaler", "c-product-netscaler"),
];

/// How a login runs: word, and what it says.
pub(super) const FLOWS: [(&str, &str); 4] = [
    ("challenge", "c-flow-challenge"),
    ("append", "c-flow-append"),
    ("two-pass", "c-flow-two-pass"),
    ("code-only", "c-flow-code-only"),
];

/// Attributes that may hold the address of the person's device.
const SOURCES: [(&str, &str); 4] = [
    ("none", "c-device-none"),
    ("calling-station-id", "c-device-calling"),
    ("tunnel-client-endpoint", "c-device-tunnel"),
    ("framed-ip-address", "c-device-framed"),
];

/// What a client must do about Message-Authenticator: word, and what it says.
const AUTHENTICATOR: [(&str, &str, MessageAuthenticator); 3] = [
    (
        "require",
        "c-authenticator-require",
        MessageAuthenticator::Require,
    ),
    ("auto", "c-authenticator-auto", MessageAuthenticator::Auto),
    ("off", "c-authenticator-off", MessageAuthenticator::Off),
];

/// Which field a sentence of the daemon is about; the first that fits counts.
const FIELDS: [(&str, &str); 15] = [
    ("= help", "reply"),
    ("cannot be set here", "reply"),
    ("flow", "flow"),
    ("separator", "separator"),
    ("prompt", "prompt-length"),
    ("message-authenticator", "authenticator"),
    ("secret", "secret"),
    ("network", "networks"),
    ("address", "networks"),
    ("resource", "resource"),
    ("first factor", "first-factor"),
    ("in the chain", "first-factor"),
    ("stands alone", "first-factor"),
    ("no source", "first-factor"),
    ("name", "name"),
];

/// Where a client stands with Message-Authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    /// It was not heard of.
    Unknown,
    /// All its requests have one since this time.
    Since(u64),
    /// It left it out at this time.
    Not(u64),
}

/// Whether a client sends Message-Authenticator, as far as was seen.
pub(super) const fn sends(client: &ClientView) -> Sends {
    match (client.signed, client.unsigned) {
        (None, None) => Sends::Unknown,
        (Some(first), Some(last)) if first > last => Sends::Since(first),
        (_, Some(last)) => Sends::Not(last),
        (Some(first), None) => Sends::Since(first),
    }
}

/// What a mode is called.
pub(super) fn mode_key(mode: MessageAuthenticator) -> &'static str {
    let found = AUTHENTICATOR.iter().find(|(.., own)| *own == mode);
    found.map_or("c-authenticator-require", |(_, key, _)| *key)
}

/// A note on top of the form, where there is something to know of Message-Authenticator.
pub(super) fn note(desk: &Desk, client: &ClientView) -> Option<(&'static str, &'static str, Text)> {
    let required = client.message_authenticator == MessageAuthenticator::Require;
    let (kind, icon, key, at) = match sends(client) {
        Sends::Unknown => return None,
        Sends::Since(at) if required => ("ok", "check", "c-sends-since", at),
        Sends::Since(at) => ("info", "info", "c-sends-require-now", at),
        Sends::Not(at) if required => ("warn", "warning", "c-sends-not-dropped", at),
        Sends::Not(at) => ("warn", "warning", "c-sends-not", at),
    };
    Some((kind, icon, desk.t(key).arg("when", when(at))))
}

fn options(desk: &Desk, all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(word, key)| ((*word).to_owned(), desk.t(key).to_string()))
        .collect()
}

/// The same with "as the product needs" in front, for a client that is not there yet.
fn or_as_product(desk: &Desk, all: &[(&str, &str)], new: bool) -> Vec<(String, String)> {
    let own = new.then(|| (String::new(), desk.t("c-as-product").to_string()));
    own.into_iter().chain(options(desk, all)).collect()
}

/// All of the form; `client` is absent for a new one.
pub(super) fn groups(
    desk: &Desk,
    resources: &[String],
    sources: &[SourceView],
    client: Option<&ClientView>,
) -> Vec<Group> {
    let none = ClientSet::default();
    let set = client.map_or(&none, |client| &client.set);
    vec![
        device(desk, resources, client, set),
        login(desk, sources, client, set),
        person(desk, set),
        protection(desk, client, set),
        more(desk, client, set),
    ]
}

fn device(desk: &Desk, resources: &[String], client: Option<&ClientView>, set: &ClientSet) -> Group {
    let networks = client.map_or_else(String::new, |client| client.networks.join("\n"));
    let resource = client.map_or(desk.query("resource"), |client| &client.resource);
    let mut products = options(desk, &[("", "c-product-other")]);
    products.extend(options(desk, &PRODUCTS));
    let (hint, secret) = match client {
        None => ("c-product-hint", "c-secret-hint"),
        Some(_) => ("c-product-change-hint", "c-secret-new-hint"),
    };
    let name = client.is_none().then(|| {
        desk.line("name", &desk.t("c-name"), "")
            .hint(&desk.t("c-client-name-hint"))
            .more("maxlength=64 spellcheck=false")
    });
    let rest = [
        desk.area("networks", &desk.t("c-networks"), &networks)
            .hint(&desk.t("c-networks-hint"))
            .more("spellcheck=false"),
        desk.select(
            "resource",
            &desk.t("c-resource"),
            Desk::choices(resources),
            resource,
        ),
        desk.secret("secret", &desk.t("c-shared-secret"))
            .hint(&desk.t(secret)),
        desk.switch("weak", &desk.t("c-weak-secret"), false)
            .hint(&desk.t("c-weak-secret-hint")),
    ];
    let product = desk
        .select(
            "nas",
            &desk.t("c-product"),
            products,
            set.nas.as_deref().unwrap_or_default(),
        )
        .hint(&desk.t(hint));
    Group {
        title: desk.t("c-group-device"),
        lead: None,
        fields: std::iter::once(product).chain(name).chain(rest).collect(),
    }
}

/// Chains to choose from: each source alone and behind otpost itself, and the one in use.
fn chains(desk: &Desk, sources: &[SourceView], now: &str) -> Vec<(String, String)> {
    let mut all = options(desk, &[("local", "c-first-local"), ("stack", "c-first-stack")]);
    for source in sources {
        let link = format!("{}:{}", source.kind, source.name);
        let by = desk.t("c-first-source").arg("name", source.name.as_str());
        let behind = desk.t("c-first-behind").arg("name", source.name.as_str());
        all.push((link.clone(), by.to_string()));
        all.push((format!("local,{link}"), behind.to_string()));
    }
    if !all.iter().any(|(chain, _)| chain == now) {
        all.push((now.to_owned(), now.to_owned()));
    }
    all
}

fn login(desk: &Desk, sources: &[SourceView], client: Option<&ClientView>, set: &ClientSet) -> Group {
    let first = client.map_or("local", |client| &client.first_factor);
    let mut fields = vec![
        desk.select(
            "flow",
            &desk.t("c-flow"),
            or_as_product(desk, &FLOWS, client.is_none()),
            set.flow.as_deref().unwrap_or_default(),
        )
        .hint(&desk.t("c-flow-hint")),
        separator(desk, set),
        desk.select(
            "first-factor",
            &desk.t("c-first-factor"),
            chains(desk, sources, first),
            first,
        )
        .hint(&desk.t("c-first-factor-hint")),
    ];
    if sources.len() > 1 {
        fields.push(
            desk.line("chain", &desk.t("c-chain"), "")
                .hint(&desk.t("c-chain-hint"))
                .more("maxlength=600 spellcheck=false autocapitalize=none"),
        );
    }
    fields.push(
        desk.switch(
            "hide-first-factor",
            &desk.t("c-hide-first"),
            set.hide_first_factor.unwrap_or(false),
        )
        .hint(&desk.t("c-hide-first-hint")),
    );
    Group {
        title: desk.t("c-group-login"),
        lead: None,
        fields,
    }
}

fn separator(desk: &Desk, set: &ClientSet) -> Field {
    desk.line(
        "separator",
        &desk.t("c-separator"),
        set.separator.as_deref().unwrap_or_default(),
    )
    .hint(&desk.t("c-separator-hint"))
    .more("maxlength=1 spellcheck=false")
}

fn person(desk: &Desk, set: &ClientSet) -> Group {
    Group {
        title: desk.t("c-group-person"),
        lead: None,
        fields: vec![
            desk.switch("echo", &desk.t("c-echo"), set.echo.unwrap_or(true))
                .hint(&desk.t("c-echo-hint")),
            desk.number(
                "prompt-length",
                &desk.t("c-prompt-length"),
                set.prompt_length.map_or(253, u32::from),
            )
            .hint(&desk.t("c-prompt-length-hint"))
            .more("min=20 max=253"),
        ],
    }
}

fn protection(desk: &Desk, client: Option<&ClientView>, set: &ClientSet) -> Group {
    let now = client.map_or(MessageAuthenticator::default(), |client| {
        client.message_authenticator
    });
    let word = AUTHENTICATOR.iter().find(|(.., own)| *own == now);
    Group {
        title: desk.t("c-group-protection"),
        lead: None,
        fields: vec![
            desk.select(
                "authenticator",
                &desk.t("c-authenticator"),
                options(desk, &AUTHENTICATOR.map(|(word, key, _)| (word, key))),
                word.map_or("require", |(word, ..)| *word),
            )
            .hint(&desk.t("c-authenticator-hint")),
            desk.switch(
                "limit-proxy-state",
                &desk.t("c-limit-proxy"),
                set.limit_proxy_state.unwrap_or(true),
            )
            .hint(&desk.t("c-limit-proxy-hint")),
        ],
    }
}

fn more(desk: &Desk, client: Option<&ClientView>, set: &ClientSet) -> Group {
    let new = client.is_none();
    let eap = set.eap.map_or("", |on| if on { "on" } else { "off" });
    let reply = set.reply.clone().unwrap_or_default().join("\n");
    Group {
        title: desk.t("c-group-more"),
        lead: None,
        fields: vec![
            desk.select(
                "source",
                &desk.t("c-device-in"),
                or_as_product(desk, &SOURCES, new),
                set.source.as_deref().unwrap_or_default(),
            )
            .hint(&desk.t("c-device-in-hint")),
            desk.select(
                "eap",
                &desk.t("c-eap"),
                or_as_product(desk, &[("off", "c-off"), ("on", "c-on")], new),
                eap,
            )
            .hint(&desk.t("c-eap-hint")),
            desk.switch(
                "accounting",
                &desk.t("c-accounting"),
                set.accounting.unwrap_or(false),
            )
            .hint(&desk.t("c-accounting-hint")),
            desk.area("reply", &desk.t("c-reply"), &reply)
                .hint(&desk.t("c-reply-hint"))
                .more("spellcheck=false"),
        ],
    }
}

/// What the form says about Message-Authenticator; what is not offered is the safe choice.
pub(super) fn authenticator(form: &Posted) -> MessageAuthenticator {
    let word = form.get("authenticator");
    (AUTHENTICATOR.iter())
        .find(|(own, ..)| *own == word)
        .map_or(MessageAuthenticator::Require, |(.., mode)| *mode)
}

/// Networks of the form.
pub(super) fn networks(form: &Posted) -> Vec<String> {
    names(form.get("networks"))
}

/// A new secret, where one was typed.
pub(super) fn secret(form: &Posted) -> Option<Secret> {
    (!form.get("secret").is_empty()).then(|| form.secret("secret"))
}

/// Who checks the password: an order of one's own, else what was chosen.
pub(super) fn chain(form: &Posted) -> Option<String> {
    let words = [form.trimmed("chain"), form.trimmed("first-factor")];
    words.into_iter().find(|word| !word.is_empty()).map(str::to_owned)
}

/// Lines of a field that are not empty.
pub(super) fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What the form says otherwise than `now`. What stays as it was is left out, so that another product brings its own habits.
pub(super) fn settings(desk: &Desk, form: &Posted, now: &ClientSet) -> Result<ClientSet, Errors> {
    let word = |name: &str, now: &Option<String>| {
        let word = Some(form.get(name).to_owned()).filter(|word| !word.is_empty());
        word.filter(|word| Some(word) != now.as_ref())
    };
    // A separator may be a blank.
    let text = |name: &str, now: &Option<String>| {
        let text = form.get(name).to_owned();
        (text != now.as_deref().unwrap_or_default()).then_some(text)
    };
    let flag = |name: &str, now: Option<bool>, usual: bool| {
        let on = form.has(name);
        (on != now.unwrap_or(usual)).then_some(on)
    };
    let eap = match form.get("eap") {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let mut prompt_length = None;
    if !form.trimmed("prompt-length").is_empty() {
        let Ok(octets) = form.trimmed("prompt-length").parse::<u16>() else {
            let mut errors = Errors::default();
            errors.add("prompt-length", desk.t("c-number-wrong"));
            return Err(errors);
        };
        prompt_length = Some(octets).filter(|octets| *octets != now.prompt_length.unwrap_or(253));
    }
    let reply = lines(form.get("reply"));
    Ok(ClientSet {
        nas: text("nas", &now.nas),
        flow: word("flow", &now.flow),
        separator: text("separator", &now.separator),
        limit_proxy_state: flag("limit-proxy-state", now.limit_proxy_state, true),
        hide_first_factor: flag("hide-first-factor", now.hide_first_factor, false),
        echo: flag("echo", now.echo, true),
        prompt_length,
        source: word("source", &now.source),
        eap: eap.filter(|on| Some(*on) != now.eap),
        accounting: flag("accounting", now.accounting, false),
        reply: (reply != now.reply.clone().unwrap_or_default()).then_some(reply),
    })
}

/// What is wrong with the form, by the daemon's word.
pub(super) fn refusal(desk: &Desk, form: &Posted, fault: &otpost_ipc::Fault, first: &str) -> Errors {
    let own = !form.trimmed("chain").is_empty();
    let fields = FIELDS.map(|(needle, field)| match field {
        "first-factor" if own => (needle, "chain"),
        "name" => (needle, first),
        field => (needle, field),
    });
    desk.refusal(fault, &fields, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(signed: Option<u64>, unsigned: Option<u64>) -> ClientView {
        ClientView {
            name: "gw".to_owned(),
            networks: Vec::new(),
            resource: "vpn".to_owned(),
            message_authenticator: MessageAuthenticator::Auto,
            first_factor: "local".to_owned(),
            signed,
            unsigned,
            set: ClientSet::default(),
        }
    }

    #[test]
    fn who_leaves_the_authenticator_out_is_told_from_who_once_did() {
        assert_eq!(sends(&client(None, None)), Sends::Unknown);
        assert_eq!(sends(&client(Some(1), None)), Sends::Since(1));
        assert_eq!(sends(&client(None, Some(1))), Sends::Not(1));
        assert_eq!(sends(&client(Some(2), Some(1))), Sends::Since(2));
        assert_eq!(sends(&client(Some(1), Some(2))), Sends::Not(2));
    }

    #[test]
    fn lines_are_taken_as_they_are_written() {
        assert_eq!(
            lines(" Class = a, b \r\n\n group x: Class = c"),
            ["Class = a, b", "group x: Class = c"]
        );
    }
}
