//! Each way the innocent could be punished, and what becomes of the guilty, at the desk with its
//! database: agent, link, meter, backlog, pause, clock, outage, neighbour, restart.
//!
//! Times are minutes after midnight. The slot is `[60, 120)`, the grace time 20, the dwell 10.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::class::ClassSet;
use scheduler::id::{BookingId, InstrumentId};
use scheduler::machine::{Machine, MachineInterval};
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::time::MINUTE_US;
use wire::AgentName;

use super::record::{Booking, NoticeKind};
use super::*;
use crate::registry::Source;

pub(super) fn at(minute: i64) -> Micros {
    Micros::new(MIDNIGHT + minute * MINUTE_US)
}

pub(super) fn minutes(from: i64, to: i64) -> Slot {
    Slot::new(at(from), at(to)).unwrap()
}

/// Reads `still 0 60, ran 60 90`; a `?` behind says that its time is uncertain.
fn machine(text: &str) -> Arc<[MachineInterval]> {
    let interval = |part: &str| {
        let words: Vec<&str> = part.trim_end_matches('?').split_whitespace().collect();
        let machine = match words[0] {
            "ran" => Machine::Running,
            "still" => Machine::NotRunning,
            "fault" => Machine::Fault,
            "silent" => Machine::Silent,
            word => panic!("{word}"),
        };
        MachineInterval {
            slot: minutes(words[1].parse().unwrap(), words[2].parse().unwrap()),
            machine,
            is_uncertain: part.ends_with('?'),
        }
    };
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(interval)
        .collect()
}

/// What the witness tells of instrument 1: what its machine did, and up to when that is known.
pub(super) fn told(text: &str, watermark: Option<i64>) -> Hear {
    Hear {
        seen: vec![SeenMachine {
            instrument: InstrumentId::new(1),
            from: at(0),
            machine: machine(text),
            watermark: watermark.map(at),
        }],
        listening_since: at(0),
        upto: None,
    }
}

pub(super) fn with_source(mut import: Import) -> Import {
    for instrument in &mut import.instruments {
        instrument.source = Some(Source {
            agent: AgentName::parse("a").unwrap(),
            device: None,
        });
    }
    import
}

/// A place where one who does not come pays.
pub(super) async fn strict() -> Place {
    strict_of(with_source(world())).await
}

pub(super) async fn strict_of(import: Import) -> Place {
    let place = Place::of(import).await;
    let rule = |body| Rule {
        body,
        mode: Mode::Default,
        classes: ClassSet::ALL,
    };
    let bodies = [
        RuleBody::Grace { minutes: 20 },
        RuleBody::EarlyFinish { dwell_minutes: 10 },
        RuleBody::NoShowPoints { points: 3 },
    ];
    let set = RuleSet {
        version: 0,
        rules: bodies.into_iter().map(rule).collect(),
    };
    let edit = RegistryEdit::SetRules(Scope::Node(NodeId::new(1)), set, Some(0));
    place.desk.edit(edit).await.unwrap();
    place
}

impl Place {
    pub(super) fn go(&self, minute: i64) {
        self.hand.advance(at(minute) - self.clock.now());
    }

    pub(super) async fn book(&self, member: i64, slot: Slot) -> BookingId {
        booked(self.desk.ask(wish(1, member, slot)).await.unwrap()).id
    }

    pub(super) async fn hear(&self, hear: Hear) -> HearOutcome {
        self.desk.ask(hear).await.unwrap()
    }

    pub(super) fn status(&self, id: BookingId) -> Status {
        self.desk.booking(id).unwrap().status
    }

    pub(super) fn points(&self) -> u32 {
        let ledger = self.desk.ledger();
        let given = ledger.penalties.iter().filter(|penalty| !penalty.lifted);
        given.map(|penalty| penalty.points).sum()
    }

    pub(super) fn notices(&self) -> Vec<(i64, NoticeKind)> {
        let ledger = self.desk.ledger();
        let notices = ledger.notices.iter();
        notices
            .map(|notice| (notice.member.get(), notice.kind))
            .collect()
    }

    /// Writes the instrument's runs as `1 booked 60-90 counted`.
    pub(super) fn runs(&self) -> String {
        let ledger = self.desk.ledger();
        let minute = |at: Micros| (at.get() - MIDNIGHT) / MINUTE_US;
        let one = |run: &Arc<record::Run>| {
            let whose = run.member.map_or("-".to_owned(), |id| id.to_string());
            let end = run
                .end
                .map_or("…".to_owned(), |end| minute(end).to_string());
            let (kind, state) = (run.kind.as_str(), run.state.as_str());
            let doubt = if run.uncertain { "?" } else { "" };
            format!("{whose} {kind} {}-{end}{doubt} {state}", minute(run.start))
        };
        let runs = ledger.runs_of(InstrumentId::new(1), Micros::new(0));
        runs.map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Why, what the machine did, its watermark, now, what becomes of the booking.
const CASES: &str = "
did not come              | still 0 80                   |  80 |  81 | no_show
data not there yet        | still 0 79                   |  79 |  81 | confirmed
agent down                | still 0 65                   |  65 |  94 | confirmed
agent down, waited        | still 0 65                   |  65 |  95 | unverified
never heard of            |                              |   - |  95 | unverified
link down                 | still 0 70, silent 70 90     |  90 |  90 | unverified
meter unplugged           | silent 0 90                  |  90 |  90 | unverified
backlog in: it ran        | still 0 79, ran 79 94        |  94 |  94 | in_use
backlog in: it stood      | still 0 94                   |  94 |  94 | no_show
fault                     | still 0 65, fault 65 90      |  90 |  90 | unverified
clock wrong               | still 0 90?                  |  90 |  90 | unverified
came                      | still 0 65, ran 65 70        |  70 |  70 | in_use
came early                | still 0 52, ran 52 62        |  62 |  62 | in_use
came late, not yet judged | still 0 85, ran 85 90        |  90 |  90 | in_use
the slot is over, it ran  | ran 60 100, still 100 150    | 150 | 150 | completed
the slot is over, it stood| still 0 150                  | 150 | 150 | no_show
";

#[tokio::test]
async fn nobody_is_punished_for_what_cannot_be_known() {
    for case in CASES.trim().lines() {
        let cells: Vec<&str> = case.split('|').map(str::trim).collect();
        let place = strict().await;
        let id = place.book(1, minutes(60, 120)).await;
        place.go(cells[3].parse().unwrap());
        place.hear(told(cells[1], cells[2].parse().ok())).await;
        assert_eq!(place.status(id).as_str(), cells[4], "{case}");
        let pays = if cells[4] == "no_show" { 3 } else { 0 };
        assert_eq!(place.points(), pays, "{case}");
    }
}

#[tokio::test]
async fn a_no_show_frees_the_rest_once_and_stays_so_over_a_restart() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    assert_eq!(place.desk.booking(id).unwrap().due_at.get(), Some(at(80)));
    refused(place.desk.ask(wish(1, 2, minutes(100, 120))).await.unwrap());
    place.go(85);
    place.hear(told("still 0 85", Some(85))).await;
    let held = place.desk.booking(id).unwrap();
    assert_eq!(
        (held.status, held.finished_at.get(), held.due_at.get()),
        (Status::NoShow, Some(at(85)), None)
    );
    let place = place.restart().await;
    let again = place.desk.booking(id).unwrap();
    assert_eq!(again, held);
    place.go(90);
    let before = place.desk.events_after(0).await.unwrap().len();
    place.hear(told("still 0 90", Some(90))).await;
    let after = place.desk.events_after(0).await.unwrap().len();
    assert_eq!(before, after, "heard twice, judged once");
    assert_eq!(place.points(), 3);
    assert_eq!(place.notices(), [(1, NoticeKind::NoShow)]);
    booked(place.desk.ask(wish(1, 2, minutes(100, 120))).await.unwrap());
    let claims: Vec<Slot> = place
        .snapshot(1)
        .occupancy
        .claims()
        .map(|held| held.slot)
        .collect();
    assert_eq!(claims, [minutes(60, 85), minutes(100, 120)]);
}

#[tokio::test]
async fn later_data_clear_a_no_show_and_never_make_one() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(85);
    place.hear(told("still 0 85", Some(85))).await;
    assert_eq!(place.points(), 3);
    place.go(110);
    place.hear(told("still 0 90, ran 90 110", Some(110))).await;
    assert_eq!((place.status(id), place.points()), (Status::Completed, 0));
    let told_of = [NoticeKind::NoShow, NoticeKind::NoShowCleared];
    assert_eq!(place.notices(), told_of.map(|kind| (1, kind)));
    place.go(200);
    place
        .hear(told("still 0 90, ran 90 118, still 118 200", Some(200)))
        .await;
    assert_eq!(
        place.runs(),
        "1 booked 90-118 counted",
        "the rest is still his"
    );

    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(96);
    place.hear(told("still 0 65, silent 65 96", Some(65))).await;
    assert_eq!(place.status(id), Status::Unverified);
    place.go(140);
    place.hear(told("still 0 140", Some(140))).await;
    assert_eq!((place.status(id), place.points()), (Status::Unverified, 0));

    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(130);
    place
        .hear(told("still 0 65, silent 65 130", Some(65)))
        .await;
    assert_eq!(place.status(id), Status::Unverified);
    place
        .hear(told("still 0 75, ran 75 100, still 100 130", Some(130)))
        .await;
    assert_eq!(place.status(id), Status::Completed, "the backlog came in");
}

#[tokio::test]
async fn a_gateway_that_was_away_waits_for_the_backlog() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(100);
    let back = |text, watermark| Hear {
        listening_since: at(98),
        ..told(text, watermark)
    };
    let outcome = place.hear(back("still 0 55", Some(55))).await;
    assert_eq!(place.status(id), Status::Confirmed);
    assert_eq!(outcome.later, [(id, at(113))], "a quarter of an hour");
    assert_eq!(outcome.again, [(InstrumentId::new(1), Some(at(80)))]);
    place.go(113);
    place.hear(back("still 0 55", Some(55))).await;
    assert_eq!(place.status(id), Status::Unverified);
}

#[tokio::test]
async fn an_outage_or_the_one_before_excuses() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    let open = OpenOutage {
        choices: Vec::new(),
        kind: record::OutageKind::Fault,
        instrument: InstrumentId::new(1),
        slot: minutes(70, 75),
        reason: String::new(),
        member: MemberId::new(9),
    };
    place.desk.ask(open).await.unwrap();
    place.go(85);
    place.hear(told("still 0 85", Some(85))).await;
    assert_eq!((place.status(id), place.points()), (Status::Unverified, 0));

    let place = strict().await;
    let first = place.book(1, minutes(0, 60)).await;
    let second = place.book(2, minutes(60, 120)).await;
    place.go(62);
    place.hear(told("ran 10 62", Some(62))).await;
    assert_eq!(place.status(first), Status::Completed);
    assert_eq!(place.notices(), [(2, NoticeKind::Overrun)]);
    place.go(90);
    place.hear(told("ran 10 90", Some(90))).await;
    assert_eq!(
        (place.status(second), place.points()),
        (Status::Unverified, 0)
    );
    assert_eq!(place.runs(), "1 booked 10-60 open, 1 overrun 60-… open");
    assert_eq!(
        place.notices().len(),
        2,
        "told once, and that it is not verified"
    );
}

#[tokio::test]
async fn one_who_books_late_has_the_whole_grace_time() {
    let mut import = with_source(world());
    import.bookings = vec![NewBooking {
        instrument: InstrumentId::new(1),
        member: MemberId::new(1),
        slot: minutes(60, 120),
        purpose: String::new(),
        project: None,
        created_at: at(75),
    }];
    let place = strict_of(import).await;
    let id = BookingId::new(1);
    place.go(94);
    place.hear(told("still 0 94", Some(94))).await;
    assert_eq!(place.status(id), Status::Confirmed);
    place.go(95);
    place.hear(told("still 0 95", Some(95))).await;
    assert_eq!(place.status(id), Status::NoShow);
}

#[tokio::test]
async fn a_machine_that_stopped_frees_the_rest() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(85);
    let outcome = place.hear(told("ran 60 80, still 80 85", Some(85))).await;
    assert_eq!(place.status(id), Status::InUse);
    assert_eq!(outcome.again, [(InstrumentId::new(1), Some(at(90)))]);
    place.go(91);
    place.hear(told("ran 60 80, still 80 91", Some(91))).await;
    let held: Arc<Booking> = place.desk.booking(id).unwrap();
    assert_eq!(
        (held.status, held.finished_at.get()),
        (Status::Completed, Some(at(91)))
    );
    booked(place.desk.ask(wish(1, 2, minutes(92, 120))).await.unwrap());
    place.go(150);
    place.hear(told("ran 60 80, still 80 150", Some(150))).await;
    assert_eq!(place.runs(), "1 booked 60-80 counted");
}

#[tokio::test]
async fn where_nothing_tells_only_check_ins_count() {
    let mut import = world();
    import.instruments[0].always_on = true;
    let place = strict_of(with_source(import)).await;
    let absent = place.book(1, minutes(60, 120)).await;
    let there = place.book(2, minutes(120, 180)).await;
    place.go(81);
    place.hear(told("ran 0 81", Some(81))).await;
    assert_eq!(
        place.status(absent),
        Status::NoShow,
        "the lab asks for check-ins"
    );
    place.go(115);
    let came = place.desk.ask(CheckIn { booking: there }).await.unwrap();
    assert!(matches!(came, CheckOutcome::Done(_)));
    place.go(160);
    let gone = place.desk.ask(CheckOut { booking: there }).await.unwrap();
    assert!(matches!(gone, CheckOutcome::Done(held) if held.finished_at.get() == Some(at(160))));
    place.hear(told("ran 0 160", Some(160))).await;
    place.go(200);
    place.hear(told("ran 0 200", Some(200))).await;
    assert_eq!(place.runs(), "2 booked 115-160 counted");
    booked(place.desk.ask(wish(1, 3, minutes(201, 240))).await.unwrap());

    // Without a meter nobody has to check in.
    let place = strict_of(world()).await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(121);
    place.hear(told("", None)).await;
    assert_eq!((place.status(id), place.points()), (Status::Unverified, 0));
    assert_eq!(place.notices(), [], "nothing was to be expected");
}
