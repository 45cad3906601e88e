//! Tests of polling: faults of devices and of the network, and what is ever sent.

use std::collections::BTreeSet;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wire::InstrumentKey;

use super::*;
use crate::allow::Allow;
use crate::config::{Address, Way};
use crate::profile::{Profile, Profiles};
use crate::simulate;

#[path = "tests/whole.rs"]
mod whole;

fn allow(network: &str) -> Allow {
    let mut allow = Allow::default();
    assert!(allow.add(network));
    allow
}

fn way(host: &str, port: u16) -> Way {
    Way::Tcp(Address::parse(&format!("{host}:{port}"), None).unwrap())
}

fn device(profile: Arc<Profile>, port: u16) -> Device {
    Device {
        name: "d".into(),
        instrument: InstrumentKey::parse("NM-1").unwrap(),
        dead_band: vec![0.0; profile.registers.len()],
        profile,
        way: way("127.0.0.1", port),
        unit: 1,
        every: Duration::from_millis(10),
        timeout: Duration::from_millis(150),
        always: false,
    }
}

fn poller(device: Device, allow: Allow) -> Poller {
    let line = Arc::new(Line::new(device.way.clone(), allow));
    Poller::new(0, device, line, Clock::system())
}

fn profile(text: &str) -> Arc<Profile> {
    Arc::new(Profile::parse("test", "test", text).unwrap())
}

/// Two registers of 16 bits in one block, or in two with a gap.
fn two(second: u16) -> Arc<Profile> {
    profile(&format!(
        "title = \"t\"\n[[register]]\nchannel = \"a\"\nfunction = 3\naddress = 0\ntype = \"u16\"\n\
         [[register]]\nchannel = \"b\"\nfunction = 3\naddress = {second}\ntype = \"u16\"\n"
    ))
}

/// A request as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    transaction: u16,
    unit: u8,
    pdu: Vec<u8>,
}

impl Asked {
    /// Frames an answer to this request.
    fn answer(&self, pdu: &[u8]) -> Vec<u8> {
        let length = u16::try_from(pdu.len() + 1).unwrap();
        let mut frame = self.transaction.to_be_bytes().to_vec();
        frame.extend([0, 0]);
        frame.extend(length.to_be_bytes());
        frame.push(self.unit);
        frame.extend(pdu);
        frame
    }

    /// Answers a read of function 3 with its own addresses as values.
    fn echo(&self) -> Vec<u8> {
        let first = u16::from_be_bytes([self.pdu[1], self.pdu[2]]);
        let count = u16::from_be_bytes([self.pdu[3], self.pdu[4]]);
        let mut pdu = vec![3, u8::try_from(count * 2).unwrap()];
        pdu.extend((first..first + count).flat_map(u16::to_be_bytes));
        self.answer(&pdu)
    }
}

/// A device that does what its script says, for as long as it is held.
struct Bad {
    port: u16,
    log: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

impl Bad {
    fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

/// Serves raw bytes; the script gets the number of the request and returns when to send what.
async fn misbehave(script: impl Fn(usize, &Asked) -> (u64, Vec<u8>) + Send + 'static) -> Bad {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&log);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let script = Arc::new(Mutex::new(script));
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&noted)));
        }
    });
    Bad {
        port,
        log,
        _tasks: tasks,
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<impl Fn(usize, &Asked) -> (u64, Vec<u8>) + Send>>,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    let mut head = [0; 7];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut pdu = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])) - 1];
        stream.read_exact(&mut pdu).await.unwrap();
        let asked = Asked {
            transaction: u16::from_be_bytes([head[0], head[1]]),
            unit: head[6],
            pdu,
        };
        let (delay_ms, bytes) = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            (script.lock().unwrap())(log.len(), &asked)
        };
        sleep(Duration::from_millis(delay_ms)).await;
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_simulated_device_gives_good_values() {
    for name in Profiles::built_in().names().split(", ") {
        let profile = Profiles::built_in().get(name).unwrap();
        let simulation = simulate::Simulation::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let port = simulation.address().port();
        let played = simulate::Device::new(Arc::clone(&profile), 1, 1, 1.0);
        let mut poller = poller(device(profile, port), allow("127.0.0.1"));
        let outcome = tokio::select! {
            served = simulation.serve(Arc::new(played), simulate::Framing::Tcp) => panic!("{served:?}"),
            outcome = poller.poll_once() => outcome,
        };
        assert_eq!(outcome.answered, Ok(()));
        assert!(
            outcome.values.iter().all(Result::is_ok),
            "{name}: {:?}",
            outcome.values
        );
    }
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    // The first answer comes after the limit; without care every later one is one behind.
    let bad = misbehave(|number, asked| {
        let delay = if number == 1 { 250 } else { 0 };
        (delay, asked.echo())
    })
    .await;
    let mut poller = poller(device(two(700), bad.port), allow("127.0.0.1"));
    let first = poller.poll_once().await;
    assert_eq!(first.values, [Err(Quality::Timeout), Ok(700.0)]);
    sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        assert_eq!(poller.poll_once().await.values, [Ok(0.0), Ok(700.0)]);
    }
    // The connection after the timeout begins anew: transaction numbers start again.
    let transactions: Vec<u16> = bad.asked().iter().map(|one| one.transaction).collect();
    assert_eq!(transactions[..3], [0, 0, 1]);
}

#[tokio::test]
async fn a_connection_that_the_device_closed_meanwhile_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            // One answer a connection, as simple devices do.
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 12];
            stream.read_exact(&mut request).await.unwrap();
            let asked = Asked {
                transaction: u16::from_be_bytes([request[0], request[1]]),
                unit: request[6],
                pdu: request[7..].to_vec(),
            };
            stream.write_all(&asked.echo()).await.unwrap();
        }
    });
    let mut poller = poller(device(two(9), port), allow("127.0.0.1"));
    for _ in 0..3 {
        assert_eq!(poller.poll_once().await.values, [Ok(0.0), Ok(9.0)]);
    }
}

#[tokio::test]
async fn silence_is_a_timeout_and_is_not_asked_further() {
    let bad = misbehave(|_, _| (0, Vec::new())).await;
    let registers: Vec<String> = (0..6)
        .map(|n| {
            format!(
                "[[register]]\nchannel = \"c{n}\"\nfunction = 4\naddress = {}\ntype = \"u16\"\n",
                n * 10
            )
        })
        .collect();
    let text = registers.concat();
    let profile = profile(&format!("title = \"t\"\n{text}"));
    let mut poller = poller(device(profile, bad.port), allow("127.0.0.1"));
    let outcome = poller.poll_once().await;
    assert_eq!(outcome.values, [Err(Quality::Timeout); 6]);
    assert_eq!(outcome.answered, Err(Quality::Timeout));
    assert_eq!(bad.asked().len(), SILENT_MAX);
}

#[tokio::test]
async fn garbage_is_nonsense_and_never_a_number() {
    type Garbage = fn(&Asked) -> Vec<u8>;
    let kinds: [Garbage; 9] = [
        |asked| asked.answer(&[3, 2, 0, 1]),
        |asked| asked.answer(&[3, 6, 0, 1, 0, 2, 0, 3]),
        |asked| asked.answer(&[4, 4, 0, 1, 0, 2]),
        |asked| asked.answer(&[3, 3, 0, 1, 0]),
        |asked| asked.answer(&[3]),
        |asked| asked.answer(&[6, 0, 0, 0, 1]),
        |asked| asked.answer(&[0x2B, 14, 1, 1, 0, 0, 200]),
        |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        |asked| {
            let mut frame = asked.echo();
            frame[0] ^= 0xFF;
            frame
        },
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        let bad = misbehave(move |_, asked| (0, kind(asked))).await;
        let mut poller = poller(device(two(1), bad.port), allow("127.0.0.1"));
        let outcome = poller.poll_once().await;
        let reason = outcome.values[0].unwrap_err();
        let is_told = matches!(reason, Quality::Nonsense | Quality::Timeout);
        assert!(is_told, "garbage {index}: {reason:?}");
        assert_eq!(outcome.values, [Err(reason); 2], "garbage {index}");
        assert_eq!(outcome.answered, Err(reason));
    }
}

#[tokio::test]
async fn exceptions_become_reasons_and_keep_the_connection() {
    let reasons = [
        (1, Quality::IllegalFunction),
        (2, Quality::IllegalAddress),
        (3, Quality::IllegalValue),
        (4, Quality::DeviceFailure),
        (5, Quality::DeviceBusy),
        (6, Quality::DeviceBusy),
        (8, Quality::DeviceFailure),
        (10, Quality::DeviceUnreachable),
        (11, Quality::DeviceUnreachable),
    ];
    for (code, reason) in reasons {
        let bad = misbehave(move |_, asked| (0, asked.answer(&[0x83, code]))).await;
        let mut poller = poller(device(two(50), bad.port), allow("127.0.0.1"));
        let outcome = poller.poll_once().await;
        assert_eq!(outcome.values, [Err(reason); 2]);
        let expected = if code < 10 { Ok(()) } else { Err(reason) };
        assert_eq!(outcome.answered, expected);
        assert_eq!(bad.asked()[1].transaction, 1, "the connection was dropped");
    }
}

#[tokio::test]
async fn a_refused_block_is_asked_in_parts_so_that_one_wrong_address_spoils_one_channel() {
    let bad = misbehave(|_, asked| {
        let first = u16::from_be_bytes([asked.pdu[1], asked.pdu[2]]);
        let is_wrong = asked.pdu[4] == 2 || first == 1;
        let refusal = asked.answer(&[0x83, 2]);
        (0, if is_wrong { refusal } else { asked.echo() })
    })
    .await;
    let mut poller = poller(device(two(1), bad.port), allow("127.0.0.1"));
    for _ in 0..2 {
        let outcome = poller.poll_once().await;
        assert_eq!(outcome.values, [Ok(0.0), Err(Quality::IllegalAddress)]);
    }
    assert_eq!(
        bad.asked().len(),
        5,
        "the block is split once, not at every poll"
    );
    assert_eq!(place(&poller.blocks[1]), "register 0x0001 (function 3)");
}

#[tokio::test]
async fn no_connection_is_a_broken_link() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut poller = poller(device(two(1), port), allow("127.0.0.1"));
    let outcome = poller.poll_once().await;
    assert_eq!(outcome.values, [Err(Quality::Link); 2]);
    assert_eq!(outcome.answered, Err(Quality::Link));
}

#[tokio::test]
async fn nothing_outside_the_allow_list_is_connected_to() {
    let bad = misbehave(|_, asked| (0, asked.echo())).await;
    for (host, network) in [("127.0.0.1", "10.0.0.0/8"), ("localhost", "10.0.0.0/8")] {
        let mut device = device(two(1), bad.port);
        device.way = way(host, bad.port);
        let outcome = poller(device, allow(network)).poll_once().await;
        assert_eq!(outcome.answered, Err(Quality::Link));
    }
    assert!(bad.asked().is_empty());
}

#[tokio::test]
async fn only_the_profiles_registers_are_ever_asked_for() {
    // Whatever the device answers, no request leaves the profile's functions and addresses.
    let answers: [fn(&Asked) -> Vec<u8>; 3] = [
        |asked| asked.answer(&[asked.pdu[0] | 0x80, 2]),
        |asked| asked.answer(&[asked.pdu[0] | 0x80, 11]),
        Asked::echo,
    ];
    for name in ["sdm120", "pzem017", "generic"] {
        for answer in answers {
            let bad = misbehave(move |_, asked| (0, answer(asked))).await;
            let profile = Profiles::built_in().get(name).unwrap();
            let mut permitted = BTreeSet::new();
            for register in &profile.registers {
                let end = register.address + register.words();
                let addresses = register.address..end;
                permitted.extend(addresses.map(|at| (register.function.code(), at)));
            }
            let mut poller = poller(device(profile, bad.port), allow("127.0.0.1"));
            for _ in 0..3 {
                poller.poll_once().await;
            }
            for asked in bad.asked() {
                assert_eq!((asked.unit, asked.pdu.len()), (1, 5));
                let first = u16::from_be_bytes([asked.pdu[1], asked.pdu[2]]);
                let count = u16::from_be_bytes([asked.pdu[3], asked.pdu[4]]);
                assert!(count >= 1);
                for at in first..first + count {
                    assert!(permitted.contains(&(asked.pdu[0], at)), "{name}: {asked:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_device_that_does_not_answer_is_asked_less_and_less_often() {
    let mut poller = poller(device(two(1), 1), allow("127.0.0.1"));
    poller.device.every = Duration::from_secs(1);
    for (failures, limit) in [(0, 1), (1, 2), (3, 8), (4, 10), (1000, 10)] {
        poller.failures = failures;
        for _ in 0..50 {
            assert!(poller.back_off() <= Duration::from_secs(limit));
        }
    }
}
