//! Whatever is lost and in whatever order messages come: no value is ever another metric's, and in the
//! end everything is read again.
//!
//! A node of three metrics with a device of two speaks over a link that loses and delays. With each
//! connection every alias stands for another metric. Each value is sent once and tells by itself which
//! metric it is of: `number * 10 + metric`.

use proptest::prelude::*;

use super::rules::{Speaker, Spoken, born, by_alias};
use super::*;

/// What the node does next.
#[derive(Debug, Clone, Copy)]
enum Act {
    NodeData,
    DeviceData,
    /// It says its births again, without being asked.
    Births,
    /// The connection breaks and is made again.
    Reconnect,
    DeviceDeath,
}

/// What the link does with a message.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    /// It comes after so many others.
    IsLate(usize),
}

const NAMES: [&str; 5] = ["n0", "n1", "n2", "d3", "d4"];

struct World {
    node: Speaker,
    connection: u64,
    sent: u32,
    /// Messages under way, and after how many others each arrives.
    late: Vec<(usize, Spoken)>,
    host: Host,
    now_ms: i64,
    asked: bool,
    /// Values that were told.
    told: Vec<f64>,
    is_device_here: bool,
}

impl World {
    fn alias(&self, metric: u64) -> u64 {
        (metric + self.connection) % 5
    }

    fn value(&mut self, metric: u64) -> f64 {
        self.sent += 1;
        f64::from(self.sent * 10 + u32::try_from(metric).unwrap())
    }

    fn all(&mut self, metrics: std::ops::Range<u64>) -> Vec<Sent> {
        metrics
            .map(|metric| {
                let value = self.value(metric);
                let name = NAMES[usize::try_from(metric).unwrap()];
                born(name, self.alias(metric), value)
            })
            .collect()
    }

    fn births(&mut self) -> Vec<Spoken> {
        let metrics = self.all(0..3);
        let first = self.node.birth(metrics);
        let metrics = self.all(3..5);
        self.is_device_here = true;
        vec![first, self.node.say("spBv1.0/g/DBIRTH/n/d", metrics)]
    }

    fn data(&mut self, metrics: &[u64]) -> Vec<Sent> {
        let each = metrics.iter().map(|metric| {
            let value = self.value(*metric);
            by_alias(self.alias(*metric), value)
        });
        each.collect()
    }

    fn act(&mut self, act: Act) -> Vec<Spoken> {
        match act {
            Act::NodeData => {
                let metrics = self.data(&[0, 2]);
                vec![self.node.say("spBv1.0/g/NDATA/n", metrics)]
            }
            Act::DeviceData if self.is_device_here => {
                let metrics = self.data(&[4, 3]);
                vec![self.node.say("spBv1.0/g/DDATA/n/d", metrics)]
            }
            Act::DeviceDeath if self.is_device_here => {
                self.is_device_here = false;
                vec![self.node.say("spBv1.0/g/DDEATH/n/d", Vec::new())]
            }
            Act::DeviceData | Act::DeviceDeath => Vec::new(),
            Act::Births => self.births(),
            Act::Reconnect => {
                // The broker keeps the will and sends it at QoS 1 when the connection is gone.
                let death = self.node.death();
                self.arrive(death);
                self.connection += 1;
                self.node.bd_seq = self.connection % 256;
                self.births()
            }
        }
    }

    fn send(&mut self, spoken: Spoken, fate: Fate) {
        match fate {
            Fate::IsLost => {}
            Fate::IsLate(others) => self.late.push((others, spoken)),
            Fate::Arrives => {
                self.arrive(spoken);
                for (others, _) in &mut self.late {
                    *others = others.saturating_sub(1);
                }
                while let Some(due) = self.late.iter().position(|(others, _)| *others == 0) {
                    let (_, spoken) = self.late.remove(due);
                    self.arrive(spoken);
                }
            }
        }
    }

    fn arrive(&mut self, (topic, payload): Spoken) {
        let told = hear(&mut self.host, topic, &payload, self.now_ms);
        self.note(told);
    }

    fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        self.node.clock_ms += u64::try_from(ms).unwrap();
        let told = self.host.tick(self.now_ms);
        self.note(told.into_iter().map(|(_, one)| one).collect());
    }

    fn note(&mut self, told: Vec<Told>) {
        for one in told {
            match one {
                Told::Value {
                    device,
                    metric,
                    value,
                    ..
                } => {
                    let value = value.unwrap();
                    let digit = format!("{value}").pop().unwrap();
                    assert!(
                        metric.name.ends_with(digit),
                        "{value} is told of {}",
                        metric.name
                    );
                    assert_eq!(device.is_some(), metric.name.starts_with('d'));
                    self.told.push(value);
                }
                Told::Rebirth => self.asked = true,
                Told::Unread { .. } | Told::Here(..) | Told::Dropped(_) => {}
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => Just(Act::NodeData),
        8 => Just(Act::DeviceData),
        1 => Just(Act::Births),
        1 => Just(Act::Reconnect),
        1 => Just(Act::DeviceDeath),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Arrives),
        1 => Just(Fate::IsLost),
        2 => (1usize..6).prop_map(Fate::IsLate),
    ]
}

/// Cases of a run, unless `PROPTEST_CASES` says how many.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(400)
}

proptest! {
    // Other cases in every run; what is found is printed whole.
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_loss_and_no_order_makes_a_wrong_value(
        acts in prop::collection::vec((act(), [fate(), fate()], 1i64..40), 1..120),
        answers in any::<bool>(),
    ) {
        let mut world = World {
            node: Speaker::new(),
            connection: 0,
            sent: 0,
            late: Vec::new(),
            host: Host::default(),
            now_ms: 0,
            asked: false,
            told: Vec::new(),
            is_device_here: false,
        };
        for spoken in world.births() {
            world.send(spoken, Fate::Arrives);
        }
        for (act, fates, ms) in acts {
            world.pass(ms);
            for (spoken, fate) in world.act(act).into_iter().zip(fates) {
                world.send(spoken, fate);
            }
            if answers && std::mem::take(&mut world.asked) {
                for (spoken, fate) in world.births().into_iter().zip(fates) {
                    world.send(spoken, fate);
                }
            }
        }
        // The link is well again: whatever is asked for is answered. Longer than the longest wait
        // between two requests.
        for (_, spoken) in std::mem::take(&mut world.late) {
            world.arrive(spoken);
        }
        for _ in 0..800 {
            world.pass(500);
            for spoken in world.act(Act::NodeData) {
                world.arrive(spoken);
            }
            if std::mem::take(&mut world.asked) {
                for spoken in world.births() {
                    world.arrive(spoken);
                }
            }
        }
        let before = world.told.len();
        for act in [Act::Births, Act::DeviceData, Act::NodeData, Act::DeviceData] {
            for spoken in world.act(act) {
                world.arrive(spoken);
            }
        }
        prop_assert_eq!(world.told.len() - before, 5 + 2 + 2 + 2);
        prop_assert!(!world.asked);
    }
}
