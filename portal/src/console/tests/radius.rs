//! RADIUS clients, the rules of resources, and groups: what the forms say of them.

use otpost_ipc::{
    FaultCode,
    admin::{AccessSet, AdminOp, ClientSet},
    radius::MessageAuthenticator,
};

use super::{Console, Says};

fn words(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|word| (*word).to_owned()).collect())
}

fn word(word: &str) -> Option<String> {
    Some(word.to_owned())
}

fn last(console: &Console) -> AdminOp {
    console.daemon.asked().pop().unwrap()
}

/// The form of a client as browsers send it when nothing was changed.
const AS_IT_WAS: [(&str, &str); 13] = [
    ("nas", ""),
    ("networks", "10.0.0.5"),
    ("resource", "Hafenwerk VPN"),
    ("secret", ""),
    ("flow", "challenge"),
    ("separator", ""),
    ("first-factor", "local"),
    ("echo", "on"),
    ("prompt-length", "253"),
    ("authenticator", "require"),
    ("limit-proxy-state", "on"),
    ("source", "none"),
    ("eap", "off"),
];

/// The same with some fields otherwise.
fn with<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = AS_IT_WAS.to_vec();
    fields.push(("reply", "staff"));
    fields.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    fields.extend(changed);
    fields
}

#[tokio::test]
async fn what_was_not_changed_is_not_sent_so_that_a_product_brings_its_habits() {
    let console = Console::new(Says::default());
    for (changed, set) in [
        (with(&[]), ClientSet::default()),
        (
            with(&[("nas", "openvpn")]),
            ClientSet {
                nas: word("openvpn"),
                ..ClientSet::default()
            },
        ),
        (
            with(&[
                ("nas", "mikrotik"),
                ("flow", "append"),
                ("separator", " "),
                ("hide-first-factor", "on"),
                ("prompt-length", " 64 "),
                ("source", "framed-ip-address"),
                ("eap", "on"),
                ("accounting", "on"),
                ("reply", "Class = a, b\r\n\r\nFilter-Id = c"),
            ]),
            ClientSet {
                nas: word("mikrotik"),
                flow: word("append"),
                separator: word(" "),
                hide_first_factor: Some(true),
                prompt_length: Some(64),
                source: word("framed-ip-address"),
                eap: Some(true),
                accounting: Some(true),
                reply: words(&["Class = a, b", "Filter-Id = c"]),
                ..ClientSet::default()
            },
        ),
    ] {
        let said = console.post("/radius/gw", &changed).await;
        assert_eq!(said.status, 303, "{}", said.text);
        let AdminOp::RadiusClientSet {
            set: sent,
            message_authenticator,
            first_factor,
            secret,
            ..
        } = last(&console)
        else {
            panic!("{:?}", last(&console));
        };
        assert_eq!(sent, set);
        assert_eq!(message_authenticator, Some(MessageAuthenticator::Require));
        assert_eq!((first_factor, secret), (word("local"), None));
    }
    let fields: Vec<(&str, &str)> = with(&[])
        .into_iter()
        .filter(|(name, _)| !["echo", "limit-proxy-state", "reply"].contains(name))
        .collect();
    assert_eq!(console.post("/radius/gw", &fields).await.status, 303);
    let AdminOp::RadiusClientSet { set, .. } = last(&console) else {
        panic!()
    };
    let off = ClientSet {
        echo: Some(false),
        limit_proxy_state: Some(false),
        reply: words(&[]),
        ..ClientSet::default()
    };
    assert_eq!(set, off);
}

#[tokio::test]
async fn a_new_client_is_as_its_product_needs_it_where_nothing_else_is_chosen() {
    let console = Console::new(Says::default());
    let page = console.get("/add/radius?resource=Hafenwerk%20VPN").await;
    let (product, name) = (
        page.text.find("name=\"nas\"").unwrap(),
        page.text.find("name=\"name\"").unwrap(),
    );
    assert!(product < name, "the product comes first");
    assert!(
        page.text
            .contains("<option value=\"\" selected>As the product needs</option>")
    );
    assert!(
        page.text
            .contains("<option value=\"local,ldap:corp\">here, then by corp</option>")
    );
    let fields = with(&[
        ("name", "gw"),
        ("nas", "fortigate"),
        ("flow", ""),
        ("source", ""),
        ("eap", ""),
        ("reply", ""),
        ("first-factor", "ldap:corp"),
        ("authenticator", "auto"),
    ]);
    let said = console.post("/add/radius", &fields).await;
    assert!(said.text.contains("a secret of the test"), "{}", said.text);
    let AdminOp::RadiusClientAdd {
        set,
        first_factor,
        message_authenticator,
        ..
    } = last(&console)
    else {
        panic!()
    };
    let only = ClientSet {
        nas: word("fortigate"),
        ..ClientSet::default()
    };
    assert_eq!((set, first_factor), (only, word("ldap:corp")));
    assert_eq!(message_authenticator, MessageAuthenticator::Auto);
}

#[tokio::test]
async fn an_order_of_ones_own_counts_and_mistakes_stand_at_their_fields() {
    let console = Console::new(Says::default());
    let fields = with(&[("chain", " local,ldap:corp,radius:nps ")]);
    assert_eq!(console.post("/radius/gw", &fields).await.status, 303);
    let AdminOp::RadiusClientSet { first_factor, .. } = last(&console) else {
        panic!()
    };
    assert_eq!(first_factor, word("local,ldap:corp,radius:nps"));

    let said = console
        .post("/radius/gw", &with(&[("prompt-length", "many")]))
        .await;
    assert_eq!(said.status, 422);
    assert!(
        said.text
            .contains("<a href=\"#prompt-length\">Enter a whole number.</a>")
    );
    for (sentence, chain, field, words) in [
        (
            "`corp` is in the chain twice; name it once",
            "corp,corp",
            "chain",
            "corp is there twice",
        ),
        (
            "`stack` means that the VPN has checked the password, so it stands alone",
            "",
            "first-factor",
            "nobody else does",
        ),
        (
            "flow code-only needs first-factor stack: the field holds no password",
            "",
            "flow",
            "",
        ),
        (
            "prompt-length is 20 to 253 octets, not 3",
            "",
            "prompt-length",
            "20 to 253",
        ),
        (
            "`x` is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address",
            "",
            "networks",
            "x is no network",
        ),
        (
            "Framed-IP-Address: not an address of this kind; host names are not looked up\n  = help: write it like this: \
             Framed-IP-Address = 192.0.2.9",
            "",
            "reply",
            "not looked up; write it like this: Framed-IP-Address",
        ),
        (
            "a client whose passwords are checked elsewhere must send Message-Authenticator; leave that required",
            "",
            "authenticator",
            "must send Message-Authenticator",
        ),
    ] {
        let console = Console::new(Says {
            fault: Some((FaultCode::Invalid, sentence)),
            ..Says::default()
        });
        let said = console
            .post("/radius/gw", &with(&[("chain", chain), ("nas", "asa")]))
            .await;
        assert_eq!(said.status, 422);
        let place = format!("<a href=\"#{field}\">");
        let (_, text) = said
            .text
            .split_once(&place)
            .unwrap_or_else(|| panic!("{sentence}: {}", said.text));
        assert!(
            text.split("</a>").next().unwrap().contains(words),
            "{sentence}: {text}"
        );
        assert!(
            said.text.contains("<option value=\"asa\" selected>"),
            "what was chosen stays"
        );
    }
}

#[tokio::test]
async fn who_leaves_the_authenticator_out_is_seen_in_the_list_and_on_top_of_the_form() {
    let console = Console::new(Says::default());
    let list = console.get("/radius").await;
    for text in [
        "Left out",
        "2025-12-02 08:40 UTC; Required",
        "asked for after the password",
    ] {
        assert!(list.text.contains(text), "{text}: {}", list.text);
    }
    let form = console.get("/radius/gw").await;
    assert!(
        form.text.contains("Such requests get no answer."),
        "{}",
        form.text
    );
}

#[tokio::test]
async fn rules_are_sent_whole_and_mistakes_stand_at_their_fields() {
    let place = "/resources/Hafenwerk%20VPN/access";
    let console = Console::new(Says::default());
    let page = console.get(place).await;
    for text in [">192.0.2.0/24</textarea>", ">bob</textarea>", "value=\"480\""] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let fields = [
        ("allowed-networks", "192.0.2.0/24, 2001:db8::/32"),
        ("hours", "mon-fri 07:00-19:00\r\nsat,sun 10:00-16:00\r\n"),
        ("time-zone", " Europe/Berlin "),
        ("exempt-networks", "198.51.100.7"),
        ("exempt-users", "bob\r\ncarol"),
        ("exempt-groups", "Domain Admins\r\nstaff"),
        ("remember-minutes", "60"),
        ("reply", "group staff: Class = a, b"),
    ];
    let said = console.post(place, &fields).await;
    assert_eq!(
        (said.status, said.header("location")),
        (303, "/resources/Hafenwerk%20VPN/access?done=saved")
    );
    let AdminOp::ResourceSet { set, .. } = last(&console) else {
        panic!()
    };
    let access = AccessSet {
        allowed_networks: words(&["192.0.2.0/24", "2001:db8::/32"]),
        hours: words(&["mon-fri 07:00-19:00", "sat,sun 10:00-16:00"]),
        time_zone: word("Europe/Berlin"),
        exempt_networks: words(&["198.51.100.7"]),
        exempt_users: words(&["bob", "carol"]),
        exempt_groups: words(&["Domain Admins", "staff"]),
        remember_minutes: Some(60),
        reply: words(&["group staff: Class = a, b"]),
    };
    assert_eq!(set.access, Some(access));

    for (sentence, field) in [
        (
            "`198.51.100.7` is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address",
            "exempt-networks",
        ),
        (
            "`192.0.2.0/24` is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address",
            "allowed-networks",
        ),
        (
            "`always` names no hours; write mon-fri 07:00-19:00, sat,sun 10:00-16:00 or daily 00:00-24:00",
            "hours",
        ),
        (
            "there is no time zone `x`; write a zone such as Europe/Berlin, or leave it empty for the daemon's own",
            "time-zone",
        ),
        (
            "the exempt network 0.0.0.0/0 is everybody; switch the resource's second factor off in another way",
            "exempt-networks",
        ),
        ("a login name must not be empty", "exempt-users"),
        (
            "a group has 1 to 100 characters and no control characters or commas",
            "exempt-groups",
        ),
        (
            "remember-minutes is at most 1440 (24 hours), not 1441",
            "remember-minutes",
        ),
        (
            "`x y: z` begins with neither `user NAME:` nor `group NAME:`",
            "reply",
        ),
        (
            "User-Password cannot be set here: it holds a password, which only a request carries",
            "reply",
        ),
    ] {
        let console = Console::new(Says {
            fault: Some((FaultCode::Invalid, sentence)),
            ..Says::default()
        });
        let said = console.post(place, &fields).await;
        assert_eq!(said.status, 422);
        assert!(
            said.text.contains(&format!("<a href=\"#{field}\">")),
            "{sentence}: {}",
            said.text
        );
        assert!(said.text.contains("Domain Admins"), "what was typed stays");
    }
    let mut wrong = fields;
    wrong[6] = ("remember-minutes", "an hour");
    assert_eq!(console.post(place, &wrong).await.status, 422);
}

#[tokio::test]
async fn groups_have_blanks_and_commas_between() {
    let console = Console::new(Says::default());
    assert!(console.get("/users/alice").await.text.contains(">staff</dd>"));
    assert!(
        console
            .get("/users/alice/do/profile")
            .await
            .text
            .contains("value=\"staff\"")
    );
    let fields = [("email", ""), ("groups", "Domain Admins, staff,")];
    assert_eq!(console.post("/users/alice/do/profile", &fields).await.status, 303);
    let AdminOp::UserSet(set) = last(&console) else {
        panic!()
    };
    assert_eq!(set.groups, words(&["Domain Admins", "staff"]));
    let fields = [("login", "bob"), ("groups", "a b")];
    assert_eq!(console.post("/add/user", &fields).await.status, 303);
    let AdminOp::UserAdd(add) = last(&console) else {
        panic!()
    };
    assert_eq!(add.groups, ["a b"]);
}
