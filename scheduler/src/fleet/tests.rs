//! Strips and who is free, against minutes told one by one.

use proptest::prelude::*;

use super::*;
use crate::minutes::{self, TOLD, holds, room_minutes, story, told};
use crate::slot::complement;
use crate::time::Micros;

proptest! {
    #[test]
    fn free_is_who_is_free_every_minute(
        story in story(),
        told in prop::collection::vec(told(), 1..70),
        from in 0i64..TOLD - 1,
        length in 1i64..400,
    ) {
        let to = (from + length).min(TOLD);
        let minutes = story.open_minutes();
        let occupancies: Vec<Occupancy> = told.iter().map(|told| told.occupancy(&story)).collect();
        let open: Vec<Cells> = told.iter().map(|told| story.open_cells(told.open_from)).collect();
        let slot = story.slot(from, to);
        let free = free_for(slot, occupancies.iter().zip(&open), |_| holds(&minutes, from, to));
        let expected: Vec<usize> = (0..told.len())
            .filter(|at| holds(&room_minutes(&story, &minutes, &occupancies[*at]), from, to))
            .collect();
        prop_assert_eq!(free.count(), expected.len());
        prop_assert_eq!(free.ones().collect::<Vec<_>>(), expected);
        prop_assert_eq!((free.len(), free.words().len()), (told.len(), told.len().div_ceil(64)));
    }

    /// Free and busy steps partition the window, and each says what its minutes say.
    #[test]
    fn strips_are_what_the_minutes_are(
        story in story(),
        told in told(),
        from in prop_oneof![0i64..TOLD - 1, (0i64..TOLD / 60).prop_map(|hour| hour * 60)],
        length in 1i64..TOLD,
        step in prop_oneof![1i64..200, (1i64..16).prop_map(|cells| cells * 15)],
    ) {
        let to = (from + length).min(TOLD);
        let (window, occupancy) = (story.slot(from, to), told.occupancy(&story));
        let open = story.open_cells(told.open_from);
        let room = room_minutes(&story, &story.open_minutes(), &occupancy);
        let none: Vec<bool> = room.iter().map(|free| !free).collect();
        let found = strip((&occupancy, &open), window, minutes::minutes(step), || story.hours(window));
        let count = usize::try_from((to - from + step - 1) / step).unwrap();
        prop_assert_eq!((found.free.len(), found.partly.len()), (count, count));
        for (at, begin) in (from..to).step_by(usize::try_from(step).unwrap()).enumerate() {
            let end = (begin + step).min(to);
            prop_assert_eq!(found.free.get(at), holds(&room, begin, end), "step {}", at);
            prop_assert_eq!(found.partly.get(at), !holds(&none, begin, end), "step {}", at);
        }
        // The same by the lists: what is free and what is not make up the window.
        let free = intersected(&story.hours(window), &occupancy.free(window));
        let busy = complement(window, &free);
        let us: i64 = free.iter().chain(&busy).map(|slot| slot.len().get()).sum();
        prop_assert_eq!(us, window.len().get());
    }
}

#[test]
fn windows_and_steps_without_end_are_cut() {
    let all = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
    let mut occupancy = Occupancy::new(1);
    occupancy.index_from(Micros::new(0));
    let always = Cells::always();
    let strip_by = |step| strip((&occupancy, &always), all, step, || vec![all]).free;
    assert_eq!(strip_by(Span::default()).len(), 0);
    assert_eq!(strip_by(Span::minutes(1)).count(), STEPS_MAX);
    assert_eq!(strip_by(Span::new(i64::MAX).unwrap()).count(), 2 + 1);
    let free = free_for(all, [(&occupancy, &always)], |_| true);
    assert_eq!(free.count(), 1);
    assert!(free_for(all, [], |_| true).is_empty());
}
