//! Devices of other makers at the embedded broker, with a client that is not ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tests::{Plant, connect, options, plant, wait_for};
use crate::registry::SourceName;
use crate::telemetry::bench::{add_mapping, add_source, silence};
use rumqttc::{LastWill, QoS};
use scheduler::id::InstrumentId;

/// A plant with two sources; `K-1` is read by a mapping.
async fn foreign_plant() -> Plant {
    let plant = plant().await;
    let mut directory = (**plant.directory.load()).clone();
    silence(&mut directory, 1);
    add_source(&mut directory, "plugs", "tele/#");
    add_source(&mut directory, "others", "other/#");
    let tasmota = r#"{"format":"tasmota","topic":"tele/{device}","instrument":"{device}"}"#;
    add_mapping(&mut directory, 1, tasmota);
    directory.generation += 1;
    plant.directory.store(Arc::new(directory));
    plant
}

/// How often a name was turned away, why it was last, and the topic.
fn last_denied(plant: &Plant, name: &str) -> (u64, &'static str, Option<String>) {
    let name = SourceName::parse(name).unwrap();
    let denial = plant.handle.denial(&name).unwrap();
    (denial.count, denial.why.as_str(), denial.topic)
}

const SENSOR: &str = r#"{"ENERGY":{"Power":250}}"#;

#[tokio::test]
async fn devices_share_a_credential_and_are_nobody_else() {
    let plant = foreign_plant().await;
    let mut first = connect(options(&plant, "DVES_1", "plugs", "plugs"));
    assert_eq!(first.hears().await, "connected");
    for (client, user, secret) in [
        ("DVES_2", "plugs", "wrong"),
        ("DVES_2", "nobody", "nobody"),
        // An agent's client id is the agent's.
        ("lab-1", "plugs", "plugs"),
        // An agent's credential is no device's.
        ("DVES_2", "lab-1", "lab-1"),
        // The client id of another source's device that is connected.
        ("DVES_1", "others", "others"),
    ] {
        let mut client_of = connect(options(&plant, client, user, secret));
        assert_eq!(client_of.hears().await, "closed", "{client} as {user}");
    }
    let denied = plant.handle.denied();
    assert_eq!(
        denied,
        BTreeMap::from([("client_id", 2), ("credential", 3)])
    );
    assert_eq!(last_denied(&plant, "plugs"), (2, "client_id", None));
    assert_eq!(last_denied(&plant, "others"), (1, "client_id", None));
    assert_eq!(last_denied(&plant, "lab-1"), (1, "credential", None));
    let mut second = connect(options(&plant, "DVES_2", "plugs", "plugs"));
    assert_eq!(second.hears().await, "connected");
    assert!(first.heard.try_recv().is_err(), "it is still there");
}

#[tokio::test]
async fn a_device_speaks_and_hears_only_within_its_filters() {
    let plant = foreign_plant().await;
    for topic in [
        "other/x",
        "ortoo/v1/lab-1/up/readings",
        "ortoo/v1/plugs/up/status",
        "telex/y",
    ] {
        let mut device = connect(options(&plant, "DVES_1", "plugs", "plugs"));
        assert_eq!(device.hears().await, "connected");
        let publish = device.client.publish(topic, QoS::AtLeastOnce, false, "1");
        publish.await.unwrap();
        assert_eq!(device.hears().await, "closed", "{topic}");
        assert_eq!(last_denied(&plant, "plugs").2.as_deref(), Some(topic));
    }
    let mut device = connect(options(&plant, "DVES_1", "plugs", "plugs"));
    assert_eq!(device.hears().await, "connected");
    for (filter, answer) in [
        ("other/#", "[Failure]"),
        ("#", "[Failure]"),
        ("ortoo/v1/lab-1/down/ack", "[Failure]"),
        ("tele/x/#", "[Success(AtLeastOnce)]"),
    ] {
        device
            .client
            .subscribe(filter, QoS::AtLeastOnce)
            .await
            .unwrap();
        assert_eq!(device.hears().await, answer, "{filter}");
    }
    assert_eq!(plant.handle.counts().foreign_messages, 0);
    for (topic, expected) in [("other/x", "closed"), ("tele/x/LWT", "connected")] {
        let mut options = options(&plant, "DVES_3", "plugs", "plugs");
        options.set_last_will(LastWill::new(topic, "Offline", QoS::AtLeastOnce, true));
        assert_eq!(connect(options).hears().await, expected, "{topic}");
    }
    let expected = [("last_will", 1), ("subscription", 3), ("topic", 4)];
    assert_eq!(plant.handle.denied(), BTreeMap::from(expected));
    assert_eq!(last_denied(&plant, "plugs"), (8, "last_will", None));
}

#[tokio::test]
async fn the_puback_comes_after_the_commit_and_ends_with_the_credential() {
    let plant = foreign_plant().await;
    let mut device = connect(options(&plant, "DVES_1", "plugs", "plugs"));
    assert_eq!(device.hears().await, "connected");
    let topic = "tele/K-1/SENSOR";
    device
        .client
        .publish(topic, QoS::AtLeastOnce, false, SENSOR)
        .await
        .unwrap();
    assert_eq!(device.hears().await, "puback");
    // Committed, or it would not be among the newest.
    let latest = plant.handle.latest(InstrumentId::new(1));
    assert_eq!(latest[0].value, Some(250.0));
    let source = SourceName::parse("plugs").unwrap();
    assert!(!plant.handle.source(&source).unwrap().is_at_most_once);
    device
        .client
        .publish(topic, QoS::AtMostOnce, false, SENSOR)
        .await
        .unwrap();
    let is_told = || plant.handle.source(&source).unwrap().is_at_most_once;
    wait_for(is_told).await;
    let mut revoked = (**plant.directory.load()).clone();
    revoked.sources.remove(&source);
    revoked.generation += 1;
    plant.directory.store(Arc::new(revoked));
    assert_eq!(device.hears().await, "closed");
}

#[tokio::test]
async fn no_session_outlives_its_connection_for_long() {
    let listener = super::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // A client of MQTT 5 may ask for 136 years, and holds its client id meanwhile.
    let longest = listener.cfg.max_session_expiry_interval;
    assert_eq!(longest, super::SESSION_KEPT_MAX);
}
