//! The pool against a plain search of every instrument, over random states and rules.

mod answers;

use proptest::prelude::*;
use scheduler::blocks::Blocks;
use scheduler::booking::Status;
use scheduler::calendar::{DayHours, Weekly};
use scheduler::class::ClassSet;
use scheduler::id::{BookingId, ClaimId};
use scheduler::occupancy::{Claim, Holder};
use scheduler::policy::{ApprovalWhen, Mode, Rule, RuleBody};
use scheduler::time::{HOUR_US, MINUTE_US};
use wire::InstrumentKey;

use super::super::judge::judge_wish;
use super::super::record::{Booking, Later};
use super::*;
use crate::registry::{Member, Names, Node, Role, RoleOn, RuleSet, Scope, StateRule};

/// 2026-11-24T00:00:00+08:00, a Tuesday.
const MIDNIGHT: i64 = 1_795_449_600_000_000;
const ME: MemberId = MemberId::new(1);
const LAB: NodeId = NodeId::new(4);

/// One instrument of a test.
#[derive(Debug, Clone)]
struct Told {
    capacity: u8,
    rules: Vec<RuleBody>,
    /// Bookings that may find room: begin and length in minutes, and whether they are mine.
    bookings: Vec<(i64, i64, bool)>,
    bookable: bool,
}

fn minutes(count: i64) -> Micros {
    Micros::new(MIDNIGHT + count * MINUTE_US)
}

fn slot_of(from: i64, to: i64) -> Slot {
    Slot::new(minutes(from), minutes(to)).unwrap()
}

fn weekly(days: &[u8], from: u16, to: u16) -> Weekly {
    Weekly(vec![DayHours::new(days, from, to).unwrap()])
}

fn any_rule() -> impl Strategy<Value = RuleBody> {
    let everyday = [1, 2, 3, 4, 5, 6, 7];
    let blocks = Blocks(vec![
        scheduler::blocks::Block::new(&everyday, 480, 720).unwrap(),
        scheduler::blocks::Block::new(&everyday, 720, 1_080).unwrap(),
    ]);
    let opening = weekly(&[1, 2, 3, 4, 5], 480, 1_320);
    prop_oneof![
        4 => prop::sample::select(vec![10_u32, 15, 20, 60]).prop_map(|minutes| RuleBody::Alignment { minutes }),
        3 => Just(RuleBody::OpeningHours(opening.into())),
        3 => Just(RuleBody::FixedBlocks(blocks)),
        1 => (0_u32..60, 0_u32..60).prop_map(|(setup_minutes, cleanup_minutes)| RuleBody::Buffers { setup_minutes, cleanup_minutes }),
        1 => (60_u32..600).prop_map(|minutes| RuleBody::Longest { minutes }),
        1 => (10_u32..200).prop_map(|minutes| RuleBody::Shortest { minutes }),
        1 => (1_u32..5).prop_map(|days| RuleBody::Horizon { days }),
        1 => (30_u32..3_000).prop_map(|minutes| RuleBody::NoticeToBook { minutes }),
        1 => (10_u32..600).prop_map(|minutes| RuleBody::MinimumGap { minutes }),
        1 => (1_u32..3).prop_map(|count| RuleBody::PerDay { count }),
        1 => (1_u32..4).prop_map(|count| RuleBody::FutureCount { count }),
        1 => Just(RuleBody::OffPeak(weekly(&[6, 7], 0, 1_440))),
        1 => Just(RuleBody::Approval(ApprovalWhen::LongerThanMinutes(90))),
        1 => Just(RuleBody::WhoMayBook { classes: ClassSet::of(&[CallerClass::Enterprise]) }),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    let booking = (0_i64..7 * 1_440, 5_i64..600, prop::bool::weighted(0.2));
    (
        1_u8..3,
        prop::collection::vec(any_rule(), 0..4),
        prop::collection::vec(booking, 0..30),
        prop::bool::weighted(0.95),
    )
        .prop_map(|(capacity, rules, bookings, bookable)| Told {
            capacity,
            rules,
            bookings,
            bookable,
        })
}

fn names() -> Names {
    Names {
        zh: "仪".to_owned(),
        en: "x".to_owned(),
    }
}

fn instrument(id: u32, told: &Told) -> Instrument {
    Instrument {
        always_on: false,
        place: None,
        id: InstrumentId::new(id),
        key: InstrumentKey::parse(&format!("X-{id}")).unwrap(),
        names: names(),
        model: String::new(),
        manufacturer: String::new(),
        category: None,
        capabilities: vec!["xrd".to_owned()],
        room: String::new(),
        lab: LAB,
        zone: Tz::Asia__Shanghai,
        capacity: told.capacity,
        bookable: told.bookable,
        published: true,
        version: 1,
        source: None,
        state_rule: StateRule::standard(),
    }
}

fn directory(all: &[Told]) -> Directory {
    let mut directory = Directory {
        generation: 1,
        ..Directory::default()
    };
    let kinds = [
        NodeKind::Region,
        NodeKind::Centre,
        NodeKind::Institution,
        NodeKind::Lab,
    ];
    for (id, kind) in (1..).zip(kinds) {
        let node = Node {
            enterprise: false,
            place: None,
            version: 1,
            id: NodeId::new(id),
            parent: (id > 1).then(|| NodeId::new(id - 1)),
            kind,
            names: names(),
        };
        directory.nodes.insert(node.id, node);
    }
    directory.put_member(Member {
        version: 1,
        id: ME,
        login: "me".to_owned(),
        display: names(),
        password_hash: String::new(),
        roles: vec![RoleOn {
            role: Role::Researcher,
            node: LAB,
        }],
        active: true,
    });
    for (id, told) in (1..).zip(all) {
        directory.put_instrument(instrument(id, told));
        let rule = |body: &RuleBody| Rule {
            body: body.clone(),
            mode: Mode::Binding,
            classes: ClassSet::ALL,
        };
        let set = RuleSet {
            version: 1,
            rules: told.rules.iter().map(rule).collect(),
        };
        let scope = Scope::Instrument(InstrumentId::new(id));
        directory.rules.insert(scope, set);
    }
    directory
}

fn booking(id: i64, instrument: u32, slot: Slot, is_mine: bool) -> Booking {
    Booking {
        id: BookingId::new(id),
        instrument: InstrumentId::new(instrument),
        member: if is_mine { ME } else { MemberId::new(2) },
        lab: LAB,
        slot,
        status: Status::Confirmed,
        at_risk: false,
        purpose: "".into(),
        project: None,
        extras: None,
        created_at: minutes(-1),
        cancelled_at: Later::NEVER,
        began_at: Later::NEVER,
        finished_at: Later::NEVER,
        due_at: Later::NEVER,
        policy_version: 1,
        version: 1,
    }
}

/// Keeps the bookings that find room.
fn shelf(all: &[Told]) -> Shelf {
    let mut snapshots = HashMap::new();
    let mut number = 0;
    for (id, told) in (1..).zip(all) {
        let mut snapshot = InstrumentSnapshot::new(told.capacity);
        snapshot.occupancy.index_from(minutes(0));
        for (from, length, is_mine) in &told.bookings {
            let slot = slot_of(*from, from + length);
            let Ok(placement) = snapshot.occupancy.place(slot) else {
                continue;
            };
            number += 1;
            snapshot.occupancy.relane(&placement.moves);
            let claim = Claim {
                id: ClaimId::new(number),
                lane: placement.lane,
                slot,
                holder: Holder::Booking(BookingId::new(number)),
            };
            snapshot.occupancy.insert(claim).unwrap();
            let held = Arc::new(booking(number, id, slot, *is_mine));
            snapshot.bookings.insert(held.id, held);
        }
        snapshots.insert(InstrumentId::new(id), snapshot);
    }
    let shelf = Shelf::default();
    shelf.publish(snapshots, std::iter::empty(), std::iter::empty());
    shelf
}

struct World {
    directory: Directory,
    ledger: Ledger,
    shelf: Shelf,
    now: Micros,
}

impl World {
    fn of(all: &[Told], now: i64) -> Self {
        Self {
            directory: directory(all),
            ledger: Ledger::default(),
            shelf: shelf(all),
            now: minutes(now),
        }
    }

    fn search(&self, asked: &PoolAsked) -> PoolFound {
        let looked_at = PoolFacts {
            directory: &self.directory,
            ledger: &self.ledger,
            shelf: &self.shelf,
            now: self.now,
        };
        search(&looked_at, &Grounds::default(), asked, |_| true)
    }

    /// Looks at an instrument as the wish for a slot does.
    fn with_wish<T>(
        &self,
        id: u32,
        slot: Slot,
        look: impl FnOnce(&InstrumentSnapshot, &Wish<'_>) -> T,
    ) -> T {
        let instrument = &self.directory.instruments[&InstrumentId::new(id)];
        let (policy, _) = self.directory.policy_of(instrument);
        let wish = Wish {
            instrument,
            policy: &policy,
            asking: Asking::of(&self.directory, ME, instrument),
            slot,
            now: self.now,
            held: None,
        };
        look(&self.shelf.instrument(instrument.id).unwrap(), &wish)
    }

    /// How much an instrument was used before the begin of the hour, minute by minute.
    fn used_us(&self, id: u32) -> i64 {
        let hour = self.now.get() / HOUR_US * HOUR_US;
        let snapshot = self.shelf.instrument(InstrumentId::new(id)).unwrap();
        let minutes =
            |slot: Slot| (slot.start().get()..slot.end().get().min(hour)).step_by(60_000_000);
        let used: usize = snapshot
            .bookings
            .values()
            .map(|held| minutes(held.slot).count())
            .sum();
        i64::try_from(used).unwrap() * MINUTE_US
    }

    /// The earliest slot of every instrument by the exact search, earliest first.
    fn plain(&self, asked: &PoolAsked) -> Vec<(Micros, i64, u32, Slot)> {
        let count = u32::try_from(self.directory.instruments.len()).unwrap();
        let mut found: Vec<(Micros, i64, u32, Slot)> = Vec::new();
        for id in 1..=count {
            let slot = self.with_wish(id, asked.window, |snapshot, wish| {
                let own = own_bookings(snapshot, wish);
                let facts = facts(wish, &own);
                let reach = (asked.window.start(), asked.window.end());
                let occupancy = &snapshot.occupancy;
                let found = next_free(occupancy, wish.policy, &facts, reach, asked.length, 1);
                found.first().copied()
            });
            let used = self.used_us(id);
            found.extend(slot.map(|slot| (slot.start(), used, id, slot)));
        }
        found.sort_unstable();
        found.truncate(asked.limit);
        found
    }
}

fn asked(window: Slot, length_minutes: u32, limit: usize) -> PoolAsked {
    PoolAsked {
        member: ME,
        capability: Some("xrd".to_owned()),
        centre: None,
        window,
        length: Span::minutes(length_minutes),
        near: None,
        reach_m: None,
        limit,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn offers_are_the_earliest_and_can_be_booked_at_once(
        all in prop::collection::vec(told(), 1..7),
        now in 0_i64..1_440,
        (from, days) in (0_i64..2_000, 1_i64..6),
        length in prop_oneof![(1_u32..24).prop_map(|quarters| quarters * 15), 5_u32..400],
        limit in 1_usize..5,
    ) {
        let world = World::of(&all, now);
        let asked = asked(slot_of(from, from + days * 1_440), length, limit);
        let found = world.search(&asked);
        let offered: Vec<(Micros, i64, u32, Slot)> = found
            .offers
            .iter()
            .map(|PoolOffer { offer, .. }| (offer.slot.start(), offer.used.get(), offer.instrument.get(), offer.slot))
            .collect();
        prop_assert_eq!(&offered, &world.plain(&asked));
        for found in &found.offers {
            let judged = world.with_wish(found.offer.instrument.get(), found.offer.slot, judge_wish);
            let placed = judged.map_err(|refused| TestCaseError::fail(format!("{refused:?}")))?;
            prop_assert_eq!(placed.needs_approval, found.needs_approval);
        }
        // Few enough that nobody is left out without a reason.
        prop_assert!(found.later + found.excluded.len() + found.offers.len() == all.len());
    }
}
