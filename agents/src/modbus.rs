//! A line to devices: one way, one request at a time, shared by the units behind it.
//!
//! What comes in: which block of which unit to read. What goes out: exactly as many words as were
//! asked for, or why not. These rules keep answers and questions together (tokio-modbus threads 60
//! and 324: after a cancelled call every later answer is one request behind):
//!
//! - Every call has a timeout. After a timeout, a transport or a protocol error the connection is
//!   dropped, or the serial port closed; an exception is an answer and keeps it.
//! - RTU frames have no transaction number. So the line rests for [`REST`] after such an error, a
//!   unit that owes an answer, be it that the connection ended meanwhile, is left alone for as long
//!   as it was given before (as libmodbus does), and what is in the line when a request begins is
//!   thrown away ([`drain`]). Before each request
//!   there is silence, which ends the frame before.
//! - Only the four reading functions can be expressed, and each connection is checked against the
//!   allow-list after name resolution.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_modbus::client::{Client, Context};
use tokio_modbus::{Error, ExceptionCode, Request, Response, Slave};
use tokio_rustls::rustls;

use crate::allow::Allow;
use crate::config::Way;
use crate::plan::Block;
use crate::register::Function;
use wire::Quality;

mod drain;
mod open;

use drain::EndedBefore;

/// An RTU line rests so long after an answer that did not come or did not fit.
const REST: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The allow-list does not permit the port, or no address that the name stands for.
    #[error("the allow-list does not permit to connect there")]
    Forbidden,
    /// No connection could be made, or no port opened, or the other end is not to be trusted.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// No answer came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The device closed or reset the connection while it was asked.
    #[error("the device closed the connection")]
    Closed,
    /// The connection had been closed before it was asked.
    #[error("the device had closed the connection")]
    Idle,
    /// The answer did not fit the question.
    #[error("the answer does not fit the question: {0}")]
    Nonsense(String),
    /// The device refused.
    #[error("Modbus exception {}: {}", code(*.0), .0)]
    Exception(ExceptionCode),
}

impl ReadError {
    /// Returns the reason that readings carry.
    #[must_use]
    pub fn quality(&self) -> Quality {
        match self {
            Self::Forbidden | Self::Connect(_) | Self::Closed | Self::Idle => Quality::Link,
            Self::Timeout(_) => Quality::Timeout,
            Self::Nonsense(_) => Quality::Nonsense,
            // Source: MODBUS Application Protocol Specification V1.1b3, section 7.
            Self::Exception(exception) => match code(*exception) {
                1 => Quality::IllegalFunction,
                2 => Quality::IllegalAddress,
                3 => Quality::IllegalValue,
                5 | 6 => Quality::DeviceBusy,
                10 | 11 => Quality::DeviceUnreachable,
                _ => Quality::DeviceFailure,
            },
        }
    }
}

fn code(exception: ExceptionCode) -> u8 {
    exception.into()
}

/// One connection or open port at most, one request at a time.
pub(crate) struct Line {
    way: Way,
    allow: Allow,
    turn: tokio::sync::Mutex<Turn>,
    /// Units whose answer to an earlier request may still come, and until when.
    owing: Mutex<BTreeMap<u8, Instant>>,
}

/// What a unit has while it is asked: the line.
struct Turn {
    context: Option<Context>,
    /// Nothing may be sent before.
    silent_until: Instant,
}

impl Line {
    /// Makes a line that connects at the first read.
    pub(crate) fn new(way: Way, allow: Allow) -> Self {
        let turn = Turn {
            context: None,
            silent_until: Instant::now(),
        };
        Self {
            way,
            allow,
            turn: tokio::sync::Mutex::new(turn),
            owing: Mutex::default(),
        }
    }

    /// Reads a block of a unit: `block.count` words, for coils and inputs 0 or 1 each.
    ///
    /// Waits for its turn on the line, first come first served; the limit counts for connecting and
    /// for the answer each. Devices close idle connections: when one from before turns out to be
    /// closed, the question is asked once more over a new one. An RTU device may have heard it, if it
    /// was sent: then its answer could come over the new one, and it is not asked.
    ///
    /// # Errors
    /// Returns [`ReadError`]; see the module for what happens to the connection.
    pub(crate) async fn read(
        &self,
        unit: u8,
        block: &Block,
        limit: Duration,
    ) -> Result<Vec<u16>, ReadError> {
        // Before its turn: others need not wait for what this one owes.
        if let Some(until) = self.owes(unit, None) {
            sleep_until(until).await;
        }
        let mut turn = self.turn.lock().await;
        sleep_until(turn.silent_until).await;
        let answer = self.read_in_turn(&mut turn, unit, block, limit).await;
        if self.way.is_rtu() {
            use ReadError::{Closed, Nonsense, Timeout};
            let is_lost = matches!(answer, Err(Timeout(_) | Nonsense(_) | Closed));
            let pause = if is_lost {
                self.owes(unit, Some(Instant::now() + limit.max(REST)));
                self.way.pause().max(REST)
            } else {
                self.way.pause()
            };
            turn.silent_until = Instant::now() + pause;
        }
        answer
    }

    /// Returns until when a unit owes an answer, or notes it.
    fn owes(&self, unit: u8, until: Option<Instant>) -> Option<Instant> {
        let mut owing = self.owing.lock().unwrap_or_else(PoisonError::into_inner);
        match until {
            Some(until) => owing.insert(unit, until),
            None => owing.get(&unit).copied(),
        }
    }

    async fn read_in_turn(
        &self,
        turn: &mut Turn,
        unit: u8,
        block: &Block,
        limit: Duration,
    ) -> Result<Vec<u16>, ReadError> {
        // Taken out: whatever ends this call early, cancelling too, drops the connection.
        if let Some(context) = turn.context.take() {
            match ask(context, &mut turn.context, unit, block, limit).await {
                Err(ReadError::Idle) => {}
                Err(ReadError::Closed) if !self.way.is_rtu() => {}
                answer => return answer,
            }
        }
        let late = |_| ReadError::Connect(io::ErrorKind::TimedOut.into());
        let opening = timeout(limit, open::open(&self.way, &self.allow));
        let context = opening.await.map_err(late)??;
        if self.way.is_rtu() {
            // What the other end still holds from before arrives, to be thrown away.
            sleep(REST).await;
        }
        ask(context, &mut turn.context, unit, block, limit).await
    }
}

/// The lines of an agent: devices that are reached the same way share one, for as long as one of
/// them is polled.
pub(crate) struct Lines {
    allow: Allow,
    /// By the way's text, which tells ways apart.
    lines: BTreeMap<String, Weak<Line>>,
}

impl Lines {
    /// Makes no line yet.
    pub(crate) fn new(allow: Allow) -> Self {
        Self {
            allow,
            lines: BTreeMap::new(),
        }
    }

    /// Returns the line of a way.
    pub(crate) fn of(&mut self, way: &Way) -> Arc<Line> {
        self.lines.retain(|_, line| line.strong_count() > 0);
        let text = way.to_string();
        let line = self.lines.get(&text).and_then(Weak::upgrade);
        line.unwrap_or_else(|| {
            let line = Arc::new(Line::new(way.clone(), self.allow.clone()));
            self.lines.insert(text, Arc::downgrade(&line));
            line
        })
    }
}

/// Asks over a connection and puts it back into its place if it may be used again.
async fn ask(
    mut context: Context,
    place: &mut Option<Context>,
    unit: u8,
    block: &Block,
    limit: Duration,
) -> Result<Vec<u16>, ReadError> {
    tokio_modbus::slave::SlaveContext::set_slave(&mut context, Slave(unit));
    let answer = timeout(limit, context.call(request(block)))
        .await
        .map_err(|_| ReadError::Timeout(limit))?;
    let answer = match answer {
        Ok(Ok(response)) => words(block, response),
        Ok(Err(exception)) => Err(ReadError::Exception(exception)),
        Err(Error::Protocol(error)) => Err(ReadError::Nonsense(shortened(&error.to_string()))),
        Err(Error::Transport(error)) if is_about_trust(&error) => Err(ReadError::Connect(error)),
        Err(Error::Transport(error)) if is_about_content(&error) => {
            Err(ReadError::Nonsense(shortened(&error.to_string())))
        }
        Err(Error::Transport(error)) if is_before(&error) => Err(ReadError::Idle),
        // The library reports the last error of the thread here, whatever that was about.
        Err(Error::Transport(_)) => Err(ReadError::Closed),
    };
    if matches!(answer, Ok(_) | Err(ReadError::Exception(_))) {
        *place = Some(context);
    }
    answer
}

fn is_before(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<EndedBefore>)
}

/// TLS reports a refused certificate with the first answer, as an error of that read.
fn is_about_trust(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// The codec reports what it cannot decode as these kinds; sockets do not. TLS reports an end
/// without goodbye as the second of them, with a text of its own.
fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let kind = error.kind();
    kind == InvalidData || kind == UnexpectedEof && error.get_ref().is_none()
}

fn request(block: &Block) -> Request<'static> {
    match block.function {
        Function::Coils => Request::ReadCoils(block.address, block.count),
        Function::DiscreteInputs => Request::ReadDiscreteInputs(block.address, block.count),
        Function::HoldingRegisters => Request::ReadHoldingRegisters(block.address, block.count),
        Function::InputRegisters => Request::ReadInputRegisters(block.address, block.count),
    }
}

/// The library checks lengths only in debug builds, and then by panicking: so it is done here.
fn words(block: &Block, response: Response) -> Result<Vec<u16>, ReadError> {
    let count = usize::from(block.count);
    let (words, is_fit) = match (block.function, response) {
        (Function::Coils, Response::ReadCoils(bits))
        | (Function::DiscreteInputs, Response::ReadDiscreteInputs(bits)) => {
            // Bits come in whole bytes.
            let is_fit = bits.len() == count.next_multiple_of(8);
            let words: Vec<u16> = bits.into_iter().take(count).map(u16::from).collect();
            (words, is_fit)
        }
        (Function::HoldingRegisters, Response::ReadHoldingRegisters(words))
        | (Function::InputRegisters, Response::ReadInputRegisters(words)) => {
            let is_fit = words.len() == count;
            (words, is_fit)
        }
        (_, other) => {
            let text = format!("another function, {}", other.function_code());
            return Err(ReadError::Nonsense(text));
        }
    };
    if is_fit {
        Ok(words)
    } else {
        let text = format!("{} values instead of {count}", words.len());
        Err(ReadError::Nonsense(text))
    }
}

/// Protocol errors repeat the whole answer; the log needs the beginning.
fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
#[path = "modbus/tests.rs"]
mod tests;
