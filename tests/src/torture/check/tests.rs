//! Histories with one thing wrong each: the checker must see it, and nothing in honest ones.

mod claims;
mod promises;

use super::{Evidence, Fault, check};
use crate::times::QUARTER_MS;
use crate::torture::history::{
    Against, Answer, Call, Conflict, Heard, OPEN_END, Operation, Refusal, Slot,
};
use crate::torture::record::{BookingRow, ClaimRow, OutageRow};

/// Takes one booking at once.
const ONE: &str = "one";
/// Takes three.
const THREE: &str = "three";

/// A run told step by step. Operation `n` is asked at `100 n` and answered at `100 n + 50`.
struct Run(Evidence);

fn slot(from: i64, quarters: i64) -> Slot {
    let start_ms = (96 + from) * QUARTER_MS;
    Slot::new(start_ms, start_ms + quarters * QUARTER_MS)
}

fn conflict(kind: &str, slot: Slot) -> Conflict {
    let kind = kind.to_owned();
    Conflict { slot, kind }
}

fn book(tag: &str, instrument: &str, slot: Slot) -> Call {
    Call::Book {
        tag: tag.to_owned(),
        key: tag.to_owned(),
        instrument: instrument.to_owned(),
        slot,
        hold: None,
    }
}

fn change(booking: i64, slot: Slot, version: Option<i64>) -> Call {
    let instrument = ONE.to_owned();
    Call::Change {
        booking,
        instrument,
        slot,
        version,
    }
}

fn open_outage(tag: &str, slot: Slot) -> Call {
    let (tag, instrument) = (tag.to_owned(), ONE.to_owned());
    Call::OpenOutage {
        tag,
        instrument,
        slot,
    }
}

fn booking(id: i64, slot: Slot, status: &str) -> Heard {
    let (status, version) = (status.to_owned(), 1);
    Heard::Ok(Answer::Booking {
        id,
        slot,
        status,
        version,
    })
}

fn taken(conflicts: &[Conflict]) -> Heard {
    let against = Against {
        conflicts: conflicts.to_vec(),
        ..Against::default()
    };
    refused(409, "slot-taken", against)
}

fn refused(status: u16, problem: &str, against: Against) -> Heard {
    let problem = problem.to_owned();
    Heard::Refused(Refusal {
        status,
        problem,
        against,
    })
}

fn by_rule(rule: &str) -> Heard {
    let against = Against {
        refusals: vec![rule.to_owned()],
        ..Against::default()
    };
    refused(422, "refused-by-policy", against)
}

fn unknown() -> Heard {
    Heard::Unknown("killed".to_owned())
}

impl Run {
    fn new() -> Self {
        let mut evidence = Evidence::default();
        let capacities = [(ONE.to_owned(), 1), (THREE.to_owned(), 3)];
        evidence.record.capacities = capacities.into();
        Self(evidence)
    }

    fn hear(&mut self, call: Call, heard: Heard) -> &mut Self {
        let number = self.0.operations.len() as u64 + 1;
        self.during(number * 100, number * 100 + 50, call, heard)
    }

    fn during(&mut self, from_us: u64, to_us: u64, call: Call, heard: Heard) -> &mut Self {
        let who = u32::try_from(self.0.operations.len()).unwrap();
        let silent = matches!(heard, Heard::Unknown(_));
        self.0.operations.push(Operation {
            who,
            from_us,
            to_us: if silent { OPEN_END } else { to_us },
            call,
            heard,
        });
        self
    }

    /// Books and hears yes.
    fn booked(&mut self, id: i64, tag: &str, instrument: &str, slot: Slot) -> &mut Self {
        self.hear(book(tag, instrument, slot), booking(id, slot, "confirmed"))
    }

    fn cancelled(&mut self, id: i64, slot: Slot) -> &mut Self {
        let call = Call::Cancel { booking: id };
        self.hear(call, booking(id, slot, "cancelled"))
    }

    /// A booking in the database, with its claim on a lane if it has one.
    fn row(
        &mut self,
        id: i64,
        tag: &str,
        instrument: &str,
        slot: Slot,
        lane: Option<i64>,
    ) -> &mut Self {
        let record = &mut self.0.record;
        let status = if lane.is_some() {
            "confirmed"
        } else {
            "cancelled"
        };
        record.bookings.push(BookingRow {
            id,
            instrument: instrument.to_owned(),
            tag: tag.to_owned(),
            slot,
            status: status.to_owned(),
            at_risk: false,
        });
        record.claims.extend(lane.map(|lane| ClaimRow {
            instrument: instrument.to_owned(),
            lane,
            slot,
            booking: Some(id),
            outage: None,
        }));
        self
    }

    /// An outage in the database, with its claim unless it was ended.
    fn outage_row(&mut self, id: i64, tag: &str, slot: Slot, ended: bool) -> &mut Self {
        let record = &mut self.0.record;
        record.outages.push(OutageRow {
            id,
            instrument: ONE.to_owned(),
            tag: tag.to_owned(),
            slot,
            ended,
        });
        if !ended {
            record.claims.push(ClaimRow {
                instrument: ONE.to_owned(),
                lane: 0,
                slot,
                booking: None,
                outage: Some(id),
            });
        }
        self
    }

    #[track_caller]
    fn is_honest(&self) {
        assert_eq!(check(&self.0), []);
    }

    /// Every finding is of this kind, and there is one.
    #[track_caller]
    fn shows(&self, fault: Fault) {
        let findings = check(&self.0);
        let all = findings.iter().all(|finding| finding.fault == fault);
        assert!(!findings.is_empty() && all, "{fault:?}: {findings:#?}");
    }
}
