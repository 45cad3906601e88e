//! What is the same for every search until the registry changes: rules, open hours as bits, places;
//! and what each instrument was used lately, counted anew every hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use chrono_tz::Tz;
use scheduler::calendar::{Opening, open_intervals};
use scheduler::cells::{Cells, KNOWN_DAYS};
use scheduler::class::CallerClass;
use scheduler::id::InstrumentId;
use scheduler::place::Place;
use scheduler::policy::{Buffers, Policy};
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Micros, Span};

use super::PoolFacts;
use crate::booking::record::Booking;
use crate::booking::shelf::InstrumentSnapshot;
use crate::registry::Instrument;

/// How far back use counts.
const USED_WITHIN: Span = Span::days(30);

/// The grounds of all pools that were asked for. Clones are not needed: searches share it.
#[derive(Debug, Default)]
pub struct Grounds(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The directory's generation and the hour.
    made_for: (u64, i64),
    pools: HashMap<Option<String>, Arc<Pool>>,
    openings: Arc<Openings>,
}

/// The instruments of one capability, or all of them.
#[derive(Debug)]
pub(super) struct Pool {
    /// Ascending by identity.
    pub(super) grounds: Vec<Ground>,
    openings: Arc<Openings>,
}

/// One instrument.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) instrument: InstrumentId,
    pub(super) policy: Arc<Policy>,
    pub(super) place: Option<Place>,
    /// Counted time of the last 30 days, up to the begin of the hour.
    pub(super) used: Span,
    /// By class, put together when somebody of the class asks.
    terms: [OnceLock<Terms>; 3],
}

/// What rules say to a class of callers about where slots lie.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) open: Arc<Cells>,
    pub(super) grids_minutes: Vec<u32>,
    /// Whether a slot is taken as it is: no blocks, no set-up, no clean-up.
    pub(super) is_plain: bool,
    pub(super) has_blocks: bool,
}

/// Open hours as bits, one for all instruments of the same hours and zone. Hours have no order of
/// their own: the key is what they look like.
#[derive(Debug, Default)]
struct Openings {
    /// Known for [`KNOWN_DAYS`] from here on.
    base: Option<Micros>,
    cells: Mutex<HashMap<String, Arc<Cells>>>,
}

impl Grounds {
    /// Returns the instruments of a capability; all without one.
    pub(super) fn of(&self, looked_at: &PoolFacts<'_>, capability: Option<&str>) -> Arc<Pool> {
        let hour = looked_at.now.get().div_euclid(HOUR_US);
        let made_for = (looked_at.directory.generation, hour);
        let mut kept = self
            .0
            .lock()
            .expect("nobody panics while holding this lock");
        if kept.made_for != made_for {
            let base = looked_at
                .now
                .get()
                .div_euclid(DAY_US)
                .saturating_mul(DAY_US);
            let base = Some(Micros::new(base));
            let openings = if kept.made_for.0 == made_for.0 && kept.openings.base == base {
                Arc::clone(&kept.openings)
            } else {
                let cells = Mutex::default();
                Arc::new(Openings { base, cells })
            };
            *kept = Kept {
                made_for,
                pools: HashMap::new(),
                openings,
            };
        }
        let key = capability.map(str::to_owned);
        if let Some(pool) = kept.pools.get(&key) {
            return Arc::clone(pool);
        }
        let pool = Arc::new(Pool::of(looked_at, capability, Arc::clone(&kept.openings)));
        // Only capabilities that there are: nobody fills the memory with words.
        if !pool.grounds.is_empty() {
            kept.pools.insert(key, Arc::clone(&pool));
        }
        pool
    }
}

impl Pool {
    fn of(looked_at: &PoolFacts<'_>, capability: Option<&str>, openings: Arc<Openings>) -> Self {
        let has_it = |instrument: &&Instrument| {
            let mut held = instrument.capabilities.iter();
            capability.is_none_or(|wanted| held.any(|one| one == wanted))
        };
        let instruments = looked_at.directory.instruments.values();
        let mut grounds: Vec<Ground> = instruments
            .filter(has_it)
            .map(|instrument| Ground::of(looked_at, instrument))
            .collect();
        grounds.sort_unstable_by_key(|ground| ground.instrument);
        Self { grounds, openings }
    }

    /// Returns what rules say to a class about an instrument.
    pub(super) fn terms<'a>(&self, ground: &'a Ground, class: CallerClass, zone: Tz) -> &'a Terms {
        let [internal, region, enterprise] = &ground.terms;
        let terms = match class {
            CallerClass::Internal => internal,
            CallerClass::Region => region,
            CallerClass::Enterprise => enterprise,
        };
        terms.get_or_init(|| {
            let rules = ground.policy.in_force(class);
            let has_blocks = !rules.blocks.is_empty();
            Terms {
                open: self.openings.of(&rules.opening, zone),
                is_plain: !has_blocks && rules.buffers == Buffers::default(),
                has_blocks,
                grids_minutes: rules.grids_minutes,
            }
        })
    }
}

impl Ground {
    fn of(looked_at: &PoolFacts<'_>, instrument: &Instrument) -> Self {
        let (policy, _) = looked_at.directory.policy_of(instrument);
        let snapshot = looked_at.shelf.instrument(instrument.id);
        let hour = looked_at
            .now
            .get()
            .div_euclid(HOUR_US)
            .saturating_mul(HOUR_US);
        let used = |snapshot: Arc<InstrumentSnapshot>| used(&snapshot, Micros::new(hour));
        Self {
            instrument: instrument.id,
            policy: Arc::new(policy),
            place: looked_at.directory.place_of(instrument),
            used: snapshot.map_or(Span::default(), used),
            terms: Default::default(),
        }
    }
}

fn used(snapshot: &InstrumentSnapshot, until: Micros) -> Span {
    let Some(lately) = Slot::new(until.saturating_sub(USED_WITHIN), until) else {
        return Span::default();
    };
    let bookings = snapshot.bookings.values();
    let counted = bookings.filter_map(|booking| Booking::counted(booking)?.intersect(lately));
    counted.fold(Span::default(), |sum, slot| sum.saturating_add(slot.len()))
}

impl Openings {
    fn of(&self, opening: &[Opening], zone: Tz) -> Arc<Cells> {
        if opening.is_empty() {
            return Arc::new(Cells::always());
        }
        let key = format!("{zone} {opening:?}");
        let mut cells = self
            .cells
            .lock()
            .expect("nobody panics while holding this lock");
        let held = cells.entry(key).or_insert_with(|| {
            let base = self.base.unwrap_or(Micros::new(0));
            let window = Slot::new(base, base + Span::days(KNOWN_DAYS));
            Arc::new(window.map_or(Cells::unknown(), |window| {
                Cells::of(window, &open_intervals(opening, zone, window))
            }))
        });
        Arc::clone(held)
    }
}
