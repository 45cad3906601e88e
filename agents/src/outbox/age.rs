//! How old a record is, by the clock that can be trusted for it.

use wire::{BootId, Clocks, Record};

/// Returns the age of a record in milliseconds.
///
/// Of this boot it is the time that the monotonic clock has counted since, whatever was done to the
/// wall clock. A record of an earlier boot is at least as old as this boot, and more is not known:
/// one wall clock that was wrong, then or now, would make a whole backlog too old. What stays longer
/// for it is bounded by the bytes of the outbox.
pub(super) fn age_ms(record: &Record, boot: &BootId, now: Clocks) -> u64 {
    let since = if record.boot == *boot {
        record.at.mono_ms
    } else {
        0
    };
    u64::try_from(now.mono_ms.saturating_sub(since)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use wire::{Event, RecordBody};

    use super::*;

    #[test]
    fn age_counts_on_the_clock_that_can_be_trusted() {
        let boot = |text| BootId::parse(text).unwrap();
        let clocks = |wall_ms, mono_ms| Clocks { wall_ms, mono_ms };
        let age = |recorded, at, now| {
            let record = Record {
                boot: boot(recorded),
                at,
                body: RecordBody::Event(Event::Other),
            };
            age_ms(&record, &boot("now"), now)
        };
        let set = 1_790_000_000_000;
        // The wall clock was set from 1970 meanwhile, or set back.
        assert_eq!(age("now", clocks(0, 1_000), clocks(set, 61_000)), 60_000);
        assert_eq!(age("now", clocks(set, 9), clocks(0, 7)), 0);
        // Another boot: its clocks mean nothing here, however far they are from these.
        for wall in [0, 5, set - 1, set + 1, 3 * set] {
            assert_eq!(age("old", clocks(wall, 99_000), clocks(set, 1)), 1);
            assert_eq!(age("old", clocks(set, 0), clocks(wall, 7_000)), 7_000);
        }
    }
}
