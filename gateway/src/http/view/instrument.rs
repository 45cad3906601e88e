//! An instrument in lists and details.

use scheduler::time::Micros;
use serde::Serialize;
use utoipa::ToSchema;

use super::NodeView;
use crate::http::place::degrees;
use crate::http::time::Zoned;
use crate::registry::{Directory, Instrument, NodeKind};
use crate::status::{MachineState, ShownStatus};

/// What is known of an instrument now.
#[derive(Debug, Clone, Copy)]
pub struct ShownNow {
    /// What people see.
    pub status: ShownStatus,
    /// Since when, if known.
    pub since: Option<Micros>,
    /// What the machine does.
    pub machine: MachineState,
}

/// An instrument.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instrument)]
pub struct InstrumentView {
    /// Asset code, unique.
    pub key: String,
    /// Name, Chinese.
    pub name: String,
    /// Name, English.
    pub name_en: String,
    /// Model.
    pub model: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// National class code, six digits.
    pub category: Option<String>,
    /// What it can do, lower-case words.
    pub capabilities: Vec<String>,
    /// Room.
    pub room: String,
    /// Centre.
    pub centre: NodeView,
    /// Institution.
    pub institution: NodeView,
    /// Lab.
    pub lab: NodeView,
    /// Degrees north of it or of the nearest node above that has a place, if known.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// IANA zone of its times.
    pub zone: &'static str,
    /// Bookings that may run at once.
    pub capacity: u8,
    /// Whether it can be booked here.
    pub bookable: bool,
    /// Whether the public sees it.
    pub published: bool,
    /// Whether it draws power all the time: telemetry cannot tell use, check-ins do.
    pub always_on: bool,
    /// `maintenance`, `fault`, `running`, `booked`, `offline`, `idle` or `no_telemetry`.
    pub status: &'static str,
    /// Since when.
    pub status_since: Option<Zoned>,
    /// `unknown`, `offline`, `off`, `standby`, `running` or `fault`.
    pub machine_state: &'static str,
    /// Why it is offline: `agent`, `link` or `device`.
    pub offline_reason: Option<&'static str>,
    /// Counts edits; also the `ETag`.
    pub version: i64,
}

impl InstrumentView {
    /// Returns the view of an instrument.
    #[must_use]
    pub fn of(directory: &Directory, instrument: &Instrument, now: ShownNow) -> Self {
        let above = |kind| NodeView::above(directory, instrument.lab, kind);
        let (latitude, longitude) = degrees(directory.place_of(instrument));
        Self {
            key: instrument.key.as_str().to_owned(),
            name: instrument.names.zh.clone(),
            name_en: instrument.names.en.clone(),
            model: instrument.model.clone(),
            manufacturer: instrument.manufacturer.clone(),
            category: instrument.category.clone(),
            capabilities: instrument.capabilities.clone(),
            room: instrument.room.clone(),
            centre: above(NodeKind::Centre),
            institution: above(NodeKind::Institution),
            lab: above(NodeKind::Lab),
            latitude,
            longitude,
            zone: instrument.zone.name(),
            capacity: instrument.capacity,
            bookable: instrument.bookable,
            published: instrument.published,
            always_on: instrument.always_on,
            status: now.status.as_str(),
            status_since: now.since.map(|since| Zoned(since, instrument.zone)),
            machine_state: now.machine.as_str(),
            offline_reason: now.machine.reason(),
            version: instrument.version,
        }
    }
}
