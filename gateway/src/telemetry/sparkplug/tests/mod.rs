//! Tests of the host: bytes that another implementation wrote, each rule of a session, and any loss and
//! reordering.

mod chaos;
mod rules;

use super::payload::{Metric as Sent, Payload, Value as Carried, decode};
use super::*;
use scheduler::id::NodeId;
use wire::Quality;

/// Written by protobuf 7.36.2 for Python with the descriptors of pysparkplug 0.6.1.
const BIRTH: &str = "08fbd095ffbc31120b0a05626453657120085803122d0a05506f776572100118e4d095ffbc3120\
    0a4a100a07656e67556e69741205080c420157690000000000b87140120f0a0454656d7010022009650000a441120f\
    0a05436f756e74200150ffffffff0f120c0a05536d616c6c200150fe0112120a03493634200458fbffffffffffffff\
    ff01120d0a0355333220075880d0acf30e12080a024f6e200b7001120a0a044e756c6c200a3801120b0a034f6c6420\
    0328015005120d0a0454657874200c7a0372756e12130a055461626c6520108a010708011201631803120d0a035470\
    6c20139201030a0131120e0a0341727220188201040102030412240a055374616c65200a4a100a075175616c697479\
    1205080318f40369000000000000f03f1807";
const REBIRTH: &str = "08fbd095ffbc3112210a144e6f646520436f6e74726f6c2f5265626972746818fbd095ffbc31\
    200b7001";

const LAB: NodeId = NodeId::new(7);

fn hear(host: &mut Host, topic: &str, payload: &[u8], now_ms: i64) -> Vec<Told> {
    let topic = Topic::parse(topic).unwrap();
    host.hear(LAB, &topic, payload, now_ms).unwrap().1
}

#[test]
fn bytes_of_another_implementation_are_read() {
    let bytes = hex::decode(BIRTH).unwrap();
    let told = hear(&mut Host::default(), "spBv1.0/g/NBIRTH/n", &bytes, 0);
    let mut values = Vec::new();
    let mut unread = Vec::new();
    for one in told {
        match one {
            Told::Value {
                device,
                metric,
                value,
                at_ms,
            } => {
                assert_eq!(device, None);
                let at = at_ms.unwrap() - 1_700_000_000_000;
                values.push((metric.name.to_string(), value, metric.unit.to_string(), at));
            }
            Told::Unread { metric, why, .. } => unread.push((metric.to_string(), why.word())),
            Told::Here(None, true) => {}
            Told::Here(..) | Told::Dropped(_) | Told::Rebirth => panic!("{one:?}"),
        }
    }
    let good = |name: &str, value: f64| (name.to_owned(), Ok(value), String::new(), 123);
    let bad = |name: &str, quality| (name.to_owned(), Err(quality), String::new(), 123);
    let expected = [
        ("Power".to_owned(), Ok(283.5), "W".to_owned(), 100),
        good("Temp", 20.5),
        good("Count", -1.0),
        good("Small", -2.0),
        good("I64", -5.0),
        good("U32", 4e9),
        good("On", 1.0),
        bad("Null", Quality::NotAValue),
        good("Old", 5.0),
        bad("Stale", Quality::Timeout),
    ];
    assert_eq!(values, expected);
    let expected = [
        ("Text", "text"),
        ("Table", "data_set"),
        ("Tpl", "template"),
        ("Arr", "array"),
    ];
    assert_eq!(unread, expected.map(|(name, why)| (name.to_owned(), why)));
}

#[test]
fn what_was_told_becomes_documents_that_mappings_read() {
    let birth = hex::decode(BIRTH).unwrap();
    let mut host = Host::default();
    let topic = Topic::parse("spBv1.0/g/NBIRTH/n").unwrap();
    let (node, told) = host.hear(LAB, &topic, &birth, 0).unwrap();
    let all = documents(&node, &told, host.devices(&node));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].topic, "spBv1.0/g/n");
    assert_eq!(all[1].topic, "spBv1.0/$online/g/n");
    assert_eq!(all[1].body, serde_json::json!(true));
    let message =
        |at: usize, pointer: &str| all[0].body.pointer(&format!("/messages/{at}{pointer}"));
    assert_eq!(message(0, "/timestamp").unwrap(), 1_700_000_000_100_i64);
    assert_eq!(
        message(0, "/metrics").unwrap(),
        &serde_json::json!({ "Power": 283.5 })
    );
    assert_eq!(message(1, "/metrics/Temp").unwrap(), 20.5);
    assert!(message(1, "/metrics/Null").unwrap().is_null());
    assert_eq!(message(2, ""), None);

    let dead = [Told::Here(None, false)];
    let devices = ["d".into(), "e".into()];
    let all = documents(&node, &dead, devices.iter());
    let topics: Vec<&str> = all.iter().map(|one| one.topic.as_str()).collect();
    let expected = ["", "/d", "/e"].map(|rest| format!("spBv1.0/$online/g/n{rest}"));
    assert_eq!(topics, expected);
    assert!(topics.iter().all(|topic| Topic::is_presence(topic)));
}

#[test]
fn what_is_sent_are_the_bytes_of_another_implementation() {
    let (topic, payload) = rebirth_request("g", "n", 1_700_000_000_123);
    assert_eq!(topic, "spBv1.0/g/NCMD/n");
    assert_eq!(hex::encode(payload), REBIRTH.replace(' ', ""));
    let (topic, payload) = state("lab", true, 1_700_000_000_123);
    assert_eq!(topic, "spBv1.0/STATE/lab");
    assert_eq!(payload, br#"{"online":true,"timestamp":1700000000123}"#);
}

#[test]
fn topics_are_what_edge_nodes_send_to() {
    let parsed = Topic::parse("spBv1.0/g/DDATA/n/d").unwrap();
    assert_eq!(
        (parsed.group, parsed.node, parsed.device),
        ("g", "n", Some("d"))
    );
    for strange in [
        "spBv1.0/g/NDATA/n/d",
        "spBv1.0/g/DDATA/n",
        "spBv1.0/g/DDATA/n/d/x",
        "spBv1.0/g/NCMD/n",
        "spBv1.0/STATE/host",
        "spBv1.0/g//n",
        "spAv1.0/g/NDATA/n",
        "spBv1.0//NDATA/n",
    ] {
        assert_eq!(Topic::parse(strange), None, "{strange}");
    }
    assert!(Topic::is_sparkplug("spBv1.0/x") && !Topic::is_sparkplug("spBv1.0x"));
}

#[test]
fn what_is_too_much_is_refused_before_it_is_made() {
    let refusal = |bytes: &[u8]| decode(bytes).unwrap_err().word();
    assert_eq!(refusal(&vec![0; PAYLOAD_BYTES_MAX + 1]), "too_large");
    assert_eq!(refusal(b"{\"power\":1}"), "not_sparkplug");
    // Field 2, length 0: an empty metric in two bytes.
    let many = [0x12, 0].repeat(METRICS_OF_MESSAGE_MAX + 1);
    assert_eq!(refusal(&many), "too_many_metrics");
    assert!(decode(&[0x12, 0].repeat(METRICS_OF_MESSAGE_MAX)).is_ok());
    let zipped = Payload {
        uuid: Some("SPBV1.0_COMPRESSED".to_owned()),
        ..Payload::default()
    };
    assert_eq!(
        refusal(&prost::Message::encode_to_vec(&zipped)),
        "compressed"
    );
}

#[test]
fn who_invents_nodes_pushes_out_its_own() {
    let mut host = Host::default();
    let birth = hex::decode(BIRTH).unwrap();
    let born = |host: &mut Host, lab: u32, name: &str, now_ms| {
        let topic = format!("spBv1.0/g/NBIRTH/{name}");
        let topic = Topic::parse(&topic).unwrap();
        let lab = NodeId::new(i64::from(lab));
        host.hear(lab, &topic, &birth, now_ms).unwrap();
    };
    let name = |node: &str| NodeName {
        group: "g".into(),
        node: node.into(),
    };
    born(&mut host, 1, "quiet", 0);
    // One that never was born.
    let data = Topic::parse("spBv1.0/g/NDATA/unborn").unwrap();
    let nothing = prost::Message::encode_to_vec(&Payload::default());
    host.hear(NodeId::new(2), &data, &nothing, 5_000).unwrap();
    for number in 0..NODES_MAX - 2 {
        born(&mut host, 2, &format!("n{number}"), 1_000);
    }
    assert_eq!(host.names().count(), NODES_MAX);
    let topic = |name: &str| format!("spBv1.0/g/NBIRTH/{name}");
    let comes = |host: &mut Host, lab, name: &str, now_ms| {
        let topic = topic(name);
        let topic = Topic::parse(&topic).unwrap();
        host.hear(NodeId::new(lab), &topic, &birth, now_ms)
            .map(|_| ())
    };
    comes(&mut host, 2, "n0", 9_000).unwrap();
    comes(&mut host, 3, "new", 10_000).unwrap();
    assert!(!host.knows(&name("unborn")), "the one that was never born");
    // Nodes that are there stay.
    let refused = Err("too_many_nodes");
    assert_eq!(comes(&mut host, 2, "more", 60_000), refused);
    assert_eq!(comes(&mut host, 4, "more", 60_000), refused);
    comes(&mut host, 4, "more", 301_000).unwrap();
    let is_there = |number: usize| host.knows(&name(&format!("n{number}")));
    let gone = (0..NODES_MAX - 2)
        .filter(|number| !is_there(*number))
        .count();
    assert_eq!(
        (gone, is_there(0)),
        (1, true),
        "one of those that are silent for longest"
    );
    for kept in ["quiet", "new", "more"] {
        assert!(host.knows(&name(kept)), "{kept}");
    }
    assert_eq!(host.names().count(), NODES_MAX);
}

#[test]
fn integers_are_what_their_type_says() {
    let read = |datatype, value| {
        let metric = Sent {
            datatype: Some(datatype),
            value: Some(value),
            ..Sent::default()
        };
        value::number(&metric, metric.datatype).map(|number| number.unwrap())
    };
    assert_eq!(read(1, Carried::Int(0xFF)), Ok(-1.0));
    assert_eq!(read(1, Carried::Int(0x17F)), Err(Unread::WrongType));
    assert_eq!(read(2, Carried::Int(0xFFFF_8000)), Ok(-32_768.0));
    assert_eq!(read(2, Carried::Long(0x8000)), Ok(-32_768.0));
    assert_eq!(read(3, Carried::Long(0xFFFF_FFFF)), Ok(-1.0));
    assert_eq!(read(3, Carried::Long(u64::MAX)), Ok(-1.0));
    assert_eq!(
        read(4, Carried::Long(1 << 63)),
        Ok(-9_223_372_036_854_775_808.0)
    );
    assert_eq!(read(5, Carried::Int(256)), Err(Unread::WrongType));
    assert_eq!(read(7, Carried::Int(u32::MAX)), Ok(4_294_967_295.0));
    assert_eq!(read(8, Carried::Long(1 << 40)), Ok(1_099_511_627_776.0));
    assert_eq!(read(11, Carried::Int(1)), Ok(1.0));
    assert_eq!(read(13, Carried::Long(1)), Err(Unread::Time));
    assert_eq!(read(12, Carried::Int(1)), Err(Unread::WrongType));
    let metric = Sent {
        value: Some(Carried::Double(f64::NAN)),
        ..Sent::default()
    };
    assert_eq!(value::number(&metric, None), Ok(Err(Quality::NotAValue)));
}
