//! Path 1: telemetry to state.
//!
//! `Telemetry::start(mqtt: &config::Mqtt, clock, lifecycle, directory, history) ->
//! Result<TelemetryHandle, StartError>` (async). The handle (Clone):
//! `machine(InstrumentId) -> MachineView`, `machines() -> Vec<(InstrumentId, MachineView)>`,
//! `latest(InstrumentId) -> Vec<ChannelReading>`, `live() -> broadcast::Receiver<Arc<LiveChange>>`
//! (`Lagged(n)` tells a slow reader what it missed), `agent(&AgentName) -> Option<AgentView>`,
//! `agents_online() -> u64`, `disconnect(&AgentName)` (async, closes its session),
//! `ingest(Delivery)` (async, waits while the queue is full; `Err` when telemetry has stopped),
//! `counts() -> Counts`, `ready() -> Result<(), String>` (the store),
//! `broker_ready() -> Result<(), String>`, `broker_address() -> Option<SocketAddr>` (embedded only,
//! the real port).

mod intake;
mod view;

pub use intake::{Acknowledge, Delivery, Stopped};
pub use view::{AgentView, Counts, LiveChange, LiveReading, MachineView, StateChange};
