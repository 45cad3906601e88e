//! Random groups of commands against a plain list: what the desk answers, what it shows, and what
//! a restart finds are the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scheduler::id::{BookingId, OutageId};

use super::*;

/// Hours the commands play in.
const HOURS: i64 = 24;

/// A command; numbers choose among the bookings and outages there were before the group.
#[derive(Debug, Clone)]
enum Step {
    Book(Slot),
    Change(usize, Slot),
    Cancel(usize),
    Open(Slot),
    End(usize),
}

fn any_slot() -> impl Strategy<Value = Slot> {
    (1..HOURS, 1..6_i64).prop_map(|(start, hours)| slot(start, start + hours))
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_slot().prop_map(Step::Book),
        3 => (0..9_usize, any_slot()).prop_map(|(which, slot)| Step::Change(which, slot)),
        2 => (0..9_usize).prop_map(Step::Cancel),
        1 => any_slot().prop_map(Step::Open),
        1 => (0..9_usize).prop_map(Step::End),
    ]
}

/// The plain list: bookings and open outages, nothing else.
#[derive(Debug, Default, Clone)]
struct Model {
    capacity: usize,
    bookings: BTreeMap<BookingId, Slot>,
    outages: BTreeMap<OutageId, Slot>,
}

impl Model {
    fn is_out(&self, hour: i64) -> bool {
        let hour = slot(hour, hour + 1);
        self.outages.values().any(|outage| outage.overlaps(hour))
    }

    fn running(&self, hour: i64, except: Option<BookingId>) -> usize {
        let hour = slot(hour, hour + 1);
        let held = self.bookings.iter();
        held.filter(|(id, held)| Some(**id) != except && held.overlaps(hour))
            .count()
    }

    /// Whether a slot can be had, hour by hour. In an outage only a booking's own time remains.
    fn fits(&self, wanted: Slot, own: Option<BookingId>) -> bool {
        let own_slot = own.and_then(|id| self.bookings.get(&id));
        hours_of(wanted).all(|hour| {
            if self.is_out(hour) {
                own_slot.is_some_and(|held| held.overlaps(slot(hour, hour + 1)))
            } else {
                self.running(hour, own) < self.capacity
            }
        })
    }
}

fn hours_of(wanted: Slot) -> impl Iterator<Item = i64> {
    (0..HOURS + 8).filter(move |hour| wanted.overlaps(slot(*hour, hour + 1)))
}

fn nth<K: Copy, V>(map: &BTreeMap<K, V>, which: usize) -> Option<K> {
    map.keys().nth(which % map.len().max(1)).copied()
}

/// Sends one step and tells the model; `before` is the model the step's numbers refer to.
async fn send(desk: &DeskHandle, step: Step, before: &Model) -> Told {
    match step {
        Step::Book(wanted) => Told::Booked(wanted, desk.ask(wish(1, 1, wanted)).await.unwrap()),
        Step::Change(which, wanted) => {
            let Some(booking) = nth(&before.bookings, which) else {
                return Told::Nothing;
            };
            let change = Change {
                slot: Some(wanted),
                ..change_of(booking)
            };
            Told::Changed(booking, wanted, desk.ask(change).await.unwrap())
        }
        Step::Cancel(which) => {
            let Some(booking) = nth(&before.bookings, which) else {
                return Told::Nothing;
            };
            let cancel = cancel_of(booking);
            Told::Cancelled(booking, desk.ask(cancel).await.unwrap())
        }
        Step::Open(wanted) => {
            let open = OpenOutage {
                kind: record::OutageKind::Planned,
                instrument: InstrumentId::new(1),
                slot: wanted,
                reason: "校准".to_owned(),
                member: MemberId::new(1),
                choices: Vec::new(),
            };
            Told::Opened(wanted, desk.ask(open).await.unwrap())
        }
        Step::End(which) => {
            let Some(outage) = nth(&before.outages, which) else {
                return Told::Nothing;
            };
            let ended = desk.ask(EndOutage { outage }).await.unwrap();
            Told::Ended(outage, ended)
        }
    }
}

/// What the desk answered.
#[derive(Debug)]
enum Told {
    Nothing,
    Booked(Slot, BookOutcome),
    Changed(BookingId, Slot, ChangeOutcome),
    Cancelled(BookingId, CancelOutcome),
    Opened(Slot, OutageOutcome),
    Ended(OutageId, OutageOutcome),
}

impl Model {
    /// Does the same and checks the answer.
    fn follow(&mut self, told: &Told) {
        match told {
            Told::Nothing => {}
            Told::Booked(wanted, BookOutcome::Booked(booking)) => {
                assert!(self.fits(*wanted, None), "{told:?} {self:?}");
                self.bookings.insert(booking.id, *wanted);
            }
            Told::Booked(wanted, _) => assert!(!self.fits(*wanted, None), "{told:?} {self:?}"),
            Told::Changed(id, wanted, outcome) => match (self.bookings.get(id), outcome) {
                (None, ChangeOutcome::WrongState(_)) => {}
                (Some(held), ChangeOutcome::Changed(_)) => {
                    let same = held == wanted;
                    assert!(same || self.fits(*wanted, Some(*id)), "{told:?} {self:?}");
                    self.bookings.insert(*id, *wanted);
                }
                (Some(_), ChangeOutcome::Refused(_)) => {
                    assert!(!self.fits(*wanted, Some(*id)), "{told:?} {self:?}");
                }
                _ => panic!("{told:?} {self:?}"),
            },
            Told::Cancelled(id, outcome) => match (self.bookings.remove(id), outcome) {
                (Some(_), CancelOutcome::Cancelled(..)) | (None, CancelOutcome::WrongState(_)) => {}
                _ => panic!("{told:?} {self:?}"),
            },
            Told::Opened(wanted, OutageOutcome::Done(outage, at_risk)) => {
                let inside = self
                    .bookings
                    .iter()
                    .filter(|(_, held)| held.overlaps(*wanted));
                let inside: Vec<BookingId> = inside.map(|(id, _)| *id).collect();
                let mut at_risk = at_risk.clone();
                at_risk.sort_unstable();
                assert_eq!(at_risk, inside);
                self.outages.insert(outage.id, *wanted);
            }
            Told::Ended(id, outcome) => match (self.outages.remove(id), outcome) {
                (Some(_), OutageOutcome::Done(..)) | (None, OutageOutcome::Over) => {}
                _ => panic!("{told:?} {self:?}"),
            },
            Told::Opened(..) => panic!("{told:?}"),
        }
    }

    /// Checks what readers see.
    fn check(&self, held: &InstrumentSnapshot) {
        let shown: BTreeMap<BookingId, Slot> = held
            .bookings
            .values()
            .map(|held| (held.id, held.slot))
            .collect();
        assert_eq!(shown, self.bookings);
        for booking in held.bookings.values() {
            let inside = self.outages.values().any(|out| out.overlaps(booking.slot));
            assert_eq!(booking.at_risk, inside, "{booking:?} {self:?}");
        }
        for hour in 1..HOURS + 6 {
            let free = !held.occupancy.free(slot(hour, hour + 1)).is_empty();
            let expected = !self.is_out(hour) && self.running(hour, None) < self.capacity;
            assert_eq!(free, expected, "hour {hour} {self:?}");
        }
    }
}

async fn play(capacity: u8, groups: Vec<Vec<Step>>) {
    let mut place = Place::new().await;
    let mut edited = instrument(1, capacity);
    edited.version = 2;
    let edit = RegistryEdit::ReplaceInstrument(Box::new(edited));
    place.desk.edit(edit).await.unwrap();
    let mut model = Model {
        capacity: capacity.into(),
        ..Model::default()
    };
    for group in groups {
        let before = model.clone();
        let mut events = place.desk.events();
        let sent = group
            .into_iter()
            .map(|step| send(&place.desk, step, &before));
        for told in futures::future::join_all(sent).await {
            model.follow(&told);
        }
        model.check(&place.snapshot(1));
        let mut last = None;
        while let Ok(event) = events.try_recv() {
            assert!(
                last.is_none_or(|last| last + 1 == event.id),
                "no event is left out"
            );
            last = Some(event.id);
        }
    }
    let shown = place.snapshot(1);
    place = place.restart().await;
    let found = place.snapshot(1);
    model.check(&found);
    assert_eq!(found.occupancy, shown.occupancy);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_commands_agree_with_a_plain_list(
        capacity in 1..4_u8,
        groups in prop::collection::vec(prop::collection::vec(any_step(), 1..12), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(capacity, groups));
    }
}
