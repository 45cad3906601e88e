//! A line to one Modbus TCP address, shared by the units behind it.
//!
//! What comes in: which block of which unit to read. What goes out: exactly as many words as were
//! asked for, or why not. Three rules keep answers and questions together (tokio-modbus thread 324:
//! after a cancelled call every later answer is one request behind):
//! every call has a timeout; after a timeout, a transport or a protocol error the connection is
//! dropped; an exception is an answer and keeps it. Only the four reading functions can be
//! expressed, and each connection is checked against the allow-list after name resolution.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::{Error, ExceptionCode, Request, Response, Slave};

use crate::allow::Allow;
use crate::config::Address;
use crate::plan::Block;
use crate::register::Function;
use wire::Quality;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The allow-list does not permit the address the name stands for.
    #[error("the allow-list permits none of its addresses")]
    Forbidden,
    /// No connection could be made.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// No answer came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The device closed or reset the connection.
    #[error("the device closed the connection")]
    Closed,
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
            Self::Forbidden | Self::Connect(_) | Self::Closed => Quality::Link,
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

/// One TCP connection at most, one request at a time.
pub(crate) struct Line {
    address: Address,
    allow: Allow,
    context: Mutex<Option<Context>>,
}

impl Line {
    /// Makes a line that connects at the first read.
    pub(crate) fn new(address: Address, allow: Allow) -> Self {
        Self {
            address,
            allow,
            context: Mutex::new(None),
        }
    }

    /// Reads a block of a unit: `block.count` words, for coils and inputs 0 or 1 each.
    ///
    /// Waits for its turn on the line; the limit counts for connecting and for the answer each.
    /// Devices close idle connections: when one from before turns out to be closed, the question is
    /// asked once more over a new one.
    ///
    /// # Errors
    /// Returns [`ReadError`]; see the module for what happens to the connection.
    pub(crate) async fn read(
        &self,
        unit: u8,
        block: &Block,
        limit: Duration,
    ) -> Result<Vec<u16>, ReadError> {
        let mut place = self.context.lock().await;
        // Taken out: whatever ends this call early, cancelling too, drops the connection.
        if let Some(context) = place.take() {
            match ask(context, &mut place, unit, block, limit).await {
                Err(ReadError::Closed) => {}
                answer => return answer,
            }
        }
        let context = self.connect(limit).await?;
        ask(context, &mut place, unit, block, limit).await
    }

    async fn connect(&self, limit: Duration) -> Result<Context, ReadError> {
        let connecting = async {
            let mut last = None;
            let addresses = self.permitted().await?;
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        stream.set_nodelay(true).map_err(ReadError::Connect)?;
                        return Ok(tcp::attach(stream));
                    }
                    Err(error) => last = Some(ReadError::Connect(error)),
                }
            }
            Err(last.unwrap_or(ReadError::Forbidden))
        };
        let late = |_| ReadError::Connect(io::ErrorKind::TimedOut.into());
        timeout(limit, connecting).await.map_err(late)?
    }

    async fn permitted(&self) -> Result<Vec<SocketAddr>, ReadError> {
        let port = self.address.port;
        let all: Vec<SocketAddr> = match self.address.ip() {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => lookup_host((self.address.host.as_str(), port))
                .await
                .map_err(ReadError::Connect)?
                .collect(),
        };
        let permitted = all.into_iter().filter(|one| self.allow.permits(one.ip()));
        Ok(permitted.collect())
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
        Err(Error::Transport(error)) if is_about_content(&error) => {
            Err(ReadError::Nonsense(shortened(&error.to_string())))
        }
        // The library reports the last error of the thread here, whatever that was about.
        Err(Error::Transport(_)) => Err(ReadError::Closed),
    };
    if matches!(answer, Ok(_) | Err(ReadError::Exception(_))) {
        *place = Some(context);
    }
    answer
}

/// The codec reports what it cannot decode as these kinds; sockets do not.
fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    matches!(error.kind(), InvalidData | UnexpectedEof)
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
