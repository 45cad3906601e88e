//! Load: sessions that publish six values of one instrument in a message, and time the answers.
//!
//! The messages are written by hand: a load generator shares the cores with what it measures.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};

use crate::publisher::host_and_port;
use crate::region::Credential;
use crate::speaker::Speaker;

/// Requests that wait for the session to send them.
const REQUESTS_MAX: usize = 64;
/// Lags are told apart by the millisecond up to this; longer ones count as this.
const LAG_MAX_MS: usize = 60_000;

/// What counts as the answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The gateway's word that it is committed.
    Commit,
    /// The broker's PUBACK: for a broker behind which there is nothing.
    Puback,
}

/// One agent's session.
pub struct LoadSession {
    speaker: Speaker,
    key: String,
    topic: String,
    answer: Answer,
    client: AsyncClient,
    session: EventLoop,
    waiting: VecDeque<(u64, Instant)>,
    is_open: bool,
}

impl LoadSession {
    /// Prepares a session that connects when it is first heard. A gateway is told hello; a bare broker
    /// is told nothing but messages.
    ///
    /// # Panics
    /// When the queue of requests holds fewer than two.
    pub async fn new(url: &str, agent: &Credential, key: &str, answer: Answer) -> Self {
        let (host, port) = host_and_port(url);
        let mut options = MqttOptions::new(&agent.name, host, port);
        options.set_credentials(&agent.name, &agent.secret);
        options
            .set_inflight(1000)
            .set_keep_alive(Duration::from_secs(30));
        let (client, session) = AsyncClient::new(options, REQUESTS_MAX);
        let speaker = Speaker::new(&agent.name);
        if answer == Answer::Commit {
            let down = format!("ortoo/v1/{}/down/+", agent.name);
            let subscribed = client.subscribe(down, QoS::AtLeastOnce).await;
            subscribed.expect("the queue has room");
            let hello = speaker.hello().to_string();
            let said = client.publish(speaker.topic("hello"), QoS::AtMostOnce, false, hello);
            said.await.expect("the queue has room");
        }
        Self {
            topic: speaker.topic("readings"),
            speaker,
            key: key.to_owned(),
            answer,
            client,
            session,
            waiting: VecDeque::new(),
            is_open: false,
        }
    }

    /// Returns true once the broker has let it in and, if it listens, has subscribed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns how many messages were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.speaker.seq
    }

    /// Returns how many messages wait for their answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.waiting.len()
    }

    /// Sends the next message. Returns false, and sends nothing, if the session's queue is full.
    pub fn send(&mut self) -> bool {
        let next = self.speaker.seq + 1;
        let oldest = self.waiting.front().map_or(next, |(seq, _)| *seq);
        let message = six_values(&mut self.speaker, &self.key, oldest);
        let sent = self
            .client
            .try_publish(&self.topic, QoS::AtLeastOnce, false, message);
        if sent.is_err() {
            self.speaker.seq -= 1; // the number is used by the next message
            return false;
        }
        self.waiting.push_back((self.speaker.seq, Instant::now()));
        true
    }

    /// Drives the session until it hears something; `took` is told how long each message waited that
    /// is answered by it.
    ///
    /// # Panics
    /// When the broker closes the session: a load must not lose its way.
    pub async fn hear(&mut self, mut took: impl FnMut(Duration)) {
        let event = self.session.poll().await;
        let event = event.unwrap_or_else(|error| {
            panic!(
                "the session of {} ended with {} messages on their way: {error}",
                self.speaker.agent,
                self.waiting.len()
            )
        });
        let upto = match event {
            Event::Incoming(Packet::ConnAck(_)) if self.answer == Answer::Puback => {
                self.is_open = true;
                return;
            }
            Event::Incoming(Packet::SubAck(_)) => {
                self.is_open = true;
                return;
            }
            // PUBACKs come in the order of the messages.
            Event::Incoming(Packet::PubAck(_)) if self.answer == Answer::Puback => {
                self.waiting.front().map_or(0, |(seq, _)| *seq)
            }
            Event::Incoming(Packet::Publish(message)) => {
                let ack = wire::decode_ack(&message.payload);
                ack.expect("the gateway speaks the wire").upto
            }
            _ => return,
        };
        while self.waiting.front().is_some_and(|(seq, _)| *seq <= upto) {
            let (_, sent) = self.waiting.pop_front().expect("there is one");
            took(sent.elapsed());
        }
    }
}

/// Writes the next message. `energy_wh` is its number: a counter whose history must be complete.
fn six_values(speaker: &mut Speaker, key: &str, oldest: u64) -> String {
    speaker.seq += 1;
    let (seq, clocks) = (speaker.seq, speaker.clocks());
    let wave = (seq % 100) as f64 / 10.0;
    format!(
        r#"{{"stream":"{0}","seq":{seq},"oldest":{oldest},"boot":"{1}","sent":{clocks},"record":{{"boot":"{1}","at":{clocks},"series":[{{"key":"{key}","offsets_ms":[0],"channels":["voltage_v","current_a","power_w","energy_wh","frequency_hz","power_factor"],"values":[[{2:.1}],[{3:.3}],[{4:.1}],[{seq}],[50.01],[0.98]]}}]}}}}"#,
        speaker.stream,
        speaker.boot,
        230.0 + wave / 10.0,
        1.2 + wave / 100.0,
        283.5 + wave,
    )
}

/// Lags of many sessions, counted by the millisecond.
pub struct Lags(Vec<AtomicU64>);

impl Default for Lags {
    fn default() -> Self {
        Self((0..=LAG_MAX_MS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Lags {
    /// Counts one.
    pub fn note(&self, lag: Duration) {
        let at = usize::try_from(lag.as_millis()).unwrap_or(LAG_MAX_MS);
        self.0[at.min(LAG_MAX_MS)].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|one| one.load(Ordering::Relaxed)).sum()
    }

    /// Returns the lag in milliseconds below which `part` (0 to 1) of them lie; 0 when there is none.
    #[must_use]
    pub fn quantile_ms(&self, part: f64) -> usize {
        let wanted = (self.count() as f64 * part).ceil();
        let mut seen = 0;
        for (ms, count) in self.0.iter().enumerate() {
            seen += count.load(Ordering::Relaxed);
            if seen > 0 && seen as f64 >= wanted {
                return ms;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_ordered() {
        let lags = Lags::default();
        assert_eq!(lags.quantile_ms(0.5), 0);
        for ms in 1..=100 {
            lags.note(Duration::from_millis(ms));
        }
        lags.note(Duration::from_secs(600));
        let quantile = |part| lags.quantile_ms(part);
        assert_eq!(lags.count(), 101);
        assert_eq!((quantile(0.5), quantile(0.99)), (51, 100));
        assert_eq!(quantile(1.0), LAG_MAX_MS);
    }
}
