//! What a search asks, and that it always ends.

use super::*;

/// Answers without claims or rules, and counts what it was asked.
struct Free {
    exact: std::cell::Cell<usize>,
    admitted: std::cell::Cell<usize>,
}

impl Admission for Free {
    type Reason = ();

    fn barred(&self, _: &Candidate<'_>) -> Option<Exclusion<()>> {
        None
    }

    fn exact(&self, _: &Candidate<'_>, window: Slot, length: Span) -> Option<Slot> {
        self.exact.set(self.exact.get() + 1);
        Slot::new(window.start(), window.start() + length)
    }

    fn admit(&self, _: &Candidate<'_>, slot: Slot) -> Result<(), Refused<()>> {
        self.admitted.set(self.admitted.get() + 1);
        let never = slot.start().get() < 0;
        if never {
            Err(Refused {
                reason: (),
                retry_from: Some(Micros::new(i64::MIN)),
            })
        } else {
            Ok(())
        }
    }
}

#[test]
fn no_question_takes_unboundedly_long_or_fails() {
    let (always, free) = (
        Cells::always(),
        Free {
            exact: 0.into(),
            admitted: 0.into(),
        },
    );
    let mut indexed = Occupancy::new(1);
    indexed.index_from(Micros::new(0));
    let (bare, ends) = (Occupancy::new(1), [i64::MIN, -1, 0, 1, i64::MAX]);
    let lengths = [0, 1, 7_200_000_000, i64::MAX].map(|us| Span::new(us).unwrap());
    let windows = ends
        .iter()
        .flat_map(|from| ends.iter().map(move |to| (*from, *to)));
    for (from, to) in windows {
        let Some(window) = Slot::new(Micros::new(from), Micros::new(to)) else {
            continue;
        };
        for length in lengths {
            let asked = Asked {
                window,
                length,
                reach_m: None,
                limit: 2,
                per_instrument: 3,
                every_reason: true,
            };
            let starts = Starts::within(chrono_tz::Tz::Asia__Shanghai, &[15], window, length);
            let candidates = [(1, &bare), (2, &indexed)].map(|(number, occupancy)| Candidate {
                instrument: InstrumentId::new(number),
                occupancy,
                open: &always,
                starts,
                may_be_longer: false,
                distance_m: None,
                used: Span::default(),
            });
            let found = earliest(&asked, &candidates, &free);
            for offer in found.offers {
                assert!(window.covers(offer.slot) && offer.slot.len() == length);
            }
        }
    }
    assert!(free.admitted.get() < 1_000_000);
}

#[test]
fn certain_bits_ask_nobody() {
    let story = Story {
        zone: chrono_tz::Tz::Asia__Shanghai,
        begin_min: 29_578_320,
        opens: Some((480, 1320)),
        grids: vec![15],
    };
    let told = Told {
        capacity: 1,
        wishes: (0..10).map(|number| (number * 120 + 5, 75)).collect(),
        indexed_from: Some(-700),
        open_from: 0,
    };
    let (occupancy, open) = (told.occupancy(&story), story.open_cells(0));
    let (window, length) = (story.told(), Span::minutes(30));
    let candidate = Candidate {
        instrument: InstrumentId::new(1),
        occupancy: &occupancy,
        open: &open,
        starts: Starts::within(story.zone, &story.grids, window, length),
        may_be_longer: false,
        distance_m: None,
        used: Span::default(),
    };
    let free = Free {
        exact: 0.into(),
        admitted: 0.into(),
    };
    let asked = Asked {
        window,
        length,
        reach_m: None,
        limit: 1,
        per_instrument: 1,
        every_reason: false,
    };
    let found = earliest(&asked, &[candidate], &free);
    let begins = found
        .offers
        .iter()
        .map(|offer| story.minute_of(offer.slot.start()));
    assert_eq!(
        begins.collect::<Vec<_>>(),
        [90],
        "from the quarter after 20:00 until 22:05"
    );
    assert_eq!((free.exact.get(), free.admitted.get()), (0, 1));
}

/// Books a fixed slot of any length, one for each instrument.
struct Blocks([Slot; 2]);

impl Admission for Blocks {
    type Reason = ();

    fn barred(&self, _: &Candidate<'_>) -> Option<Exclusion<()>> {
        None
    }

    fn exact(&self, candidate: &Candidate<'_>, window: Slot, _: Span) -> Option<Slot> {
        let nth = usize::try_from(candidate.instrument.get()).unwrap() - 1;
        Some(self.0[nth]).filter(|slot| slot.start() >= window.start())
    }

    fn admit(&self, _: &Candidate<'_>, _: Slot) -> Result<(), Refused<()>> {
        Ok(())
    }
}

#[test]
fn a_longer_slot_that_begins_earlier_is_not_cut_off() {
    let hours = |from: i64, to: i64| {
        let at = |hour| Micros::new(hour * crate::time::HOUR_US);
        Slot::new(at(from), at(to)).unwrap()
    };
    let (always, free) = (Cells::always(), Occupancy::new(1));
    let candidates = [1, 2].map(|number| Candidate {
        instrument: InstrumentId::new(number),
        occupancy: &free,
        open: &always,
        starts: None,
        may_be_longer: number == 2,
        distance_m: None,
        used: Span::default(),
    });
    let asked = Asked {
        window: hours(0, 48),
        length: Span::minutes(60),
        reach_m: None,
        limit: 1,
        per_instrument: 1,
        every_reason: false,
    };
    let blocks = Blocks([hours(10, 11), hours(8, 12)]);
    let found = earliest(&asked, &candidates, &blocks);
    assert_eq!(
        found.offers.first().map(|offer| offer.slot),
        Some(hours(8, 12))
    );
}
