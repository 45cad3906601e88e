//! No refusal without a cause, and no yes against one.

use super::taken::{Period, Subject, Taken, depth};
use super::timeline::Timeline;
use super::{Fault, Finding};
use crate::times::QUARTER_MS;
use crate::torture::history::{Against, Answer, Call, Conflict, Operation, Refusal, Slot};

/// Longest booking that the rules of the region allow.
const LONGEST_MS: i64 = 8 * 3_600_000;
/// How far ahead a booking may begin.
const HORIZON_MS: i64 = 14 * 86_400_000;

/// A wish for a slot, whatever the call.
struct Wish<'a> {
    instrument: &'a str,
    slot: Slot,
    /// What makes way for it.
    own: Option<Subject>,
}

/// Checks a yes: nothing certainly stood against it all the time it took.
pub(super) fn check_yes(
    timeline: &Timeline,
    began_ms: i64,
    operation: &Operation,
    answer: &Answer,
    findings: &mut Vec<Finding>,
) {
    let mut fault = |text: String| {
        let text = format!("{text}: {operation:?}");
        findings.push(Finding::new(Fault::Unfounded, text));
    };
    let fits = match answer {
        Answer::Verdict {
            accepts: false,
            against,
        } => {
            if let Some(wish) = wish(timeline, &operation.call) {
                check_against(timeline, began_ms, operation, &wish, against, &mut fault);
            }
            return;
        }
        Answer::Booking { slot, status, .. } => match &operation.call {
            Call::Cancel { .. } => status == "cancelled",
            Call::Change { slot: asked, .. } => status == "confirmed" && slot == asked,
            Call::Read { booking } => may_be(timeline, operation, *booking, *slot, status),
            _ => true,
        },
        _ => true,
    };
    if !fits {
        fault("another slot or status than asked or acknowledged".to_owned());
    }
    let Some(wish) = wish(timeline, &operation.call) else {
        return;
    };
    let broken = broken_rules(wish.slot, began_ms + at_ms(operation));
    if !broken.is_empty() {
        fault(format!("accepted against {broken:?}"));
    }
    // Asking again under a key tells of what was granted before, not of now.
    if !matches!(operation.call, Call::Book { .. })
        && taken_all_along(timeline, Period::of(operation), &wish)
    {
        fault("accepted where there was no room all along".to_owned());
    }
    if let Some(outage) = outage_all_along(timeline, Period::of(operation), &wish) {
        fault(format!("accepted inside {outage:?}"));
    }
}

/// Whether a booking may have been so during a look at it.
fn may_be(
    timeline: &Timeline,
    operation: &Operation,
    booking: i64,
    slot: Slot,
    status: &str,
) -> bool {
    let Some(story) = timeline.stories.get(&booking) else {
        return false;
    };
    if status == "cancelled" {
        return story.slot.is_none() || story.maybe.contains(&None);
    }
    let mut had = timeline.at(&story.instrument, slot);
    let period = Period::of(operation);
    had.any(|taken| taken.subject == Subject::Booking(booking) && taken.possibly.overlaps(period))
}

/// Checks a no: it must be one of those that may come, with its cause.
pub(super) fn check_no(
    timeline: &Timeline,
    began_ms: i64,
    operation: &Operation,
    refusal: &Refusal,
    findings: &mut Vec<Finding>,
) {
    let known = [
        (409, "slot-taken"),
        (422, "refused-by-policy"),
        (409, "wrong-state"),
        (409, "stale-version"),
        (422, "idempotency-key-reused"),
    ];
    if !known.contains(&(refusal.status, refusal.problem.as_str())) {
        let text = format!("such an answer must not come: {operation:?}");
        findings.push(Finding::new(Fault::Unexpected, text));
        return;
    }
    let mut fault = |text: String| {
        let text = format!("{text}: {operation:?}");
        findings.push(Finding::new(Fault::Unfounded, text));
    };
    match refusal.problem.as_str() {
        "slot-taken" | "refused-by-policy" => match wish(timeline, &operation.call) {
            Some(wish) => {
                let against = &refusal.against;
                if against.refusals.is_empty() == (refusal.status == 422) {
                    fault("status and reasons do not fit".to_owned());
                }
                check_against(timeline, began_ms, operation, &wish, against, &mut fault);
            }
            None => fault("refused like a wish".to_owned()),
        },
        "wrong-state" if !may_be_over(timeline, &operation.call) => {
            fault("nothing changed its state".to_owned());
        }
        "stale-version" if !may_be_stale(timeline, operation) => {
            fault("nothing changed its version".to_owned());
        }
        "idempotency-key-reused" if !is_misuse(&operation.call) => {
            fault("the key was its own".to_owned());
        }
        _ => {}
    }
}

/// Whether the key of another wish is used.
fn is_misuse(call: &Call) -> bool {
    matches!(call, Call::Book { tag, key, .. } if tag != key)
}

fn wish<'a>(timeline: &Timeline, call: &'a Call) -> Option<Wish<'a>> {
    let (instrument, slot, own) = match call {
        Call::Book {
            tag,
            instrument,
            slot,
            hold,
            ..
        } => {
            let own = timeline.tags.get(tag).map(|id| Subject::Booking(*id));
            (instrument, *slot, hold.map(Subject::Hold).or(own))
        }
        Call::Change {
            booking,
            instrument,
            slot,
            ..
        } => (instrument, *slot, Some(Subject::Booking(*booking))),
        Call::Try { instrument, slot } | Call::Hold { instrument, slot } => {
            (instrument, *slot, None)
        }
        _ => return None,
    };
    Some(Wish {
        instrument,
        slot,
        own,
    })
}

/// Checks reasons against a wish: exactly the rules that it breaks, claims that were possibly
/// there and leave no room, and offers that were not certainly taken.
fn check_against(
    timeline: &Timeline,
    began_ms: i64,
    operation: &Operation,
    wish: &Wish<'_>,
    against: &Against,
    fault: &mut impl FnMut(String),
) {
    let period = Period::of(operation);
    let mut broken = broken_rules(wish.slot, began_ms + at_ms(operation));
    let mut named: Vec<&str> = against.refusals.iter().map(String::as_str).collect();
    if matches!(operation.call, Call::Hold { .. }) {
        named.retain(|rule| *rule != "hold_limit");
    }
    broken.sort_unstable();
    named.sort_unstable();
    if broken != named {
        fault(format!("breaks {broken:?}, refused for {named:?}"));
    }
    if against.refusals.is_empty() && against.conflicts.is_empty() {
        fault("refused without a reason".to_owned());
    }
    for conflict in &against.conflicts {
        if !is_explained(timeline, period, wish, conflict) {
            fault(format!("nothing explains {conflict:?}"));
        }
    }
    let in_the_way = against.conflicts.iter().map(|conflict| conflict.slot);
    let full = depth(in_the_way, wish.slot) >= timeline.capacity(wish.instrument);
    // An outage leaves a held slot its lane and still keeps its holder from booking it.
    let is_held = matches!(operation.call, Call::Book { hold: Some(_), .. });
    let is_out = is_held && against.conflicts.iter().any(|one| one.kind == "outage");
    if !against.conflicts.is_empty() && !full && !is_out {
        fault("what is in the way leaves room".to_owned());
    }
    for offer in &against.next_free {
        let wish = Wish {
            slot: *offer,
            ..*wish
        };
        if taken_all_along(timeline, period, &wish) {
            fault(format!("{offer:?} was offered and taken"));
        }
        if !broken_rules(*offer, began_ms + at_ms(operation)).is_empty() {
            fault(format!("{offer:?} was offered against the rules"));
        }
    }
}

/// Returns the rules of the region that a slot breaks. Wishes keep a distance of days from the
/// horizon, so that the moment of the judgement does not matter.
fn broken_rules(slot: Slot, now_ms: i64) -> Vec<&'static str> {
    let length_ms = slot.end_ms - slot.start_ms;
    let off = |at: i64| at.rem_euclid(QUARTER_MS) != 0;
    let rules = [
        ("alignment", off(slot.start_ms) || off(slot.end_ms)),
        ("shortest", length_ms < QUARTER_MS),
        ("longest", length_ms > LONGEST_MS),
        ("horizon", slot.start_ms > now_ms + HORIZON_MS),
        ("past", slot.start_ms < now_ms),
    ];
    let broken = rules.into_iter().filter(|(_, broken)| *broken);
    broken.map(|(rule, _)| rule).collect()
}

fn at_ms(operation: &Operation) -> i64 {
    i64::try_from(operation.from_us / 1000).unwrap_or(i64::MAX)
}

/// Whether something was possibly there during the call that shows as this conflict.
fn is_explained(timeline: &Timeline, period: Period, wish: &Wish<'_>, conflict: &Conflict) -> bool {
    let possible =
        |taken: &&Taken| Some(taken.subject) != wish.own && taken.possibly.overlaps(period);
    if !conflict.slot.overlaps(wish.slot) {
        return false;
    }
    match conflict.kind.as_str() {
        "booking" => timeline
            .at(wish.instrument, conflict.slot)
            .filter(possible)
            .any(|taken| matches!(taken.subject, Subject::Booking(_))),
        // A cancelled booking's slot may be held for its undo.
        "hold" => timeline
            .at(wish.instrument, conflict.slot)
            .any(|taken| match taken.subject {
                Subject::Hold(_) => possible(&taken),
                Subject::Booking(_) => taken.possibly.from_us <= period.to_us,
                Subject::Outage(_) => false,
            }),
        "outage" => timeline
            .around(wish.instrument, conflict.slot, period)
            .into_iter()
            .filter(possible)
            .filter(|taken| matches!(taken.subject, Subject::Outage(_)))
            .any(|taken| taken.slot.contains(conflict.slot)),
        _ => false,
    }
}

/// Whether bookings and holds certainly filled an instant of the wish all the time.
fn taken_all_along(timeline: &Timeline, period: Period, wish: &Wish<'_>) -> bool {
    let slots = timeline
        .around(wish.instrument, wish.slot, period)
        .into_iter()
        .filter(|taken| Some(taken.subject) != wish.own)
        .filter(|taken| !matches!(taken.subject, Subject::Outage(_)))
        .filter(|taken| taken.certainly.is_some_and(|held| held.contains(period)))
        .map(|taken| taken.slot);
    depth(slots, wish.slot) >= timeline.capacity(wish.instrument)
}

/// Returns an outage that was certainly there all the time and that the wish reaches into beyond
/// what its own booking held before.
fn outage_all_along<'a>(
    timeline: &'a Timeline,
    period: Period,
    wish: &Wish<'_>,
) -> Option<&'a Taken> {
    let mut outages = timeline
        .around(wish.instrument, wish.slot, period)
        .into_iter()
        .filter(|taken| matches!(taken.subject, Subject::Outage(_)))
        .filter(|taken| taken.certainly.is_some_and(|held| held.contains(period)));
    let mut kept: Vec<Slot> = timeline
        .around(wish.instrument, wish.slot, period)
        .into_iter()
        .filter(|taken| Some(taken.subject) == wish.own && taken.possibly.overlaps(period))
        .filter(|taken| taken.possibly.from_us < period.from_us)
        .map(|taken| taken.slot)
        .collect();
    kept.sort_unstable();
    outages.find(|outage| {
        let inside = outage.slot.common(wish.slot);
        inside.is_some_and(|inside| {
            let mut reached = inside.start_ms;
            for slot in kept.iter().filter(|slot| slot.start_ms <= inside.end_ms) {
                if slot.start_ms <= reached {
                    reached = reached.max(slot.end_ms);
                }
            }
            reached < inside.end_ms
        })
    })
}

/// Whether something without an answer may have cancelled the booking or ended the outage.
fn may_be_over(timeline: &Timeline, call: &Call) -> bool {
    match call {
        Call::Change { booking, .. } | Call::Cancel { booking } => timeline
            .stories
            .get(booking)
            .is_some_and(|story| story.maybe.contains(&None)),
        Call::EndOutage { outage } => timeline
            .outages
            .get(outage)
            .is_some_and(|story| story.maybe_ended),
        _ => false,
    }
}

/// Whether something may have changed a booking since its owner looked: a question without an
/// answer, or an outage that began or ended around it.
fn may_be_stale(timeline: &Timeline, operation: &Operation) -> bool {
    let Call::Change {
        booking,
        version: Some(_),
        instrument,
        ..
    } = &operation.call
    else {
        return false;
    };
    let Some(story) = timeline.stories.get(booking) else {
        return false;
    };
    let life = Period {
        from_us: story.from_us,
        to_us: operation.to_us,
    };
    let had = timeline.around(instrument, Slot::new(i64::MIN, i64::MAX), life);
    let (own, others): (Vec<&Taken>, Vec<&Taken>) = had
        .into_iter()
        .partition(|taken| taken.subject == Subject::Booking(*booking));
    let mut outages = others
        .into_iter()
        .filter(|taken| matches!(taken.subject, Subject::Outage(_)));
    !story.maybe.is_empty()
        || outages.any(|outage| own.iter().any(|taken| taken.slot.overlaps(outage.slot)))
}
