//! What administrators set up: resources, RADIUS clients, providers, the sending policy.

use otpost_core::gate::Policy;
use otpost_core::ids::{ClientId, ProviderId, ResourceId};
use otpost_core::resource::WithoutToken;

use super::Case;
use super::samples::{client, id, provider, resource};
use crate::{Store, StoreError, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a resource comes back as it was put", resource_round_trip),
    ("resource names and services are unique", taken_resources),
    ("a service's own resource comes before the one for all", services),
    ("a resource with clients stays", used_resource),
    ("a client comes back with its secret", client_round_trip),
    ("client names are unique", taken_clients),
    ("a provider comes back with its settings", provider_round_trip),
    ("providers come in order of priority", provider_order),
    (
        "the sending policy comes back, the default where there is none",
        policy,
    ),
];

fn resource_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut vpn = resource(1, "Office VPN");
    vpn.enabled = false;
    vpn.unenrolled = WithoutToken::Allow;
    vpn.pam_services = vec!["sshd".to_owned(), "sudo".to_owned(), "sudo".to_owned()];
    vpn.shared_phones = true;
    vpn.region = "DE".parse().ok();
    let hosts = resource(2, "hosts");
    let put = [vpn.clone(), hosts.clone()];
    write(store, move |tx| put.iter().try_for_each(|r| tx.put_resource(r)))?;
    assert_eq!(
        read(store, |tx| tx.resource(ResourceId(id(1))))?,
        Some(vpn.clone())
    );
    assert_eq!(
        read(store, |tx| tx.resource_by_key("office vpn"))?,
        Some(vpn.clone())
    );
    assert_eq!(read(store, |tx| tx.resource_by_key("Office VPN"))?, None);
    assert_eq!(read(store, |tx| tx.resources())?, [hosts.clone(), vpn]);
    write(store, |tx| {
        tx.delete_resource(ResourceId(id(1)))?;
        tx.delete_resource(ResourceId(id(1)))
    })?;
    assert_eq!(read(store, |tx| tx.resources())?, [hosts]);
    assert_eq!(read(store, |tx| tx.resource_of_service("sshd"))?, None);
    Ok(())
}

fn taken_resources(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        let mut vpn = resource(1, "VPN");
        vpn.pam_services = vec!["sshd".to_owned()];
        tx.put_resource(&vpn)
    })?;
    let put = |name: &'static str, services: &'static [&str]| {
        write(store, move |tx| {
            let mut other = resource(2, name);
            other.pam_services = services.iter().map(|s| (*s).to_owned()).collect();
            tx.put_resource(&other)
        })
    };
    let name = StoreError::Taken {
        field: "resource name",
    };
    let service = StoreError::Taken { field: "pam service" };
    assert_eq!(put("vpn", &[]), Err(name));
    assert_eq!(put("hosts", &["su", "sshd"]), Err(service));
    assert_eq!(read(store, |tx| tx.resource(ResourceId(id(2))))?, None);
    assert_eq!(put("hosts", &["su"]), Ok(()));
    // Given up, it is free.
    write(store, |tx| tx.put_resource(&resource(1, "VPN two")))?;
    assert_eq!(put("VPN", &["sshd"]), Ok(()));
    Ok(())
}

fn services(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for (number, name, service) in [(1, "zz all", "*"), (2, "ssh", "sshd"), (3, "aa", "aa")] {
            let mut one = resource(number, name);
            one.pam_services = vec![service.to_owned()];
            tx.put_resource(&one)?;
        }
        Ok(())
    })?;
    for (service, number) in [("sshd", 2), ("login", 1), ("aa", 3), ("SSHD", 1), ("", 1)] {
        let found = read(store, move |tx| tx.resource_of_service(service))?;
        assert_eq!(found.map(|r| r.id), Some(ResourceId(id(number))), "{service}");
    }
    write(store, |tx| tx.delete_resource(ResourceId(id(1))))?;
    assert_eq!(read(store, |tx| tx.resource_of_service("login"))?, None);
    Ok(())
}

fn used_resource(store: &dyn Store) -> Result<(), StoreError> {
    let vpn = ResourceId(id(1));
    write(store, move |tx| {
        tx.put_resource(&resource(1, "VPN"))?;
        tx.put_client(&client(1, "gate", vpn))
    })?;
    let outcome = write(store, move |tx| tx.delete_resource(vpn));
    assert!(
        matches!(&outcome, Err(StoreError::InUse { by }) if by.contains("gate")),
        "{outcome:?}"
    );
    write(store, move |tx| {
        tx.delete_client(ClientId(id(1)))?;
        tx.delete_resource(vpn)
    })?;
    assert_eq!(read(store, |tx| tx.resources())?, []);
    Ok(())
}

fn client_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut gate = client(1, "Gate", ResourceId(id(1)));
    let branch = client(2, "branch", ResourceId(id(1)));
    let put = [gate.clone(), branch.clone()];
    write(store, move |tx| put.iter().try_for_each(|c| tx.put_client(c)))?;
    assert_eq!(read(store, |tx| tx.client("gATE "))?, Some(gate.clone()));
    assert_eq!(read(store, |tx| tx.clients())?, [branch.clone(), gate.clone()]);
    gate.resource = ResourceId(id(2));
    gate.name = "a gate".to_owned();
    let put = gate.clone();
    write(store, move |tx| tx.put_client(&put))?;
    assert_eq!(read(store, |tx| tx.clients())?, [gate, branch.clone()]);
    assert_eq!(read(store, |tx| tx.client("gate"))?, None);
    write(store, |tx| {
        tx.delete_client(ClientId(id(1)))?;
        tx.delete_client(ClientId(id(1)))
    })?;
    assert_eq!(read(store, |tx| tx.clients())?, [branch]);
    Ok(())
}

fn taken_clients(store: &dyn Store) -> Result<(), StoreError> {
    let put = |number: u8, name: &'static str| {
        write(store, move |tx| {
            tx.put_client(&client(number, name, ResourceId(id(1))))
        })
    };
    put(1, "Gate")?;
    assert_eq!(put(2, "gate"), Err(StoreError::Taken { field: "client name" }));
    assert_eq!(put(1, "gate"), Ok(()));
    assert_eq!(put(2, "Gate-2"), Ok(()));
    Ok(())
}

fn provider_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let first = provider(1, "First");
    let put = first.clone();
    write(store, move |tx| tx.put_provider(&put))?;
    assert_eq!(read(store, |tx| tx.providers())?, std::slice::from_ref(&first));
    let outcome = write(store, |tx| tx.put_provider(&provider(2, "FIRST")));
    assert_eq!(
        outcome,
        Err(StoreError::Taken {
            field: "provider name"
        })
    );
    let mut off = first;
    off.enabled = false;
    off.sender.clear();
    let put = off.clone();
    write(store, move |tx| tx.put_provider(&put))?;
    assert_eq!(read(store, |tx| tx.providers())?, [off]);
    write(store, |tx| {
        tx.delete_provider(ProviderId(id(1)))?;
        tx.delete_provider(ProviderId(id(1)))
    })?;
    assert_eq!(read(store, |tx| tx.providers())?, []);
    Ok(())
}

fn provider_order(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for (number, name, priority) in [(1, "a", 30), (2, "d", 10), (3, "C", 10), (4, "b", u32::MAX)] {
            let mut one = provider(number, name);
            one.priority = priority;
            tx.put_provider(&one)?;
        }
        Ok(())
    })?;
    let names: Vec<_> = read(store, |tx| tx.providers())?
        .into_iter()
        .map(|p| p.name)
        .collect();
    assert_eq!(names, ["C", "d", "a", "b"]);
    Ok(())
}

fn policy(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(read(store, |tx| tx.send_policy())?, Policy::default());
    let policy = Policy {
        countries: ["DE", "AT"].iter().filter_map(|c| c.parse().ok()).collect(),
        voip: true,
        paused: true,
        number_hour: 1,
        all_day: 7,
        ..Policy::default()
    };
    assert_eq!(policy.countries.len(), 2);
    for policy in [policy, Policy::default()] {
        let put = policy.clone();
        write(store, move |tx| tx.put_send_policy(&put))?;
        assert_eq!(read(store, |tx| tx.send_policy())?, policy);
    }
    Ok(())
}
