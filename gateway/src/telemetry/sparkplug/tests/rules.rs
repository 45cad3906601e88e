//! Each rule of a session, one after the other.

use prost::Message as _;

use super::super::session::{ASK_MS, CLOCK_BACK_MS, DOUBT_MS, HELD_MAX, REORDER_MS};
use super::*;

/// A node with two metrics and a device with one, as it speaks.
pub(super) struct Speaker {
    pub(super) clock_ms: u64,
    pub(super) seq: u8,
    pub(super) bd_seq: u64,
}

impl Speaker {
    pub(super) fn new() -> Self {
        Self {
            clock_ms: 1_000_000,
            seq: 0,
            bd_seq: 0,
        }
    }

    fn payload(&mut self, metrics: Vec<Sent>) -> Payload {
        self.clock_ms += 1;
        let seq = Some(self.seq.into());
        self.seq = self.seq.wrapping_add(1);
        Payload {
            timestamp: Some(self.clock_ms),
            metrics,
            seq,
            uuid: None,
        }
    }

    pub(super) fn birth(&mut self, metrics: Vec<Sent>) -> Spoken {
        self.seq = 0;
        let mut payload = self.payload(metrics);
        payload.metrics.push(bd_seq(self.bd_seq));
        ("spBv1.0/g/NBIRTH/n", payload.encode_to_vec())
    }

    pub(super) fn death(&self) -> Spoken {
        let payload = Payload {
            timestamp: Some(self.clock_ms),
            metrics: vec![bd_seq(self.bd_seq)],
            ..Payload::default()
        };
        ("spBv1.0/g/NDEATH/n", payload.encode_to_vec())
    }

    pub(super) fn say(&mut self, topic: &'static str, metrics: Vec<Sent>) -> Spoken {
        (topic, self.payload(metrics).encode_to_vec())
    }

    fn data(&mut self, alias: u64, value: f64) -> Spoken {
        self.say("spBv1.0/g/NDATA/n", vec![by_alias(alias, value)])
    }
}

pub(super) type Spoken = (&'static str, Vec<u8>);

fn bd_seq(number: u64) -> Sent {
    Sent {
        name: Some("bdSeq".to_owned()),
        datatype: Some(4),
        value: Some(Carried::Long(number)),
        ..Sent::default()
    }
}

pub(super) fn born(name: &str, alias: u64, value: f64) -> Sent {
    Sent {
        name: Some(name.to_owned()),
        datatype: Some(10),
        ..by_alias(alias, value)
    }
}

pub(super) fn by_alias(alias: u64, value: f64) -> Sent {
    Sent {
        alias: Some(alias),
        value: Some(Carried::Double(value)),
        ..Sent::default()
    }
}

/// The host and everything it was told.
struct Bench {
    host: Host,
    now_ms: i64,
}

impl Bench {
    fn new() -> Self {
        let host = Host::default();
        Self { host, now_ms: 0 }
    }

    fn hear(&mut self, (topic, payload): Spoken) -> Vec<String> {
        shown(&hear(&mut self.host, topic, &payload, self.now_ms))
    }

    fn wait(&mut self, ms: i64) -> Vec<String> {
        self.now_ms += ms;
        let told = self.host.tick(self.now_ms);
        shown(&told.into_iter().map(|(_, one)| one).collect::<Vec<_>>())
    }
}

/// Writes what was told in words.
fn shown(told: &[Told]) -> Vec<String> {
    let words = told.iter().map(|one| match one {
        Told::Value {
            device,
            metric,
            value,
            ..
        } => {
            let place = device
                .as_deref()
                .map_or_else(String::new, |name| format!("{name}/"));
            match value {
                Ok(value) => format!("{place}{}={value}", metric.name),
                Err(quality) => format!("{place}{}: {}", metric.name, quality.as_str()),
            }
        }
        Told::Unread { metric, why, .. } => format!("{metric} {}", why.word()),
        Told::Here(device, is_here) => {
            let sign = if *is_here { '+' } else { '-' };
            format!("{sign}{}", device.as_deref().unwrap_or("node"))
        }
        Told::Dropped(why) => (*why).to_owned(),
        Told::Rebirth => "rebirth".to_owned(),
    });
    words.collect()
}

fn two() -> Vec<Sent> {
    vec![born("a", 1, 1.0), born("b", 2, 2.0)]
}

const BORN: [&str; 3] = ["a=1", "b=2", "+node"];

#[test]
fn aliases_stand_for_what_the_birth_named() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    assert_eq!(bench.hear(node.birth(two())), BORN);
    assert_eq!(bench.hear(node.data(2, 5.0)), ["b=5"]);
    assert_eq!(
        bench.hear(node.say("spBv1.0/g/DBIRTH/n/d", vec![born("c", 3, 3.0)])),
        ["d/c=3", "+d"]
    );
    let data = node.say("spBv1.0/g/DDATA/n/d", vec![by_alias(3, 6.0)]);
    assert_eq!(bench.hear(data), ["d/c=6"]);
    // An alias of the device is not one of the node.
    assert_eq!(bench.hear(node.data(3, 7.0)), [" not_in_birth", "rebirth"]);
    let death = node.say("spBv1.0/g/DDEATH/n/d", Vec::new());
    assert_eq!(bench.hear(death), ["-d"]);
    let data = node.say("spBv1.0/g/DDATA/n/d", vec![by_alias(3, 6.0)]);
    assert_eq!(
        bench.hear(data),
        [" alias_in_doubt"],
        "it was asked already"
    );
}

#[test]
fn an_alias_of_two_metrics_stands_for_neither() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    bench.hear(node.birth(vec![
        born("a", 1, 1.0),
        born("b", 1, 2.0),
        born("x", 9, 0.0),
    ]));
    assert_eq!(bench.hear(node.data(1, 5.0)), [" alias_in_doubt"]);
    bench.hear(node.say("spBv1.0/g/DBIRTH/n/d", vec![born("c", 9, 3.0)]));
    assert_eq!(bench.hear(node.data(9, 5.0)), [" alias_in_doubt"]);
}

#[test]
fn two_messages_in_the_wrong_order_are_put_right() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    bench.hear(node.birth(two()));
    for _ in 0..300 {
        let (first, second) = (node.data(1, 10.0), node.data(2, 20.0));
        assert_eq!(bench.hear(second), Vec::<String>::new());
        assert_eq!(bench.hear(first), ["a=10", "b=20"]);
    }
    assert_eq!(bench.wait(REORDER_MS), Vec::<String>::new());
}

#[test]
fn whichever_message_is_lost_a_birth_is_asked_for() {
    for lost in 0..5 {
        let (mut bench, mut node) = (Bench::new(), Speaker::new());
        bench.hear(node.birth(two()));
        let spoken: Vec<Spoken> = (0..6).map(|_| node.data(1, 10.0)).collect();
        let mut told = Vec::new();
        for (number, one) in spoken.into_iter().enumerate() {
            if number != lost {
                told.extend(bench.hear(one));
            }
        }
        assert!(!told.contains(&"rebirth".to_owned()));
        let later = bench.wait(REORDER_MS);
        // What came after the gap has only aliases.
        assert_eq!(told.len() + later.len() - 1, 5, "{told:?} {later:?}");
        assert!(later.contains(&"rebirth".to_owned()) && !later.contains(&"a=10".to_owned()));
        assert_eq!(bench.hear(node.data(1, 11.0)), [" alias_in_doubt"]);
        let named = Sent {
            alias: None,
            ..born("a", 0, 12.0)
        };
        let data = node.say("spBv1.0/g/NDATA/n", vec![named]);
        assert_eq!(
            bench.hear(data),
            ["a=12"],
            "what names itself is true in any order"
        );
        assert_eq!(bench.hear(node.birth(two()))[..2], BORN[..2]);
        assert_eq!(bench.hear(node.data(1, 13.0)), ["a=13"]);
    }
}

#[test]
fn far_ahead_is_lost_at_once() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    bench.hear(node.birth(two()));
    node.seq = node.seq.wrapping_add(HELD_MAX + 1);
    assert_eq!(
        bench.hear(node.data(1, 10.0)),
        [" alias_in_doubt", "rebirth"]
    );
}

#[test]
fn integers_wait_for_a_certain_type() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    let integer = |datatype| Sent {
        name: Some("i".to_owned()),
        datatype,
        value: Some(Carried::Int(u32::MAX)),
        ..Sent::default()
    };
    assert_eq!(
        bench.hear(node.birth(vec![integer(Some(3))])),
        ["i=-1", "+node"]
    );
    let data = node.say("spBv1.0/g/NDATA/n", vec![integer(None)]);
    assert_eq!(bench.hear(data), ["i=-1"]);
    node.seq = 99;
    let data = node.say("spBv1.0/g/NDATA/n", vec![integer(None), integer(Some(7))]);
    assert_eq!(bench.hear(data), ["i no_type", "i=4294967295", "rebirth"]);
}

#[test]
fn a_death_counts_by_its_number() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    bench.hear(node.birth(two()));
    let old = node.death();
    assert_eq!(bench.hear(node.death()), ["-node"]);
    assert_eq!(bench.hear(node.data(1, 1.0)), ["after_death", "rebirth"]);
    node.bd_seq = 1;
    bench.now_ms += ASK_MS.1;
    assert_eq!(bench.hear(node.birth(two())), BORN);
    // The will of the session before comes late: the node answers, and nothing is lost.
    assert_eq!(bench.hear(old), ["death_of_another_session", "rebirth"]);
    assert_eq!(bench.hear(node.data(1, 7.0)), ["a=7"]);
    assert_eq!(bench.wait(DOUBT_MS), ["rebirth"]);
    // One that fits nobody, and then silence: it is gone until it speaks, and whoever speaks then is
    // not who was born.
    let strange = Speaker {
        bd_seq: 9,
        ..Speaker::new()
    };
    assert_eq!(bench.hear(strange.death()), ["death_of_another_session"]);
    assert!(bench.wait(DOUBT_MS).contains(&"-node".to_owned()));
    assert_eq!(bench.hear(node.data(1, 8.0)), ["+node", " alias_in_doubt"]);
    assert_eq!(bench.hear(node.birth(two()))[..2], ["a=1", "b=2"]);
    assert_eq!(bench.hear(node.data(1, 9.0)), ["a=9"]);
}

#[test]
fn a_will_may_overtake_its_birth() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    let birth = node.birth(two());
    assert_eq!(bench.hear(node.death()), Vec::<String>::new());
    let mut expected = BORN.map(str::to_owned).to_vec();
    expected.push("rebirth".to_owned());
    assert_eq!(bench.hear(birth), expected);
    assert!(bench.wait(DOUBT_MS).contains(&"-node".to_owned()));
}

#[test]
fn a_late_birth_of_a_session_that_is_over_is_not_believed() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    bench.hear(node.birth(two()));
    let late = node.birth(vec![born("b", 1, 2.0), born("a", 2, 1.0)]);
    bench.hear(node.death());
    assert!(bench.hear(late).contains(&"rebirth".to_owned()));
    assert_eq!(bench.hear(node.data(1, 5.0)), [" alias_in_doubt"]);
    node.bd_seq = 1;
    bench.now_ms += ASK_MS.1;
    bench.hear(node.birth(two()));
    assert_eq!(bench.hear(node.data(1, 6.0)), ["a=6"]);
}

#[test]
fn nobody_is_asked_all_the_time() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    assert_eq!(
        bench.hear(node.data(1, 1.0)),
        [" alias_in_doubt", "rebirth"]
    );
    let mut asked = Vec::new();
    for second in 0..2_000 {
        bench.now_ms = second * 1_000;
        if bench
            .hear(node.data(1, 1.0))
            .contains(&"rebirth".to_owned())
        {
            asked.push(second);
        }
    }
    assert_eq!(asked, [10, 30, 70, 150, 310, 630, 950, 1_270, 1_590, 1_910]);
    bench.hear(node.birth(two()));
    assert_eq!(bench.wait(ASK_MS.1), Vec::<String>::new());
}

#[test]
fn a_birth_that_is_late_is_passed_over_and_a_clock_that_went_back_is_not() {
    let (mut bench, mut node) = (Bench::new(), Speaker::new());
    let late = node.birth(vec![born("b", 1, 2.0), born("a", 2, 1.0)]);
    let data = node.data(1, 9.0);
    bench.hear(node.birth(two()));
    assert_eq!(bench.hear(late), ["older_birth", "rebirth"]);
    assert_eq!(bench.hear(data), ["before_birth"]);
    assert_eq!(bench.hear(node.data(1, 5.0)), ["a=5"]);
    node.clock_ms -= 500_000;
    bench.now_ms += CLOCK_BACK_MS;
    assert_eq!(bench.hear(node.birth(two()))[..2], BORN[..2]);
    assert_eq!(bench.hear(node.data(1, 6.0)), ["a=6"]);
}
