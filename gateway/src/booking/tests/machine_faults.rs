//! A machine that reports a fault: its outage from the first notice to the last, over a restart.

use std::sync::{Arc, Mutex};

use super::outages::with_manager;
use super::presence::{at, minutes, with_source};
use super::record::{NoticeKind, OutageKind};
use super::*;
use crate::history::History;
use crate::registry::FaultPolicy;
use crate::status::{MachineState, OfflineReason};
use crate::telemetry::MachineView;

const MANAGER: i64 = 20;

struct Shop {
    place: Place,
    history: History,
    machine: Arc<Mutex<MachineView>>,
    witness: Witness,
    _folder: tempfile::TempDir,
}

fn witness(place: &Place, history: &History, machine: &Arc<Mutex<MachineView>>) -> Witness {
    let machine = Arc::clone(machine);
    let machines = Box::new(move |id: InstrumentId| match id.get() {
        1 => *machine.lock().unwrap(),
        _ => MachineView::UNKNOWN,
    });
    Witness::new(place.desk.clone(), history.clone(), machines)
}

impl Shop {
    async fn new(policy: Option<FaultPolicy>) -> Self {
        let mut import = with_manager(with_source(world()));
        import.instruments[0].state_rule.on_fault = policy;
        let place = Place::of(import).await;
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path(), place.clock.clone())
            .await
            .unwrap();
        let machine = Arc::new(Mutex::new(MachineView::UNKNOWN));
        let witness = witness(&place, &history, &machine);
        Self {
            place,
            history,
            machine,
            witness,
            _folder: folder,
        }
    }

    async fn restart(self) -> Self {
        let place = self.place.restart().await;
        let witness = witness(&place, &self.history, &self.machine);
        Self {
            place,
            witness,
            ..self
        }
    }

    /// The machine has been in a state since a minute.
    fn is(&self, state: MachineState, since: i64) {
        *self.machine.lock().unwrap() = MachineView {
            state,
            since: Some(at(since)),
            known_until: None,
        };
    }

    async fn look(&mut self, minute: i64) {
        self.place.go(minute);
        self.witness.look().await.unwrap();
    }

    /// The outages that are not over, as minutes.
    fn out(&self) -> Vec<(i64, i64)> {
        let now = self.place.clock.now();
        let minute = |at: Micros| (at.get() - MIDNIGHT) / scheduler::time::MINUTE_US;
        let snapshot = self.place.snapshot(1);
        let live = snapshot.outages.iter().filter(|outage| outage.is_live(now));
        live.map(|outage| (minute(outage.slot.start()), minute(outage.slot.end())))
            .collect()
    }

    fn told(&self, member: i64) -> Vec<NoticeKind> {
        let notices = self.place.notices().into_iter();
        let own = notices.filter(|(whom, _)| *whom == member);
        own.map(|(_, kind)| kind).collect()
    }
}

const POLICY: FaultPolicy = FaultPolicy {
    after_ms: 5 * 60_000,
    expected_ms: 120 * 60_000,
    clear_ms: 10 * 60_000,
    ends_itself: true,
};

#[tokio::test]
async fn a_lasting_fault_opens_an_outage_that_lasts_as_long_as_it() {
    let mut shop = Shop::new(Some(POLICY)).await;
    let inside = shop.place.book(1, minutes(60, 120)).await;
    let later = shop.place.book(2, minutes(160, 180)).await;
    shop.is(MachineState::Fault, 30);
    shop.look(34).await;
    assert!(shop.out().is_empty(), "it may be over in a moment");
    shop.look(35).await;
    assert_eq!(shop.out(), [(35, 155)]);
    assert_eq!(shop.place.snapshot(1).outages[0].kind, OutageKind::Fault);
    assert!(shop.place.desk.booking(inside).unwrap().at_risk);
    assert_eq!(shop.told(1), [NoticeKind::AtRisk]);
    assert_eq!(shop.told(MANAGER), [NoticeKind::MachineFault]);
    // What was free is claimed at once.
    refused(
        shop.place
            .desk
            .ask(wish(1, 3, minutes(40, 60)))
            .await
            .unwrap(),
    );
    let mut shop = shop.restart().await;
    shop.look(100).await;
    assert_eq!(shop.out(), [(35, 155)], "nothing is opened twice");
    shop.look(126).await;
    assert_eq!(shop.out(), [(35, 246)]);
    assert!(shop.place.desk.booking(later).unwrap().at_risk);
    assert_eq!(shop.told(2), [NoticeKind::AtRisk]);
    // Silence is no recovery.
    shop.is(MachineState::Offline(OfflineReason::Agent), 130);
    shop.look(220).await;
    assert_eq!(shop.out(), [(35, 340)]);
    shop.is(MachineState::Standby, 230);
    shop.look(239).await;
    assert_eq!(shop.out(), [(35, 340)]);
    shop.look(240).await;
    assert!(shop.out().is_empty());
    assert!(
        shop.place
            .desk
            .ledger()
            .machine_faults
            .iter()
            .next()
            .is_none()
    );
    booked(
        shop.place
            .desk
            .ask(wish(1, 3, minutes(250, 300)))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn where_the_lab_wants_it_the_end_is_only_proposed() {
    let policy = FaultPolicy {
        ends_itself: false,
        ..POLICY
    };
    let mut shop = Shop::new(Some(policy)).await;
    shop.is(MachineState::Fault, 0);
    shop.look(5).await;
    shop.is(MachineState::Off, 20);
    for minute in 29..40 {
        shop.look(minute).await;
    }
    assert_eq!(shop.out(), [(5, 125)]);
    let expected = [NoticeKind::MachineFault, NoticeKind::FaultGone];
    assert_eq!(shop.told(MANAGER), expected, "once");
    let outage = shop.place.snapshot(1).outages[0].id;
    shop.place.desk.ask(EndOutage { outage }).await.unwrap();
    shop.look(41).await;
    // The next fault opens the next one.
    shop.is(MachineState::Fault, 50);
    shop.look(56).await;
    assert_eq!(shop.out(), [(56, 176)]);
}

#[tokio::test]
async fn who_ended_the_outage_by_hand_is_not_overruled_by_the_same_fault() {
    let mut shop = Shop::new(Some(POLICY)).await;
    shop.is(MachineState::Fault, 0);
    shop.look(5).await;
    let outage = shop.place.snapshot(1).outages[0].id;
    shop.place.desk.ask(EndOutage { outage }).await.unwrap();
    for minute in [6, 60, 200] {
        shop.look(minute).await;
        assert!(shop.out().is_empty(), "{minute}");
    }
}

#[tokio::test]
async fn nothing_is_opened_unless_the_rule_says_so() {
    let mut shop = Shop::new(None).await;
    shop.is(MachineState::Fault, 0);
    shop.look(600).await;
    assert!(shop.out().is_empty());
    assert!(shop.told(MANAGER).is_empty());
}
