//! What a group does to records alone: points and appeals, hours of projects, qualifications.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, ProjectId};
use scheduler::time::{DAY_US, MINUTE_US};

use super::super::group::{Answers, Group, NextIds, Policies};
use super::super::ledger::Ledger;
use super::super::record::{
    AppealState, Booking, Details, EventKind, Extras, Later, NoticeKind, Penalty, PenaltyReason,
    Qualification,
};
use super::*;
use crate::registry::Directory;
use crate::store::Writes;

/// A group on a registry and nothing else.
struct Desktop {
    directory: Directory,
    shelf: Shelf,
    answers: Answers,
    policies: Policies,
    ledger: Ledger,
}

impl Desktop {
    fn new() -> Self {
        let mut directory = Directory::default();
        let world = world();
        for node in world.nodes {
            directory.nodes.insert(node.id, node);
        }
        for instrument in world.instruments {
            directory.put_instrument(instrument);
        }
        for member in world.members {
            directory.put_member(member);
        }
        let mut manager = directory.members[&MemberId::new(9)].clone();
        manager.roles = vec![RoleOn {
            role: Role::Manager,
            node: NodeId::new(4),
        }];
        directory.put_member(manager);
        Self {
            directory,
            shelf: Shelf::default(),
            answers: Answers::new(),
            policies: Policies::default(),
            ledger: Ledger::default(),
        }
    }

    /// Does something in a group of its own at a moment, and keeps what it did to the records.
    fn at<T>(&mut self, now: i64, act: impl FnOnce(&mut Group<'_>) -> T) -> T {
        let mut group = Group {
            directory: &self.directory,
            shelf: &self.shelf,
            answers: &self.answers,
            policies: &mut self.policies,
            now: Micros::new(now),
            next: NextIds::default(),
            writes: Writes {
                ledger: self.ledger.clone(),
                ..Writes::default()
            },
            touched: HashMap::new(),
            past_use: Vec::new(),
            is_trial: false,
        };
        let did = act(&mut group);
        self.ledger = group.writes.ledger;
        did
    }
}

fn kept(status: Status, project: Option<i64>) -> Booking {
    let details = Details {
        project,
        ..Details::default()
    };
    let extras = Extras {
        details,
        ..Extras::default()
    };
    Booking {
        id: BookingId::new(1),
        instrument: InstrumentId::new(1),
        member: MemberId::new(1),
        lab: NodeId::new(4),
        slot: slot(9, 11),
        status,
        at_risk: false,
        purpose: "".into(),
        project: None,
        extras: extras.kept(),
        created_at: Micros::new(MIDNIGHT),
        cancelled_at: Later::NEVER,
        began_at: Later::NEVER,
        finished_at: Later::NEVER,
        due_at: Later::NEVER,
        policy_version: 0,
        version: 1,
    }
}

fn notices(desktop: &Desktop, member: i64) -> Vec<NoticeKind> {
    let notices = desktop.ledger.notices.iter();
    let mine = notices.filter(|notice| notice.member == MemberId::new(member));
    mine.map(|notice| notice.kind).collect()
}

fn appeal(member: i64) -> LodgeAppeal {
    LodgeAppeal {
        penalty: 1,
        member: MemberId::new(member),
        text: "停电".to_owned(),
    }
}

fn decide(grant: bool) -> DecideAppeal {
    DecideAppeal {
        penalty: 1,
        by: MemberId::new(9),
        grant,
        answer: "核实".to_owned(),
    }
}

/// Points for a no-show, given at midnight.
fn punished() -> (Desktop, Arc<Penalty>) {
    let mut desktop = Desktop::new();
    let booking = kept(Status::NoShow, None);
    let given = desktop.at(MIDNIGHT, |group| {
        group.put_booking(Arc::new(booking.clone()), EventKind::Booked);
        let given = group.punish(&booking, PenaltyReason::NoShow, 3);
        let again = group.punish(&booking, PenaltyReason::NoShow, 3);
        assert_eq!(given, again, "once for each booking and reason");
        assert_eq!(
            group.punish(&booking, PenaltyReason::LateCancellation, 0),
            None
        );
        given.unwrap()
    });
    assert_eq!(desktop.ledger.penalties.len(), 1);
    (desktop, given)
}

#[test]
fn an_appeal_that_is_granted_takes_points_back_and_clears_the_no_show() {
    let (mut desktop, given) = punished();
    assert_eq!((given.points, given.lifted), (3, false));
    let lodge = |desktop: &mut Desktop, at, member| {
        desktop.at(at, |group| group.lodge_appeal(&appeal(member)))
    };
    let month = MIDNIGHT + 30 * DAY_US;
    assert_eq!(
        lodge(&mut desktop, month, 2),
        AppealOutcome::NotFound,
        "not the own"
    );
    assert_eq!(lodge(&mut desktop, month + 1, 1), AppealOutcome::TooLate);
    let early = desktop.at(month, |group| group.decide_appeal(&decide(true)));
    assert_eq!(early, AppealOutcome::NothingToDecide);
    assert!(matches!(
        lodge(&mut desktop, month, 1),
        AppealOutcome::Done(_)
    ));
    assert_eq!(lodge(&mut desktop, month, 1), AppealOutcome::Again);
    assert_eq!(notices(&desktop, 9), [NoticeKind::AppealLodged]);
    let (outcome, status) = desktop.at(month, |group| {
        group.put_booking(Arc::new(kept(Status::NoShow, None)), EventKind::Booked);
        let outcome = group.decide_appeal(&decide(true));
        (outcome, group.booking(BookingId::new(1)).unwrap().status)
    });
    let AppealOutcome::Done(decided) = outcome else {
        panic!("expected a decision, got {outcome:?}")
    };
    assert!(decided.lifted);
    let appeal = decided.appeal.as_ref().unwrap();
    assert_eq!(appeal.state, AppealState::Granted);
    assert_eq!(
        (appeal.decided_by, appeal.answer.as_str()),
        (Some(9), "核实")
    );
    assert_eq!(status, Status::Unverified);
    assert_eq!(notices(&desktop, 1), [NoticeKind::AppealDecided]);
    let again = desktop.at(month, |group| group.decide_appeal(&decide(false)));
    assert_eq!(again, AppealOutcome::NothingToDecide);
}

#[test]
fn an_appeal_that_is_rejected_changes_nothing_else() {
    let (mut desktop, _) = punished();
    desktop.at(MIDNIGHT, |group| group.lodge_appeal(&appeal(1)));
    let status = desktop.at(MIDNIGHT, |group| {
        group.put_booking(Arc::new(kept(Status::NoShow, None)), EventKind::Booked);
        group.decide_appeal(&decide(false));
        group.booking(BookingId::new(1)).unwrap().status
    });
    assert_eq!(status, Status::NoShow);
    let held = desktop.ledger.penalties.get(1).unwrap();
    assert!(!held.lifted);
    assert_eq!(held.appeal.as_ref().unwrap().state, AppealState::Rejected);
}

#[test]
fn points_taken_back_for_later_readings_settle_the_appeal() {
    let (mut desktop, given) = punished();
    desktop.at(MIDNIGHT, |group| group.lodge_appeal(&appeal(1)));
    desktop.at(MIDNIGHT + 5, |group| {
        group.lift(given.booking, PenaltyReason::LateCancellation);
    });
    assert!(
        !desktop.ledger.penalties.get(1).unwrap().lifted,
        "another reason"
    );
    desktop.at(MIDNIGHT + 5, |group| {
        group.lift(given.booking, PenaltyReason::NoShow);
    });
    let held = desktop.ledger.penalties.get(1).unwrap();
    assert!(held.lifted);
    let appeal = held.appeal.as_ref().unwrap();
    assert_eq!(
        (appeal.state, appeal.decided_us),
        (AppealState::Granted, Some(MIDNIGHT + 5))
    );
}

#[test]
fn a_booking_that_is_put_counts_for_its_project() {
    let mut desktop = Desktop::new();
    let used = |desktop: &Desktop| {
        let used = desktop.ledger.project_use.used(ProjectId::new(7));
        used.get() / MINUTE_US
    };
    let put = |desktop: &mut Desktop, bookings: Vec<Booking>| {
        desktop.at(MIDNIGHT, |group| {
            for booking in bookings {
                group.put_booking(Arc::new(booking), EventKind::Booked);
            }
        });
    };
    let pending = kept(Status::Pending, Some(7));
    put(&mut desktop, vec![pending.clone()]);
    assert_eq!(used(&desktop), 120);
    // Nobody has committed the booking itself: each group puts it anew, and follows it.
    let mut desktop = Desktop::new();
    let finished = Booking {
        status: Status::Completed,
        finished_at: Micros::new(MIDNIGHT + 10 * scheduler::time::HOUR_US).into(),
        version: 2,
        ..pending.clone()
    };
    put(&mut desktop, vec![pending.clone(), finished]);
    assert_eq!(used(&desktop), 60);
    let mut desktop = Desktop::new();
    let declined = Booking {
        status: Status::Declined,
        version: 2,
        ..pending.clone()
    };
    put(&mut desktop, vec![pending, declined]);
    assert_eq!(used(&desktop), 0);
}

#[test]
fn a_use_renews_the_qualifications_of_the_labs_above_it() {
    let mut desktop = Desktop::new();
    let grant = |name: &str, lab: i64, member: i64| Grant {
        member: MemberId::new(member),
        name: name.to_owned(),
        lab: NodeId::new(lab),
        by: MemberId::new(9),
        expires_at: Some(Micros::new(MIDNIGHT + DAY_US)),
    };
    let held = |desktop: &Desktop, id| {
        Qualification::clone(desktop.ledger.qualifications.get(id).unwrap())
    };
    desktop.at(MIDNIGHT, |group| {
        group.grant(&grant("xrd", 4, 1));
        group.grant(&grant("safety", 3, 1));
        group.grant(&grant("xrd", 4, 2));
    });
    let lab = desktop.directory.nodes[&NodeId::new(4)].clone();
    let other = Node {
        id: NodeId::new(5),
        ..lab
    };
    desktop.directory.nodes.insert(other.id, other);
    desktop.at(MIDNIGHT, |group| group.grant(&grant("sem", 5, 1)));
    let (member, instrument) = (MemberId::new(1), InstrumentId::new(1));
    let at = |us| Some(Micros::new(MIDNIGHT + us));
    for used in [50, 20] {
        desktop.at(MIDNIGHT + used, |group| {
            group.note_use(member, instrument, Micros::new(MIDNIGHT + used));
        });
    }
    let last: Vec<_> = (1..=4).map(|id| held(&desktop, id).last_use_at).collect();
    assert_eq!(
        last,
        [at(50), at(50), None, None],
        "an older use changes nothing"
    );
    // Granted again it is the same one, with its use.
    let renewed = Grant {
        expires_at: None,
        ..grant("xrd", 4, 1)
    };
    desktop.at(MIDNIGHT + 60, |group| group.grant(&renewed));
    let one = held(&desktop, 1);
    assert_eq!((one.expires_at, one.last_use_at), (None, at(50)));
    assert_eq!(desktop.ledger.qualifications.len(), 4);
    let revoke = Revoke { qualification: 1 };
    assert!(desktop.at(MIDNIGHT, |group| group.revoke(&revoke)));
    assert!(!desktop.at(MIDNIGHT, |group| group.revoke(&revoke)));
}
