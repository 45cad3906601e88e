//! How old a record is, by the clock that can be trusted for it.

use wire::{BootId, Clocks, Record};

/// No agent ran before 2020: a wall clock that says so was never set.
const WALL_MS_MIN: i64 = 1_577_836_800_000;

/// Returns the age of a record in milliseconds.
///
/// Of this boot it is the time that the monotonic clock has counted since, whatever was done to the
/// wall clock. Of an earlier boot it is the difference of the wall clocks, or unknown if one of them
/// was never set: a board without a battery begins in 1970, and its readings are not 50 years old.
pub(super) fn age_ms(record: &Record, boot: &BootId, now: Clocks) -> Option<u64> {
    let age = if record.boot == *boot {
        now.mono_ms.saturating_sub(record.at.mono_ms)
    } else {
        let is_set = |clocks: Clocks| clocks.wall_ms >= WALL_MS_MIN;
        if !is_set(now) || !is_set(record.at) {
            return None;
        }
        now.wall_ms.saturating_sub(record.at.wall_ms)
    };
    Some(u64::try_from(age).unwrap_or(0))
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
        let set = WALL_MS_MIN;
        // The wall clock was set from 1970 meanwhile, or set back.
        assert_eq!(
            age("now", clocks(0, 1_000), clocks(set, 61_000)),
            Some(60_000)
        );
        assert_eq!(age("now", clocks(set, 9), clocks(0, 7)), Some(0));
        // Another boot: its monotonic clock means nothing here.
        assert_eq!(age("old", clocks(set, 99_000), clocks(set + 5, 1)), Some(5));
        assert_eq!(age("old", clocks(set + 5, 0), clocks(set, 1)), Some(0));
        assert_eq!(age("old", clocks(5, 0), clocks(set, 1)), None);
        assert_eq!(age("old", clocks(set, 0), clocks(5, 1)), None);
    }
}
