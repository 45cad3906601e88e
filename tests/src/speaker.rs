//! Well-formed messages of an imagined agent, with sequence numbers and clocks like a real one's.

use gateway::clock::Clock;
use serde_json::{Value, json};

/// Writes messages of one outbox stream.
pub struct Speaker {
    /// The agent's name.
    pub agent: String,
    /// The stream.
    pub stream: String,
    /// The number of the last record.
    pub seq: u64,
    /// The boot.
    pub boot: String,
    clock: Clock,
    /// Added to the wall clock, in milliseconds: a wrong clock is a test's choice.
    pub wall_skew_ms: i64,
}

impl Speaker {
    /// Makes a speaker with a stream that nobody has used.
    #[must_use]
    pub fn new(agent: &str) -> Self {
        Self {
            agent: agent.to_owned(),
            stream: hex::encode(rand::random::<[u8; 16]>()),
            seq: 0,
            boot: hex::encode(rand::random::<[u8; 8]>()),
            clock: Clock::system(),
            wall_skew_ms: 0,
        }
    }

    /// Returns the topic of one kind of message: `hello`, `status`, `readings`, `event`.
    #[must_use]
    pub fn topic(&self, kind: &str) -> String {
        format!("ortoo/v1/{}/up/{kind}", self.agent)
    }

    /// Returns both clocks.
    #[must_use]
    pub fn clocks(&self) -> Value {
        let wall_ms = self.clock.now().get() / 1000 + self.wall_skew_ms;
        json!({ "wall_ms": wall_ms, "mono_ms": 1_000_000 + self.clock.mono_us() / 1000 })
    }

    /// Returns a hello.
    #[must_use]
    pub fn hello(&self) -> Value {
        json!({
            "version": "0.1.0", "stream": self.stream, "oldest": self.seq + 1,
            "next": self.seq + 1, "boot": self.boot, "sent": self.clocks(),
            "report_every_ms": 10_000, "devices": [],
        })
    }

    /// Returns the status that says the agent is there.
    #[must_use]
    pub fn online(&self) -> Value {
        json!({ "boot": self.boot, "connect": 1, "online": true })
    }

    /// Returns the next batch: one reading of one instrument, taken now.
    pub fn readings(&mut self, instrument: &str, values: &[(&str, f64)]) -> Value {
        self.seq += 1;
        let (channels, values): (Vec<_>, Vec<_>) = values
            .iter()
            .map(|(name, value)| (*name, vec![*value]))
            .unzip();
        let clocks = self.clocks();
        json!({
            "stream": self.stream, "seq": self.seq, "oldest": self.seq, "boot": self.boot,
            "sent": clocks,
            "record": { "boot": self.boot, "at": clocks, "series": [{
                "key": instrument, "offsets_ms": [0], "channels": channels, "values": values,
            }] },
        })
    }
}
