//! The witness on a real telemetry store: what it follows, what it waits for, what a restart and a
//! long history do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scheduler::booking::Status;

use super::presence::{at, minutes, strict_of, with_source};
use super::*;
use crate::history::{Group, History, StateChange, Writer};
use crate::status::{MachineState, OfflineReason};
use crate::telemetry::MachineView;

const NEVER: i64 = i64::MIN;

/// A desk, a telemetry store and who brings the one's word before the other.
struct Watch {
    place: Place,
    history: History,
    writer: Writer,
    /// Time of the newest reading of every instrument.
    reported: Arc<AtomicI64>,
    witness: Witness,
    folder: tempfile::TempDir,
}

impl Watch {
    async fn new(place: Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path(), place.clock.clone())
            .await
            .unwrap();
        let (writer, _) = history.take_writer().unwrap();
        let reported = Arc::new(AtomicI64::new(NEVER));
        let witness = witness(&place, &history, &reported);
        Self {
            place,
            history,
            writer,
            reported,
            witness,
            folder,
        }
    }

    /// Stops everything but the stores and starts it anew.
    async fn restart(self) -> Self {
        let place = self.place.restart().await;
        let witness = witness(&place, &self.history, &self.reported);
        Self {
            place,
            witness,
            ..self
        }
    }

    /// Commits changes of state: instrument, minute, state.
    async fn change(&mut self, changes: impl IntoIterator<Item = (u32, i64, MachineState)>) {
        let mut states = Vec::new();
        for (instrument, minute, state) in changes {
            states.push(StateChange {
                seq: self.writer.take_state_seq(),
                instrument: InstrumentId::new(instrument),
                at: at(minute),
                state,
                decided_at: at(minute),
            });
        }
        let group = Group {
            states,
            ..Group::default()
        };
        let now = self.place.clock.now();
        let mut prepared = self.writer.prepare(group, now);
        self.writer.execute(&mut prepared).await.unwrap();
        self.writer.apply(prepared);
        self.witness.note_news();
    }

    /// Looks at a minute, with readings up to another one.
    async fn look(&mut self, minute: i64, reported: i64) {
        self.place.go(minute);
        self.reported.store(at(reported).get(), Ordering::SeqCst);
        self.witness.look().await.unwrap();
    }

    /// Looks every minute, as if the process ran.
    async fn watch(&mut self, minutes: std::ops::RangeInclusive<i64>) {
        for minute in minutes {
            self.look(minute, minute).await;
        }
    }
}

fn witness(place: &Place, history: &History, reported: &Arc<AtomicI64>) -> Witness {
    let reported = Arc::clone(reported);
    let machines = Box::new(move |_| {
        let at = reported.load(Ordering::SeqCst);
        MachineView {
            known_until: (at != NEVER).then_some(Micros::new(at)),
            ..MachineView::UNKNOWN
        }
    });
    Witness::new(place.desk.clone(), history.clone(), machines)
}

async fn watched() -> Watch {
    Watch::new(strict_of(with_source(world())).await).await
}

#[tokio::test]
async fn a_machine_that_stands_still_is_judged_when_its_data_has_passed() {
    let mut watch = watched().await;
    let id = watch.place.book(1, minutes(60, 120)).await;
    watch.change([(1, 0, MachineState::Off)]).await;
    watch.watch(1..=79).await;
    assert_eq!(watch.place.status(id), Status::Confirmed);
    watch.look(80, 80).await;
    assert_eq!(
        watch.place.status(id),
        Status::Confirmed,
        "a change that began just before could still be undecided"
    );
    watch.look(81, 81).await;
    assert_eq!(
        (watch.place.status(id), watch.place.points()),
        (Status::NoShow, 3)
    );
}

#[tokio::test]
async fn a_device_that_a_mapping_names_with_the_instrument_bears_witness() {
    let place = strict_of(world()).await;
    let directory = place.desk.directory();
    let instrument = &directory.instruments[&InstrumentId::new(1)];
    let entry = |key: &str| {
        let spec = serde_json::json!({ "format": "shelly", "topic": "lab-1/{name}",
            "instrument": key });
        let spec = serde_json::from_value(spec).unwrap();
        crate::registry::MappingEntry {
            id: 0,
            lab: instrument.lab,
            name: "plug".to_owned(),
            mapping: crate::telemetry::mapping::Mapping::new(spec).unwrap(),
            version: 1,
            created_at: at(0),
        }
    };
    let mut watch = Watch::new(place).await;
    let add = async |watch: &Watch, key: &str| {
        let edit = RegistryEdit::AddMapping(Box::new(entry(key)));
        watch.place.desk.edit(edit).await.unwrap();
    };
    // Whatever comes by that topic may be another instrument's.
    add(&watch, "{name}").await;
    let id = watch.place.book(1, minutes(60, 120)).await;
    watch.change([(1, 0, MachineState::Off)]).await;
    watch.watch(1..=60).await;
    add(&watch, instrument.key.as_str()).await;
    watch.change([(1, 61, MachineState::Running)]).await;
    watch.watch(62..=64).await;
    assert_eq!(watch.place.status(id), Status::InUse);
    let runs = watch.place.runs();
    assert!(runs.starts_with("1 booked 61-"), "{runs}");
}

#[tokio::test]
async fn an_agent_that_is_away_holds_the_verdict_back() {
    let mut watch = watched().await;
    let id = watch.place.book(1, minutes(60, 120)).await;
    watch.change([(1, 0, MachineState::Off)]).await;
    watch.watch(1..=65).await;
    let gone = MachineState::Offline(OfflineReason::Agent);
    watch.change([(1, 66, gone)]).await;
    for minute in 66..95 {
        watch.look(minute, 65).await;
    }
    assert_eq!(watch.place.status(id), Status::Confirmed);
    watch.look(95, 65).await;
    assert_eq!(watch.place.status(id), Status::Unverified);
    // It comes back and tells that the machine ran meanwhile.
    watch
        .change([(1, 70, MachineState::Running), (1, 90, MachineState::Off)])
        .await;
    watch.watch(97..=99).await;
    assert_eq!(watch.place.status(id), Status::InUse);
    watch.watch(100..=150).await;
    assert_eq!(watch.place.status(id), Status::Completed);
    assert_eq!(watch.place.points(), 0);
}

#[tokio::test]
async fn a_gateway_that_was_away_gives_time() {
    let mut watch = watched().await;
    let id = watch.place.book(1, minutes(60, 120)).await;
    watch.change([(1, 0, MachineState::Off)]).await;
    watch.watch(1..=50).await;
    // The process sleeps over the deadline; the agent kept its readings.
    watch.look(100, 50).await;
    assert_eq!(watch.place.status(id), Status::Confirmed);
    let mut watch = watch.restart().await;
    for minute in 101..=114 {
        watch.look(minute, 50).await;
    }
    assert_eq!(watch.place.status(id), Status::Confirmed);
    watch.look(115, 50).await;
    assert_eq!(
        (watch.place.status(id), watch.place.points()),
        (Status::Unverified, 0)
    );
}

#[tokio::test]
async fn a_run_begins_shows_and_ends() {
    let mut watch = watched().await;
    let id = watch.place.book(1, minutes(60, 120)).await;
    watch.change([(1, 0, MachineState::Off)]).await;
    watch.watch(1..=60).await;
    watch.change([(1, 60, MachineState::Running)]).await;
    watch.watch(61..=62).await;
    assert_eq!(watch.place.status(id), Status::InUse);
    assert_eq!(watch.place.runs(), "1 booked 60-… open");
    let mut watch = watch.restart().await;
    watch.watch(63..=121).await;
    assert_eq!(watch.place.status(id), Status::Completed);
    watch.watch(122..=130).await;
    assert_eq!(
        watch.place.runs(),
        "1 booked 60-120 open, 1 overrun 120-… open"
    );
    watch.change([(1, 130, MachineState::Standby)]).await;
    watch.watch(131..=135).await;
    assert_eq!(watch.witness.waiting(), 1, "the gap is not over");
    let mut watch = watch.restart().await;
    watch.watch(136..=155).await;
    assert_eq!(watch.witness.waiting(), 0);
    assert_eq!(
        watch.place.runs(),
        "1 booked 60-120 counted, 1 overrun 120-130 counted"
    );
}

#[tokio::test]
async fn a_check_in_moves_an_overrun_to_its_end() {
    let mut watch = watched().await;
    watch.place.book(1, minutes(60, 120)).await;
    let next = watch.place.book(2, minutes(120, 180)).await;
    watch
        .change([(1, 0, MachineState::Off), (1, 60, MachineState::Running)])
        .await;
    watch.watch(61..=125).await;
    assert_eq!(
        watch.place.runs(),
        "1 booked 60-120 open, 1 overrun 120-… open"
    );
    let came = watch
        .place
        .desk
        .ask(CheckIn { booking: next })
        .await
        .unwrap();
    assert!(matches!(came, CheckOutcome::Done(_)));
    watch.witness.note_changed(InstrumentId::new(1));
    watch.watch(126..=127).await;
    assert_eq!(
        watch.place.runs(),
        "1 booked 60-120 open, 1 overrun 120-125 open, 2 booked 125-… open"
    );
}

const DAYS: i64 = 14;

/// Two weeks of 70 instruments, 30 changes a day each, with a booking a day on the first.
async fn with_a_past() -> Watch {
    let mut import = world();
    import.instruments = (1..=70).map(|id| instrument(id, 1)).collect();
    let bookings = (0..DAYS).map(|day| NewBooking {
        instrument: InstrumentId::new(1),
        member: MemberId::new(1),
        slot: minutes((day - DAYS) * 1_440 + 600, (day - DAYS) * 1_440 + 660),
        purpose: String::new(),
        project: None,
        created_at: at(-30_000),
    });
    import.bookings = bookings.collect();
    let mut watch = Watch::new(strict_of(with_source(import)).await).await;
    let states = [MachineState::Running, MachineState::Off];
    for id in 1..=70 {
        let steps = (0..DAYS * 30).map(|step| {
            let state = states[usize::try_from(step % 2).unwrap()];
            (id, -DAYS * 1_440 + step * 48, state)
        });
        watch.change(steps).await;
    }
    watch
}

async fn runs_written(watch: &Watch) -> i64 {
    let filter = crate::store::RunFilter::default();
    watch.place.desk.runs(&filter, 1).await.unwrap().1
}

/// Followed in several commands, and not kept in memory.
#[tokio::test]
async fn a_long_history_is_followed_in_parts() {
    let mut watch = with_a_past().await;
    let shelf = watch.place.desk.shelf();
    let first = shelf.bookings_at(InstrumentId::new(1));
    assert_eq!(first[0].due_at.get(), Some(at(15)), "its history may come");
    watch.look(5, 5).await;
    // 15 runs a day; those that cross a slot of instrument 1 are cut there.
    let written = runs_written(&watch).await;
    assert!(
        (70 * DAYS * 15..=70 * DAYS * 15 + 2 * DAYS).contains(&written),
        "{written}"
    );
    let kept = watch.place.desk.ledger();
    let settled = kept
        .runs
        .iter()
        .filter(|run| run.state == record::RunState::Counted);
    let oldest = settled.filter_map(|run| run.end).min();
    assert!(
        oldest.is_none_or(|oldest| oldest >= at(-3 * 1_440)),
        "{oldest:?}"
    );
    let shelf = watch.place.desk.shelf();
    let statuses = shelf.bookings_at(InstrumentId::new(1));
    assert!(statuses.iter().all(|held| held.status == Status::Completed));
    let cursor = kept.machine_cursor.at();
    assert_eq!(cursor, 70 * DAYS * 30);
}

/// A restart hears nothing twice; a cursor that is lost hears everything and changes nothing;
/// another telemetry store is heard from its begin.
#[tokio::test]
async fn what_is_heard_again_changes_nothing() {
    let mut watch = with_a_past().await;
    watch.look(5, 5).await;
    let written = runs_written(&watch).await;
    let cursor = watch.place.desk.ledger().machine_cursor.at();
    let events = watch.place.desk.events_after(0).await.unwrap().len();
    let mut watch = watch.restart().await;
    watch.look(6, 6).await;
    let forget = Hear {
        seen: Vec::new(),
        listening_since: at(0),
        upto: Some(0),
    };
    watch.place.desk.ask(forget).await.unwrap();
    watch.witness.note_news();
    watch.look(7, 7).await;
    assert_eq!(watch.place.desk.ledger().machine_cursor.at(), cursor);
    assert_eq!(runs_written(&watch).await, written);
    assert_eq!(
        watch.place.desk.events_after(0).await.unwrap().len(),
        events
    );

    let outside = tempfile::tempdir().unwrap();
    let history = History::open(outside.path(), watch.place.clock.clone())
        .await
        .unwrap();
    let (writer, _) = history.take_writer().unwrap();
    watch.witness = witness(&watch.place, &history, &watch.reported);
    watch.history = history;
    watch.writer = writer;
    watch.folder = outside;
    watch
        .change([(1, 8, MachineState::Running), (1, 30, MachineState::Off)])
        .await;
    watch.look(90, 90).await;
    assert_eq!(watch.place.desk.ledger().machine_cursor.at(), 2);
    assert_eq!(runs_written(&watch).await, written + 1);
    assert!(watch.folder.path().join("telemetry.db").exists());
}
