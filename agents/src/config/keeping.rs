//! What the outbox keeps, and how fast a backlog goes: the settings and their ranges.

use std::time::Duration;

use crate::document::Section;
use crate::outbox::Limits;

/// Largest size of the outbox in MiB.
const MB_MAX: i64 = 1024 * 1024;

/// Greatest age of a reading in hours: ten years.
const HOURS_MAX: i64 = 87_600;

/// Greatest rates of a backlog.
const RECORDS_MAX: i64 = 10_000;
const KB_MAX: i64 = 1024 * 1024;

/// How fast a backlog is sent beside what is read now; the lower rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfill {
    /// Records a second, from 1.
    pub records_per_s: u32,
    /// Bytes of payload a second, from 1.
    pub bytes_per_s: u32,
}

impl Backfill {
    /// An hour of one record a second goes in 12 minutes. 5,534 agents bring 27,670 records a
    /// second at this rate: five times what they report when nothing is late.
    pub const DEFAULT: Self = Self {
        records_per_s: 5,
        bytes_per_s: 128 * 1024,
    };
}

/// Reads `outbox_mb` and `outbox_hours`.
pub(super) fn limits(section: &Section<'_>) -> Limits {
    let mb = section.integer("outbox_mb", 1..=MB_MAX);
    let mb = mb.and_then(|mb| u64::try_from(mb.value).ok());
    let hours = section.integer("outbox_hours", 1..=HOURS_MAX);
    let hours = hours.and_then(|hours| u64::try_from(hours.value).ok());
    Limits {
        bytes: mb.map_or(Limits::DEFAULT.bytes, |mb| mb * 1024 * 1024),
        age: hours.map_or(Limits::DEFAULT.age, Duration::from_hours),
    }
}

/// Reads `backfill_records_per_s` and `backfill_kb_per_s`.
pub(super) fn backfill(section: &Section<'_>) -> Backfill {
    let records = section.integer("backfill_records_per_s", 1..=RECORDS_MAX);
    let records = records.and_then(|records| u32::try_from(records.value).ok());
    let kb = section.integer("backfill_kb_per_s", 1..=KB_MAX);
    let kb = kb.and_then(|kb| u32::try_from(kb.value).ok());
    Backfill {
        records_per_s: records.unwrap_or(Backfill::DEFAULT.records_per_s),
        bytes_per_s: kb.map_or(Backfill::DEFAULT.bytes_per_s, |kb| kb * 1024),
    }
}
