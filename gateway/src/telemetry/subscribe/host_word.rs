//! At an external broker: the gateway's word that it is there as a Sparkplug host. Source: Sparkplug
//! 3.0.0 specification, 4.2.3 and 5.8.
//!
//! A connection of its own, because a host's word is taken back by its last will, and so that a broker
//! whose rules do not permit the topic refuses this and nothing else. It is made while there is a
//! source that sends in Sparkplug's namespace.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Packet, QoS};
use tokio_util::sync::CancellationToken;

use crate::registry::{Directory, SharedDirectory};
use crate::telemetry::sparkplug::{HOST, Topic, state};

/// Requests of this connection under way.
const REQUESTS_MAX: usize = 8;

/// How often it is looked whether somebody would listen.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time between two attempts to connect.
const RETRY: Duration = Duration::from_secs(30);

/// The broker takes the last word within this time, or the last will is said instead.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// Keeps the word until asked to stop.
pub(super) async fn keep(
    options: MqttOptions,
    directory: SharedDirectory,
    since_ms: i64,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        if !has_nodes(&directory.load()) {
            stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
                .await;
            continue;
        }
        say(options.clone(), since_ms, &stop).await;
        stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
    }
}

fn has_nodes(directory: &Directory) -> bool {
    let mut filters = directory
        .sources
        .values()
        .flat_map(|source| &source.filters);
    filters.any(|filter| Topic::is_sparkplug(filter.as_str()))
}

/// Says it over one connection, and again whenever somebody took it back; until the connection ends
/// or a stop is asked for, and then says that the host is gone.
async fn say(mut options: MqttOptions, since_ms: i64, stop: &CancellationToken) {
    let (topic, here) = state(HOST, true, since_ms);
    let (_, gone) = state(HOST, false, since_ms);
    let will = LastWill::new(topic.clone(), gone.clone(), QoS::AtLeastOnce, true);
    options.set_clean_session(true).set_last_will(will);
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let speak = |payload: &Vec<u8>| {
        // A full queue means that the word is on its way already.
        drop(client.try_publish(&topic, QoS::AtLeastOnce, true, payload.clone()));
    };
    let talking = async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    drop(client.try_subscribe(&topic, QoS::AtLeastOnce));
                    speak(&here);
                }
                Ok(Event::Incoming(Packet::Publish(said))) if said.payload == gone => speak(&here),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "the word to Sparkplug nodes ends");
                    return;
                }
            }
        }
    };
    if stop.run_until_cancelled(talking).await.is_some() {
        return;
    }
    speak(&gone);
    let leaving = async {
        while let Ok(event) = events.poll().await {
            if matches!(event, Event::Incoming(Packet::PubAck(_))) {
                drop(client.try_disconnect());
            }
        }
    };
    // What is not taken in time is said by the last will.
    drop(tokio::time::timeout(GOODBYE_MAX, leaving).await);
}
