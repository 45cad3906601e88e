//! Tests of what is polled.

use agents::allow::Network;
use agents::profile::Profiles;
use scheduler::id::NodeId;

use super::*;
use crate::config::Modbus;
use crate::registry::resident_of;
use crate::telemetry::bench::directory as with;

fn polling(allow: &[&str]) -> Polling {
    Polling::new(&Modbus {
        allow: allow.iter().filter_map(|one| Network::parse(one)).collect(),
        profiles: Profiles::built_in(),
        outbox_mb: 1,
    })
}

fn unit(address: &str) -> Polled {
    Polled {
        profile: "sdm120".to_owned(),
        address: address.to_owned(),
        unit: 1,
        every_ms: 1_000,
        timeout_ms: 500,
    }
}

#[test]
fn a_unit_is_checked_in_every_part() {
    let key = InstrumentKey::parse("K-1").unwrap();
    let polling = polling(&["10.0.0.0/8"]);
    let check = |polled: &Polled| polling.device(&key, polled).err();
    let good = unit("10.1.2.3");
    assert_eq!(check(&good), None);
    let device = polling.device(&key, &good).unwrap();
    let port = device.way.address().map(|address| address.port);
    assert_eq!((device.name.as_str(), port), ("K-1", Some(502)));
    assert_eq!(check(&unit("10.1.2.3:1502")), None);
    assert_eq!(check(&unit("11.0.0.1:502")), Some(Fault::Forbidden));
    assert_eq!(
        check(&unit("[::ffff:11.0.0.1]:502")),
        Some(Fault::Forbidden)
    );
    // A name is judged by what it stands for, at each connect.
    assert_eq!(check(&unit("meter.example:502")), None);
    assert_eq!(check(&unit("http://10.1.2.3/")), Some(Fault::Address));
    for (every_ms, timeout_ms, expected) in [
        (99, 500, Some(Fault::Every)),
        (100, 10, None),
        (3_600_000, 60_000, None),
        (3_600_001, 500, Some(Fault::Every)),
        (1_000, 9, Some(Fault::Timeout)),
        (1_000, u32::MAX, Some(Fault::Timeout)),
    ] {
        let polled = Polled {
            every_ms,
            timeout_ms,
            ..good.clone()
        };
        assert_eq!(check(&polled), expected, "{every_ms} {timeout_ms}");
    }
    let strange = Polled {
        profile: "no-such".to_owned(),
        ..good.clone()
    };
    assert_eq!(check(&strange), Some(Fault::Profile));
    assert_eq!(
        super::super::Polling::new(&crate::config::Config::default().modbus)
            .device(&key, &good)
            .err(),
        Some(Fault::Off)
    );
}

#[test]
fn each_labs_agent_polls_what_is_permitted_now() {
    let mine = resident_of(NodeId::new(1));
    let mut directory = with(&[
        ("K-1", 1, mine.as_str()),
        ("K-2", 2, mine.as_str()),
        ("K-3", 3, "lab-1"),
    ]);
    for (key, address) in [("K-1", "10.0.0.1:502"), ("K-2", "192.168.0.1:502")] {
        let key = InstrumentKey::parse(key).unwrap();
        let id = directory.by_key[&key];
        let instrument = directory.instruments.get_mut(&id).unwrap();
        instrument.source.as_mut().unwrap().polled = Some(unit(address));
    }
    let names = |allow: &[&str]| {
        let (wanted, refused) = wanted(&directory, &polling(allow));
        let names = wanted.get(&mine).map(|devices| devices.keys().cloned());
        let names: Vec<String> = names.into_iter().flatten().collect();
        assert!(wanted.len() <= 1, "an agent elsewhere polls for itself");
        (names, refused.len())
    };
    assert_eq!(names(&["10.0.0.0/8", "192.168.0.0/16"]).0, ["K-1", "K-2"]);
    assert_eq!(names(&["10.0.0.0/8"]), (vec!["K-1".to_owned()], 1));
    assert_eq!(names(&[]), (Vec::new(), 2));
    directory.agents.remove(&mine);
    let (wanted, refused) = wanted(&directory, &polling(&["10.0.0.0/8"]));
    assert!(wanted.is_empty() && refused.is_empty(), "it is revoked");
}
