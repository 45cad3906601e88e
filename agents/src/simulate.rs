//! A Modbus device, over TCP or in RTU frames over TCP, that plays a profile through a laboratory's
//! day, for newcomers and tests.
//!
//! What comes in: reads. What goes out: the profile's registers filled with plausible values. It is
//! strict where meters are: addresses that the profile does not read are exception 2, other units
//! exception 11, or silence in RTU, writing exception 1. Transformer ratios are 1.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_modbus::server::Service;
use tokio_modbus::server::{rtu_over_tcp, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use crate::day::Day;
use crate::profile::Profile;
use crate::register::Function;

/// The simulated day begins at this hour.
const FIRST_HOUR: f64 = 9.0;

/// A simulated device.
#[derive(Debug)]
pub struct Device {
    profile: Arc<Profile>,
    unit: u8,
    day: Day,
    /// Simulated seconds that pass in a real one.
    speed: f64,
    started: Instant,
    /// Energy so far in watt-hours, and when it was last counted, in simulated seconds.
    energy: Mutex<(f64, f64)>,
}

impl Device {
    /// Makes a device that begins its day in the morning, `speed` times as fast as real; another
    /// `instrument` has other hours and loads.
    #[must_use]
    pub fn new(profile: Arc<Profile>, unit: u8, instrument: u64, speed: f64) -> Self {
        Self {
            profile,
            unit,
            day: Day::new(instrument),
            speed,
            started: Instant::now(),
            energy: Mutex::new((0.0, FIRST_HOUR * 3600.0)),
        }
    }

    fn now_s(&self) -> f64 {
        FIRST_HOUR * 3600.0 + self.started.elapsed().as_secs_f64() * self.speed
    }

    /// Counts the energy up to now; between two reads the power of now is assumed.
    fn energy_wh(&self, now_s: f64) -> f64 {
        let mut energy = self.energy.lock().unwrap_or_else(PoisonError::into_inner);
        energy.0 += self.day.power_w(now_s) * (now_s - energy.1).max(0.0) / 3600.0;
        energy.1 = energy.1.max(now_s);
        energy.0
    }

    fn answer(&self, asked: &SlaveRequest<'_>) -> Result<Response, ExceptionCode> {
        if asked.slave != self.unit {
            return Err(ExceptionCode::GatewayTargetDevice);
        }
        let bits = |words: Vec<u16>| words.into_iter().map(|word| word & 1 == 1).collect();
        let read = |function, address, count| self.read(function, address, count);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other function is refused, those of a newer library too"
        )]
        match asked.request {
            Request::ReadCoils(address, count) => {
                let words = read(Function::Coils, address, count)?;
                Ok(Response::ReadCoils(bits(words)))
            }
            Request::ReadDiscreteInputs(address, count) => {
                let words = read(Function::DiscreteInputs, address, count)?;
                Ok(Response::ReadDiscreteInputs(bits(words)))
            }
            Request::ReadHoldingRegisters(address, count) => {
                let words = read(Function::HoldingRegisters, address, count)?;
                Ok(Response::ReadHoldingRegisters(words))
            }
            Request::ReadInputRegisters(address, count) => {
                let words = read(Function::InputRegisters, address, count)?;
                Ok(Response::ReadInputRegisters(words))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    fn read(
        &self,
        function: Function,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, ExceptionCode> {
        let end = address
            .checked_add(count)
            .filter(|_| (1..=125).contains(&count));
        let end = end.ok_or(ExceptionCode::IllegalDataValue)?;
        let now_s = self.now_s();
        let energy_wh = self.energy_wh(now_s);
        let mut words: Vec<Option<u16>> = vec![None; usize::from(count)];
        let registers = (0..self.profile.reads()).filter_map(|index| {
            let is_ratio = index >= self.profile.registers.len();
            self.profile
                .read(index)
                .map(|register| (register, is_ratio))
        });
        for (register, is_ratio) in registers.filter(|(register, _)| register.function == function)
        {
            let name = register.channel.as_str();
            let value = if is_ratio {
                1.0
            } else {
                self.day.value(name, now_s, energy_wh)
            };
            for (at, word) in (register.address..end).zip(register.encode(value)) {
                if let Some(place) = at.checked_sub(address).map(usize::from)
                    && let Some(place) = words.get_mut(place)
                {
                    // Two bits of one register share its word.
                    *place = Some(place.unwrap_or(0) | word);
                }
            }
        }
        // What the profile reads across is there too, and 0.
        let is_read = |at: u16| {
            self.profile.blocks.iter().any(|block| {
                let last = block.address.saturating_add(block.count - 1);
                block.function == function && (block.address..=last).contains(&at)
            })
        };
        let words: Option<Vec<u16>> = words
            .into_iter()
            .zip(address..)
            .map(|(word, at)| word.or_else(|| is_read(at).then_some(0)))
            .collect();
        words.ok_or(ExceptionCode::IllegalDataAddress)
    }
}

/// What answers on one connection: in RTU frames a unit that is not meant stays silent.
struct Answering {
    device: Arc<Device>,
    framing: Framing,
}

impl Service for Answering {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Option<Response>, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        if self.framing == Framing::Rtu && request.slave != self.device.unit {
            return ready(Ok(None));
        }
        ready(self.device.answer(&request).map(Some))
    }
}

/// How requests and answers are framed on a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Modbus TCP.
    Tcp,
    /// RTU, as a serial device server passes it on.
    Rtu,
}

/// A listener for a simulated device.
#[derive(Debug)]
pub struct Simulation {
    listener: TcpListener,
    address: SocketAddr,
}

impl Simulation {
    /// Listens; port 0 takes a free one.
    ///
    /// # Errors
    /// Returns what the system says when the address cannot be used.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the address in use.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the device until this future is dropped.
    ///
    /// # Errors
    /// Returns what the system says when the listener fails.
    pub async fn serve(self, device: Arc<Device>, framing: Framing) -> io::Result<()> {
        let new_service = |_| {
            let device = Arc::clone(&device);
            Ok(Some(Answering { device, framing }))
        };
        let on_error = |error| tracing::debug!("a connection ended: {error}");
        match framing {
            Framing::Tcp => {
                let on_connected = |stream, from| async move {
                    tcp::accept_tcp_connection(stream, from, new_service)
                };
                let server = tcp::Server::new(self.listener);
                server.serve(&on_connected, on_error).await
            }
            Framing::Rtu => {
                let on_connected = |stream, from| async move {
                    rtu_over_tcp::accept_tcp_connection(stream, from, new_service)
                };
                let server = rtu_over_tcp::Server::new(self.listener);
                server.serve(&on_connected, on_error).await
            }
        }
    }
}

/// The default speed: a day in 24 minutes.
pub const SPEED_DEFAULT: f64 = 60.0;

/// Returns how long a simulated day takes at this speed.
#[must_use]
pub fn day_length(speed: f64) -> Duration {
    Duration::try_from_secs_f64(86_400.0 / speed).unwrap_or(Duration::MAX)
}
