//! Tests of RTU lines: what is in the line when, and that an answer is never taken for another's.
//!
//! The device is a script behind a TCP connection or a pair of pseudo terminals; peers that are not
//! ours are in the `tests` package.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_serial::{SerialPort as _, SerialStream};

use super::*;
use crate::config::{Address, Parity, RtuOverTcp, Serial};

#[path = "tests/ended.rs"]
mod ended;

/// For an answer that does not come.
const SHORT: Duration = Duration::from_millis(100);

/// For an answer that comes, on a machine however busy.
const LONG: Duration = Duration::from_secs(5);

fn block(address: u16) -> Block {
    Block {
        function: Function::HoldingRegisters,
        address,
        count: 1,
        registers: vec![0],
    }
}

fn allow(what: &str) -> Allow {
    let mut allow = Allow::default();
    assert!(allow.add(what));
    allow
}

/// The check sum of RTU. Source: MODBUS over Serial Line V1.02, section 6.2.2.
fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    let mut sum = 0xFFFF_u16;
    for byte in &frame {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xA001
            } else {
                sum >> 1
            };
        }
    }
    frame.extend(sum.to_le_bytes());
    frame
}

/// A request for one register as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    unit: u8,
    address: u16,
}

impl Asked {
    /// The right answer: the register holds its address and unit.
    fn answer(&self) -> Vec<u8> {
        let [high, low] = value(self.unit, self.address).to_be_bytes();
        sealed(vec![self.unit, 3, 2, high, low])
    }
}

fn value(unit: u8, address: u16) -> u16 {
    u16::from(unit) * 1000 + address
}

/// What a device does with a request: pieces of bytes, each after so many milliseconds.
type Script = fn(usize, &Asked) -> Vec<(u64, Vec<u8>)>;

/// Plays a device until the connection ends.
async fn play(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script) {
    let mut number = 0;
    let mut request = [0; 8];
    while stream.read_exact(&mut request).await.is_ok() {
        assert_eq!(sealed(request[..6].to_vec()), request, "a broken request");
        let asked = Asked {
            unit: request[0],
            address: u16::from_be_bytes([request[2], request[3]]),
        };
        number += 1;
        for (delay_ms, bytes) in script(number, &asked) {
            sleep(Duration::from_millis(delay_ms)).await;
            if stream.write_all(&bytes).await.is_err() {
                break;
            }
        }
    }
}

/// A device server: one device behind it, whatever connection comes. What the device says while
/// nobody is connected is lost.
async fn converter(script: Script) -> (Line, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (bus, far) = tokio::io::duplex(4096);
        tokio::join!(pass_on(listener, bus), play(far, script));
    });
    let address = Address::parse(&format!("127.0.0.1:{port}"), None).unwrap();
    let pause = Duration::from_millis(2);
    let way = Way::RtuOverTcp(RtuOverTcp { address, pause });
    (Line::new(way, allow("127.0.0.1")), tasks)
}

async fn pass_on(listener: TcpListener, mut bus: DuplexStream) {
    let mut connection: Option<TcpStream> = None;
    let (mut up, mut down) = ([0; 64], [0; 64]);
    loop {
        tokio::select! {
            accepted = listener.accept() => connection = Some(accepted.unwrap().0),
            bytes = read(&mut connection, &mut down) => match bytes {
                0 => connection = None,
                bytes => bus.write_all(&down[..bytes]).await.unwrap(),
            },
            bytes = bus.read(&mut up) => {
                let Some(stream) = &mut connection else { continue };
                if stream.write_all(&up[..bytes.unwrap()]).await.is_err() {
                    connection = None;
                }
            }
        }
    }
}

async fn read(connection: &mut Option<TcpStream>, space: &mut [u8]) -> usize {
    match connection {
        Some(stream) => stream.read(space).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// A device on a serial port; the port's other end is held by the device.
fn terminal(script: Script) -> (Line, JoinSet<()>) {
    let (far, near) = SerialStream::pair().unwrap();
    let port = near.name().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // Held open, as a cable is: the port can be opened again and again.
        let _cable = near;
        play(far, script).await;
    });
    let mut serial = Serial {
        port: port.clone(),
        baud: 115_200,
        parity: Parity::None,
        stop_bits: 1,
        pause: Duration::ZERO,
    };
    serial.pause = serial.silence();
    (Line::new(Way::Serial(serial), allow(&port)), tasks)
}

/// Runs a test over both ways that speak RTU.
async fn over_both<F: Future<Output = ()>>(script: Script, test: impl Fn(Line) -> F) {
    let (line, tasks) = converter(script).await;
    test(line).await;
    drop(tasks);
    let (line, tasks) = terminal(script);
    test(line).await;
    drop(tasks);
}

#[tokio::test]
async fn many_units_share_a_line_in_turn() {
    let right: Script = |_, asked| vec![(1, asked.answer())];
    over_both(right, async |line| {
        let line = &line;
        let reads = (1..=8_u8).map(|unit| async move {
            for address in 0..5 {
                let words = line.read(unit, &block(address), LONG).await;
                assert_eq!(words.unwrap(), [value(unit, address)]);
            }
        });
        let mut reads: Vec<_> = reads.map(Box::pin).collect();
        // All at once; each is polled until all are done.
        std::future::poll_fn(|cx| {
            reads.retain_mut(|read| read.as_mut().poll(cx).is_pending());
            if reads.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_the_next_one() {
    // The first answer comes when the second request would be under way; then all is right.
    let late: Script = |number, asked| {
        let delay_ms = if number == 1 { 150 } else { 0 };
        vec![(delay_ms, asked.answer())]
    };
    over_both(late, async |line| {
        let first = line.read(1, &block(7), SHORT).await;
        assert!(matches!(first, Err(ReadError::Timeout(_))), "{first:?}");
        for address in 8..13 {
            let words = line.read(1, &block(address), LONG).await;
            assert_eq!(words.unwrap(), [value(1, address)], "one behind");
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_in_pieces_is_an_answer() {
    let split: Script = |_, asked| {
        let answer = asked.answer();
        answer.into_iter().map(|byte| (3, vec![byte])).collect()
    };
    over_both(split, async |line| {
        for address in 0..3 {
            let words = line.read(2, &block(address), LONG).await;
            assert_eq!(words.unwrap(), [value(2, address)]);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_broken_on_the_line_is_no_value_and_the_next_is_right() {
    // Each odd request is spoiled in another way.
    let spoiled: Script = |number, asked| {
        let mut answer = asked.answer();
        match number {
            1 => answer[4] ^= 1,
            3 => answer = sealed(vec![9, 3, 2, 0, 0]),
            5 => answer = sealed(vec![asked.unit, 4, 2, 0, 0]),
            7 => answer = sealed(vec![asked.unit, 3, 4, 0, 0, 0, 0]),
            9 => answer.truncate(4),
            11 => answer = vec![0xFF; 40],
            _ => {}
        }
        vec![(0, answer)]
    };
    over_both(spoiled, async |line| {
        for address in 0..6 {
            let broken = line.read(1, &block(address), SHORT).await;
            let error = broken.expect_err("a broken answer gave a value");
            let quality = error.quality();
            assert!(
                matches!(quality, Quality::Nonsense | Quality::Timeout),
                "{error}"
            );
            let words = line.read(1, &block(address), LONG).await;
            assert_eq!(words.unwrap(), [value(1, address)]);
        }
    })
    .await;
}

#[tokio::test]
async fn exceptions_of_rtu_devices_are_reasons() {
    let refuse: Script = |_, asked| {
        let code = u8::try_from(asked.address).unwrap();
        vec![(0, sealed(vec![asked.unit, 0x83, code]))]
    };
    over_both(refuse, async |line| {
        let reasons = [
            (1, Quality::IllegalFunction),
            (2, Quality::IllegalAddress),
            (3, Quality::IllegalValue),
            (4, Quality::DeviceFailure),
            (5, Quality::DeviceBusy),
            (6, Quality::DeviceBusy),
            (10, Quality::DeviceUnreachable),
            (11, Quality::DeviceUnreachable),
        ];
        for (code, reason) in reasons {
            let error = line.read(1, &block(code), LONG).await.unwrap_err();
            assert_eq!(error.quality(), reason, "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_silent_unit_does_not_silence_the_others() {
    let silent: Script = |_, asked| {
        if asked.unit == 1 {
            Vec::new()
        } else {
            vec![(0, asked.answer())]
        }
    };
    over_both(silent, async |line| {
        for _ in 0..2 {
            let error = line.read(1, &block(0), SHORT).await.unwrap_err();
            assert_eq!(error.quality(), Quality::Timeout);
            for unit in 2..5 {
                let words = line.read(unit, &block(3), LONG).await;
                assert_eq!(words.unwrap(), [value(unit, 3)]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_not_permitted_is_not_opened() {
    let right: Script = |_, asked| vec![(0, asked.answer())];
    let (line, _tasks) = terminal(right);
    let other = Line::new(line.way.clone(), allow("/dev/ttyS99"));
    let refused = other.read(1, &block(0), LONG).await;
    assert!(matches!(refused, Err(ReadError::Forbidden)), "{refused:?}");
    assert_eq!(line.read(1, &block(5), LONG).await.unwrap(), [value(1, 5)]);
}

#[tokio::test]
async fn a_port_that_is_not_there_is_a_broken_link() {
    let way = Way::Serial(Serial {
        port: "/dev/no-such-port".to_owned(),
        baud: 9600,
        parity: Parity::Even,
        stop_bits: 1,
        pause: Duration::from_millis(4),
    });
    let line = Line::new(way, allow("/dev/no-such-port"));
    let error = line.read(1, &block(0), LONG).await.unwrap_err();
    assert_eq!(error.quality(), Quality::Link, "{error}");
}
