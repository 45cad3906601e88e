//! Random commands over everything that claims time, with time that passes and restarts: what memory
//! holds is what the database holds, and every claim has its holder.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scheduler::id::{BookingId, HoldId, InstrumentId, MemberId, OutageId, WaitId};
use scheduler::occupancy::{Claim, Holder};
use scheduler::policy::RuleBody;
use scheduler::time::{DAY_US, MINUTE_US, Span};
use scheduler::waitlist::OfferState;

use super::rules::with_rules;
use super::waitlist::look;
use super::*;
use agenda::Due;
use ledger::Ledger;
use record::{Wait, WaitState};

/// The instrument and its lanes.
const INSTRUMENT: InstrumentId = InstrumentId::new(1);

/// A command of a member; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Book(i64, Slot),
    Move(usize, Slot),
    Cancel(usize),
    Restore(usize),
    Hold(i64, Slot),
    LetGo(usize),
    Wait(i64, Slot, bool),
    Withdraw(usize),
    Take(usize),
    Decline(usize),
    Together(i64, Slot, Slot),
    Open(Slot),
    End(usize),
    /// Minutes pass.
    Pass(i64),
    Restart,
}

fn any_slot() -> impl Strategy<Value = Slot> {
    (1..20_i64, 1..4_i64).prop_map(|(start, hours)| slot(start, start + hours))
}

fn any_step() -> impl Strategy<Value = Step> {
    let member = 1..5_i64;
    let which = 0..50_usize;
    prop_oneof![
        8 => (member.clone(), any_slot()).prop_map(|(who, slot)| Step::Book(who, slot)),
        3 => (which.clone(), any_slot()).prop_map(|(which, slot)| Step::Move(which, slot)),
        6 => which.clone().prop_map(Step::Cancel),
        3 => which.clone().prop_map(Step::Restore),
        3 => (member.clone(), any_slot()).prop_map(|(who, slot)| Step::Hold(who, slot)),
        1 => which.clone().prop_map(Step::LetGo),
        8 => (member.clone(), any_slot(), any::<bool>())
            .prop_map(|(who, slot, auto)| Step::Wait(who, slot, auto)),
        1 => which.clone().prop_map(Step::Withdraw),
        3 => which.clone().prop_map(Step::Take),
        2 => which.clone().prop_map(Step::Decline),
        2 => (member, any_slot(), any_slot()).prop_map(|(who, a, b)| Step::Together(who, a, b)),
        1 => any_slot().prop_map(Step::Open),
        1 => which.prop_map(Step::End),
        6 => (1..40_i64).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

fn nth<T: Clone>(all: impl Iterator<Item = T>, which: usize) -> Option<T> {
    let all: Vec<T> = all.collect();
    all.get(which % all.len().max(1)).cloned()
}

fn bookings(place: &Place) -> Vec<std::sync::Arc<record::Booking>> {
    place.desk.shelf().bookings_at(INSTRUMENT)
}

/// Any command is asked alike; its answer is not of interest.
impl Ask for Command {
    type Outcome = Answer;

    fn outcome(answer: Answer) -> Result<Answer, Answer> {
        Ok(answer)
    }
}

async fn play(place: Place, step: Step) -> Place {
    let about_bookings = command_of(&place, &step);
    if let Some(command) = about_bookings.or_else(|| other_command_of(&place, &step)) {
        place.desk.ask(command).await.unwrap();
    } else if let Step::Pass(minutes) = step {
        place.pass_minutes(minutes);
        // Nothing is left for the timer, which would decide it between two looks of the check.
        look(&place).await;
    } else if let Step::Restart = step {
        return place.restart().await;
    }
    place
}

/// Returns the command of a step about bookings and outages, if there is one to be about.
fn command_of(place: &Place, step: &Step) -> Option<Command> {
    let booking = |which: &usize| nth(bookings(place).into_iter(), *which);
    Some(match step {
        Step::Book(member, wanted) => wish(1, *member, *wanted).into(),
        Step::Move(which, wanted) => Command::from(Change {
            slot: Some(*wanted),
            ..change_of(booking(which)?.id)
        }),
        Step::Cancel(which) => Command::from(cancel_of(booking(which)?.id)),
        Step::Restore(which) => {
            let held = booking(which)?;
            let (booking, member) = (held.id, held.member);
            Command::from(Restore { booking, member })
        }
        Step::Together(member, one, two) => Command::from(BookTogether {
            member: MemberId::new(*member),
            parts: vec![(INSTRUMENT, *one), (INSTRUMENT, *two)],
            purpose: String::new(),
            project: None,
            details: record::Details::default(),
            idempotency: None,
        }),
        Step::Open(slot) => Command::from(OpenOutage {
            choices: Vec::new(),
            kind: record::OutageKind::Planned,
            instrument: INSTRUMENT,
            slot: *slot,
            reason: String::new(),
            member: MemberId::new(1),
        }),
        Step::End(which) => {
            let outages = place.snapshot(1).outages.clone();
            let outage = nth(outages.into_iter(), *which)?.id;
            Command::from(EndOutage { outage })
        }
        Step::Hold(..)
        | Step::LetGo(_)
        | Step::Wait(..)
        | Step::Withdraw(_)
        | Step::Take(_)
        | Step::Decline(_)
        | Step::Pass(_)
        | Step::Restart => return None,
    })
}

/// Returns the command of a step about holds and the waitlist, if there is one to be about.
fn other_command_of(place: &Place, step: &Step) -> Option<Command> {
    let ledger = place.desk.ledger();
    let wish = |which: &usize| {
        let held = nth(ledger.waits.iter().cloned(), *which)?;
        Some((held.id, held.member))
    };
    Some(match step {
        Step::Hold(member, wanted) => super::holds::hold(1, *member, *wanted).into(),
        Step::LetGo(which) => {
            let kept = nth(ledger.holds.iter().cloned(), *which)?;
            let (hold, member) = (kept.id, kept.member);
            Command::from(LetGo { hold, member })
        }
        Step::Wait(member, within, auto_book) => Command::from(AskToWait {
            auto_book: *auto_book,
            length: Span::minutes(60),
            ..super::waitlist::exact(*member, *within)
        }),
        Step::Withdraw(which) => {
            let (wait, member) = wish(which)?;
            Command::from(Withdraw { wait, member })
        }
        Step::Take(which) => {
            let (wait, member) = wish(which)?;
            Command::from(super::waitlist::taking(wait, member))
        }
        Step::Decline(which) => {
            let (wait, member) = wish(which)?;
            Command::from(DeclineOffer { wait, member })
        }
        Step::Book(..)
        | Step::Move(..)
        | Step::Cancel(_)
        | Step::Restore(_)
        | Step::Together(..)
        | Step::Open(_)
        | Step::End(_)
        | Step::Pass(_)
        | Step::Restart => return None,
    })
}

/// What the database holds.
async fn stored(place: &Place) -> (InstrumentSnapshot, Ledger) {
    let mut tx = place.desk.database().begin().await.unwrap();
    let loaded = crate::store::load_facts(&mut tx, Micros::new(MIDNIGHT - DAY_US))
        .await
        .unwrap();
    let ledger = Ledger::load(&mut tx, place.clock.now()).await.unwrap();
    drop(tx);
    let (mut snapshots, _) =
        crate::booking::load::snapshots(&place.desk.directory(), loaded, place.clock.now());
    (snapshots.remove(&INSTRUMENT).unwrap(), ledger)
}

fn waits(ledger: &Ledger) -> BTreeMap<WaitId, Wait> {
    let waits = ledger.waits.iter();
    waits.map(|wait| (wait.id, Wait::clone(wait))).collect()
}

/// Checks what memory holds against the database and against itself.
async fn check(place: &Place) {
    let shown = place.snapshot(1);
    let ledger = place.desk.ledger();
    let (found, loaded) = stored(place).await;
    assert!(found.occupancy.claims().eq(shown.occupancy.claims()));
    assert_eq!(found.bookings, shown.bookings);
    assert_eq!(waits(&ledger), waits(&loaded));
    assert!(ledger.holds.iter().eq(loaded.holds.iter()));
    assert!(ledger.offers.iter().eq(loaded.offers.iter()));
    let for_ever = Micros::new(i64::MAX);
    let own = |ledger: &Ledger| -> Vec<Due> {
        let due = ledger.agenda.due(for_ever, usize::MAX).into_iter();
        // Those of bookings are told by bookings, which this has not read.
        due.filter(|due| !matches!(due, Due::Approval(_))).collect()
    };
    assert_eq!(own(&ledger), own(&loaded));
    check_claims(&shown, &ledger);
    check_offers(&ledger);
    // Where records are looked for is where they are.
    let mut anew = Ledger::clone(&ledger);
    anew.find_all();
    assert_eq!(anew.finding, ledger.finding);
}

fn check_claims(shown: &InstrumentSnapshot, ledger: &Ledger) {
    let claims: Vec<&Claim> = shown.occupancy.claims().collect();
    for (place, claim) in claims.iter().enumerate() {
        let others = &claims[place + 1..];
        let overlap = others
            .iter()
            .find(|other| other.lane == claim.lane && other.slot.overlaps(claim.slot));
        assert_eq!(overlap, None, "{claim:?}");
    }
    let mut bookings: BTreeSet<BookingId> = shown.bookings.keys().copied().collect();
    let forms = ledger.holds.iter().filter(|hold| hold.undoes.is_none());
    let mut holds: BTreeSet<HoldId> = forms.map(|hold| hold.id).collect();
    let open = ledger.offers.iter();
    let open = open.filter(|offer| offer.state == OfferState::Open);
    let mut offers: BTreeSet<_> = open.map(|offer| offer.id).collect();
    let outages: BTreeSet<OutageId> = shown.outages.iter().map(|outage| outage.id).collect();
    for claim in claims {
        let is_held = match claim.holder {
            Holder::Booking(id) => bookings.remove(&id),
            Holder::Hold(id) => {
                let undo = ledger.holds.get(id.get());
                holds.remove(&id) || undo.is_some_and(|hold| hold.undoes.is_some())
            }
            Holder::Offer(id) => offers.remove(&id),
            Holder::Outage(id) => outages.contains(&id),
        };
        assert!(is_held, "nobody has {claim:?}");
    }
    assert!(bookings.is_empty(), "without a claim: {bookings:?}");
    assert!(holds.is_empty(), "without a claim: {holds:?}");
    assert!(offers.is_empty(), "without a claim: {offers:?}");
}

/// One open offer a wish, only to wishes that wait, and nothing that was passed.
fn check_offers(ledger: &Ledger) {
    let mut asked = BTreeSet::new();
    let open = ledger.offers.iter();
    for offer in open.filter(|offer| offer.state == OfferState::Open) {
        assert!(asked.insert(offer.wait), "asked twice: {offer:?}");
        let wait = ledger.waits.get(offer.wait.get()).unwrap();
        assert_eq!(wait.state, WaitState::Waiting);
        assert!(wait.within.covers(offer.slot) && offer.slot.len() == wait.length);
        let passed = wait.passed.iter().filter_map(|passed| passed.place());
        let again = passed.filter(|(_, passed)| passed.overlaps(offer.slot));
        assert_eq!(again.count(), 0, "{offer:?} {wait:?}");
    }
    for wait in ledger.waits.iter() {
        let is_served = wait.state == WaitState::Served;
        assert_eq!(is_served, wait.booking.is_some(), "{wait:?}");
    }
}

async fn play_all(capacity: u8, buffer_minutes: u32, steps: Vec<Step>) {
    let mut place = with_rules([RuleBody::Buffers {
        setup_minutes: 0,
        cleanup_minutes: buffer_minutes,
    }])
    .await;
    let mut edited = instrument(1, capacity);
    edited.version = 2;
    let edit = RegistryEdit::ReplaceInstrument(Box::new(edited));
    place.desk.edit(edit).await.unwrap();
    for step in steps {
        place = play(place, step).await;
        check(&place).await;
    }
    // In the end everything that ends by itself has.
    place.pass_minutes(DAY_US / MINUTE_US);
    look(&place).await;
    check(&place).await;
    let ledger = place.desk.ledger();
    assert!(ledger.holds.is_empty());
    let open = ledger.offers.iter();
    assert_eq!(
        open.filter(|held| held.state == OfferState::Open).count(),
        0
    );
    let waiting = ledger.waits.iter();
    let waiting = waiting.filter(|wait| wait.state == WaitState::Waiting);
    assert_eq!(waiting.count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_memory_is_what_the_database_holds(
        capacity in 1..3_u8,
        buffer_minutes in prop_oneof![Just(0_u32), Just(30)],
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_all(capacity, buffer_minutes, steps));
    }
}
