use otpost_ipc::Secret;
use proptest::prelude::*;

use super::*;

fn client(name: &str, secret: &str, networks: &[&str]) -> RadiusClient {
    RadiusClient {
        name: name.to_owned(),
        networks: networks.iter().map(|network| (*network).to_owned()).collect(),
        secret: Secret::from(secret),
        message_authenticator: MessageAuthenticator::Require,
        signed: false,
        limit_proxy_state: false,
        eap: false,
        accounting: false,
    }
}

fn table(clients: Vec<RadiusClient>) -> Table {
    let (table, complaints) = Table::new(
        ClientTable {
            version: 3,
            clients,
            more: false,
        },
        |_| false,
    );
    assert_eq!(complaints, []);
    table
}

fn who(table: &Table, source: &str) -> String {
    match table.find(source.parse().unwrap()) {
        Found::Client(client) => client.name.to_string(),
        Found::Unusable => "(unusable)".to_owned(),
        Found::Unknown => "(unknown)".to_owned(),
    }
}

#[test]
fn the_longest_prefix_wins_whatever_the_order() {
    let clients = vec![
        client("one", "s", &["192.0.2.7"]),
        client("all", "s", &["0.0.0.0/0", "::/0"]),
        client("net", "s", &["192.0.2.0/24", "2001:db8::/32"]),
        client("half", "s", &["192.0.2.128/25", "2001:db8:1::/48"]),
    ];
    for turn in 0..clients.len() {
        let mut clients = clients.clone();
        clients.rotate_left(turn);
        let table = table(clients);
        for (source, name) in [
            ("192.0.2.7", "one"),
            ("192.0.2.8", "net"),
            ("192.0.2.128", "half"),
            ("192.0.3.1", "all"),
            ("2001:db8:2::1", "net"),
            ("2001:db8:1::1", "half"),
            ("2001:db9::1", "all"),
        ] {
            assert_eq!(who(&table, source), name, "{source}");
        }
    }
}

#[test]
fn an_address_outside_every_network_is_unknown() {
    let table = table(vec![client("net", "s", &["192.0.2.0/24"])]);
    for source in ["192.0.1.255", "192.0.3.0", "::1", "::c000:201"] {
        assert_eq!(who(&table, source), "(unknown)", "{source}");
    }
}

#[test]
fn mapped_addresses_are_ipv4_on_both_sides() {
    let table = table(vec![
        client("net", "s", &["::ffff:192.0.2.0/120"]),
        client("six", "s", &["::/0"]),
    ]);
    assert_eq!(who(&table, "::ffff:192.0.2.9"), "net");
    assert_eq!(who(&table, "192.0.2.9"), "net");
    // `::/0` means every IPv6 address, not every IPv4 one as well.
    assert_eq!(who(&table, "::ffff:203.0.113.1"), "(unknown)");
    assert_eq!(who(&table, "2001:db8::1"), "six");
}

#[test]
fn host_bits_of_a_network_do_not_matter() {
    let table = table(vec![client("net", "s", &["192.0.2.77/24"])]);
    assert_eq!(who(&table, "192.0.2.1"), "net");
}

#[test]
fn an_empty_secret_is_refused_and_its_network_does_not_fall_to_a_wider_one() {
    let clients = vec![
        client("wide", "s", &["192.0.2.0/24"]),
        client("empty", "", &["192.0.2.7/32"]),
    ];
    let (table, complaints) = Table::new(
        ClientTable {
            version: 1,
            clients,
            more: false,
        },
        |_| false,
    );
    assert_eq!(complaints.len(), 1);
    assert!(
        complaints.iter().all(|complaint| complaint.client == "empty"),
        "{complaints:?}"
    );
    assert_eq!(who(&table, "192.0.2.7"), "(unusable)");
    assert_eq!(who(&table, "192.0.2.8"), "wide");
}

#[test]
fn networks_that_are_none_are_reported() {
    for text in [
        "",
        "/",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2/24",
        "::/129",
        "::ffff:0.0.0.0/130",
        "x",
        "1.2.3.4/+8",
    ] {
        assert_eq!(Network::parse(text), None, "{text}");
    }
    let (_, complaints) = Table::new(
        ClientTable {
            version: 1,
            clients: vec![client("a", "s", &["nonsense"])],
            more: false,
        },
        |_| false,
    );
    assert_eq!(complaints.len(), 1);
}

#[test]
fn a_network_given_twice_stays_with_the_first() {
    let clients = vec![
        client("first", "s", &["10.0.0.0/8"]),
        client("second", "s", &["10.0.0.0/8"]),
    ];
    let (table, complaints) = Table::new(
        ClientTable {
            version: 1,
            clients,
            more: false,
        },
        |_| false,
    );
    assert_eq!((who(&table, "10.1.1.1").as_str(), complaints.len()), ("first", 1));
}

#[test]
fn auto_asks_for_a_message_authenticator_from_the_first_one_on() {
    let entry = |mode, signed| RadiusClient {
        message_authenticator: mode,
        signed,
        ..client("vpn", "s", &[])
    };
    let auto = Client::new(&entry(MessageAuthenticator::Auto, false)).unwrap();
    assert!(!auto.must_sign());
    assert!(auto.latch(), "the first one is news");
    assert!(auto.must_sign() && !auto.latch());
    assert!(
        Client::new(&entry(MessageAuthenticator::Auto, true))
            .unwrap()
            .must_sign()
    );
    assert!(
        !Client::new(&entry(MessageAuthenticator::Off, true))
            .unwrap()
            .must_sign()
    );
    assert!(
        Client::new(&entry(MessageAuthenticator::Require, false))
            .unwrap()
            .must_sign()
    );
    assert!(Client::new(&entry(MessageAuthenticator::Auto, false)).is_ok_and(|other| !other.must_sign()));
}

#[test]
fn what_is_latched_here_outlives_a_table_that_does_not_know_it() {
    let auto = RadiusClient {
        message_authenticator: MessageAuthenticator::Auto,
        ..client("vpn", "s", &["192.0.2.1"])
    };
    let table = |latched: &str| {
        let table = ClientTable {
            version: 1,
            clients: vec![auto.clone()],
            more: false,
        };
        Table::new(table, |name| name == latched).0
    };
    let must_sign = |table: &Table| match table.find("192.0.2.1".parse().unwrap()) {
        Found::Client(client) => client.must_sign(),
        other => panic!("{other:?}"),
    };
    assert!(must_sign(&table("vpn")));
    assert!(!must_sign(&table("another")));
}

#[test]
fn an_unsigned_request_is_news_once_an_hour() {
    let client = Client::sample("vpn", "s");
    let news: Vec<u64> = [0, 1, 3599, 3600, 3601, 7199, 7200]
        .into_iter()
        .filter(|at| client.is_news(*at, 3600))
        .collect();
    assert_eq!(news, [0, 3600, 7200]);
}

proptest! {
    #[test]
    fn lookup_agrees_with_trying_every_network(
        networks in prop::collection::vec((any::<u32>(), 0_u8..=32), 0..12),
        near in any::<prop::sample::Index>(),
        low in any::<u32>(),
    ) {
        let clients: Vec<RadiusClient> = networks
            .iter()
            .enumerate()
            .map(|(at, (bits, length))| {
                client(&at.to_string(), "s", &[&format!("{}/{length}", std::net::Ipv4Addr::from_bits(*bits))])
            })
            .collect();
        let (table, _) = Table::new(ClientTable { version: 1, clients, more: false }, |_| false);
        let base = if networks.is_empty() { 0 } else { near.get(&networks).0 };
        let source = std::net::Ipv4Addr::from_bits(base ^ (low >> (low % 32)));
        let covers = |bits: u32, length: u8| {
            let shift = 32 - u32::from(length);
            u64::from(bits) >> shift == u64::from(source.to_bits()) >> shift
        };
        let longest = networks.iter().filter(|(bits, length)| covers(*bits, *length)).map(|(_, length)| *length).max();
        let expected = longest.and_then(|length| {
            networks.iter().position(|(bits, other)| *other == length && covers(*bits, length))
        });
        let expected = expected.map_or("(unknown)".to_owned(), |at| at.to_string());
        prop_assert_eq!(who(&table, &source.to_string()), expected);
    }
}
