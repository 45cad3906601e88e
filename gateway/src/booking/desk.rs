//! The desk: the one task that owns all facts and writes the booking database.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::ask::{Answer, Command};
use super::command::{DeskError, Request};
use super::commit::Failure;
use super::group::{Answers, Group, NextIds, Policies};
use super::handle::DeskHandle;
use super::ledger::{Ledger, SharedLedger};
use super::record::EventRow;
use super::sessions::{SessionSettings, Sessions};
use super::shelf::{InstrumentSnapshot, Shelf};
use super::timer;
use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::registry::{Directory, SharedDirectory};
use crate::store::{Cause, Database, StoreError, Writes};

/// Commands waiting for the desk. Full means that the database is slower than the callers: they
/// are told so at once and nothing waits unseen.
const QUEUE_MAX: usize = 4_096;

/// Commands in one transaction.
pub(super) const GROUP_MAX: usize = 512;

/// Events a slow follower may lag behind before it has to read the log again.
const EVENTS_MAX: usize = 4_096;

/// How often the desk tidies up.
const HOUSEKEEPING: Duration = Duration::from_mins(10);

/// What the desk runs with.
#[derive(Debug, Clone, Default)]
pub struct DeskSettings {
    /// Limits of sessions.
    pub sessions: SessionSettings,
}

/// Loads everything and starts the desk.
///
/// # Errors
/// Returns [`StoreError`] when the facts cannot be loaded.
pub async fn start(
    database: Database,
    clock: Clock,
    lifecycle: &Lifecycle,
    settings: DeskSettings,
) -> Result<DeskHandle, StoreError> {
    let (queue, requests) = mpsc::channel(QUEUE_MAX);
    let (events, _) = broadcast::channel(EVENTS_MAX);
    let directory = SharedDirectory::default();
    let shelf = Arc::new(Shelf::default());
    let ledger = SharedLedger::default();
    let sessions = Arc::new(Sessions::new(settings.sessions));
    let handle = DeskHandle {
        queue,
        directory: Arc::clone(&directory),
        shelf: Arc::clone(&shelf),
        ledger: Arc::clone(&ledger),
        sessions: Arc::clone(&sessions),
        database: database.clone(),
        events: events.clone(),
        clock: clock.clone(),
    };
    let mut desk = Desk {
        database,
        clock,
        directory,
        shelf,
        ledger,
        sessions,
        events,
        answers: Answers::new(),
        policies: Policies::default(),
        next: NextIds::default(),
        registry_next: RegistryIds::default(),
        must_reload: true,
        proven: None,
        failing: false,
        indexed_from: Micros::new(0),
    };
    desk.reload().await?;
    let stop = lifecycle.stop_token();
    lifecycle.spawn("desk", async move {
        desk.run(requests, stop).await;
        Ok::<(), std::convert::Infallible>(())
    });
    Ok(handle)
}

/// The highest identity of each table of the registry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RegistryIds {
    pub(super) node: i64,
    pub(super) instrument: i64,
    pub(super) member: i64,
    pub(super) token: i64,
    pub(super) mapping: i64,
}

/// Owner of all facts.
pub(super) struct Desk {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) directory: SharedDirectory,
    pub(super) shelf: Arc<Shelf>,
    pub(super) ledger: SharedLedger,
    pub(super) sessions: Arc<Sessions>,
    pub(super) events: broadcast::Sender<EventRow>,
    pub(super) answers: Answers,
    pub(super) policies: Policies,
    pub(super) next: NextIds,
    pub(super) registry_next: RegistryIds,
    /// Whether memory may differ from the database, because a commit's outcome is unknown:
    /// nothing is answered before the facts are read again.
    pub(super) must_reload: bool,
    /// When a write was last proven to work.
    pub(super) proven: Option<Instant>,
    /// Whether the last write failed; the log is told of changes only.
    pub(super) failing: bool,
    /// From when on the free time of snapshots is indexed.
    pub(super) indexed_from: Micros,
}

type Waiting = (Box<Command>, oneshot::Sender<Result<Answer, DeskError>>);

impl Desk {
    async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        stop: tokio_util::sync::CancellationToken,
    ) {
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut timer = tokio::time::interval(timer::LOOK);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                _ = housekeeping.tick() => {
                    self.tidy().await;
                    continue;
                }
                _ = timer.tick() => {
                    self.serve_due().await;
                    continue;
                }
                // What waits is still answered: the queue is closed and drained.
                () = stop.cancelled(), if !requests.is_closed() => {
                    requests.close();
                    continue;
                }
            };
            let Some(request) = request else { return };
            let mut next = self.gather(request, &mut requests).await;
            while let Some(request) = next {
                next = self.gather(request, &mut requests).await;
            }
        }
    }

    /// Serves a request, with everything that waits behind it if it belongs to a group. Returns the
    /// request that ended the group.
    async fn gather(
        &mut self,
        first: Request,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Option<Request> {
        let mut group: Vec<Waiting> = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next.take() {
            match request {
                Request::Grouped(command, reply) => group.push((command, reply)),
                Request::Edit(..) | Request::Import(..) | Request::Probe(_) if group.is_empty() => {
                    self.serve_alone(request).await;
                }
                Request::Edit(..) | Request::Import(..) | Request::Probe(_) => {
                    next = Some(request);
                    break;
                }
            }
            if group.len() < GROUP_MAX {
                next = requests.try_recv().ok();
            }
        }
        if !group.is_empty() {
            self.serve_group(group).await;
        }
        next
    }

    async fn serve_alone(&mut self, request: Request) {
        // A caller that has gone does not need its answer.
        match request {
            Request::Grouped(command, reply) => self.serve_group(vec![(command, reply)]).await,
            Request::Edit(edit, reply) => {
                let outcome = self.edit(*edit).await;
                reply.send(outcome).ok();
            }
            Request::Import(import, reply) => {
                let outcome = self.import(*import).await;
                reply.send(outcome).ok();
            }
            Request::Probe(reply) => {
                let outcome = self.probe().await;
                reply.send(outcome).ok();
            }
        }
    }

    /// Judges, commits, answers. What the database refuses is judged once more: alone and on fresh
    /// facts after a conflict, so that one bad command cannot spoil the others; together after a
    /// lost connection or the like. Then the callers are told that nothing can be written.
    async fn serve_group(&mut self, group: Vec<Waiting>) {
        let commands: Vec<&Command> = group.iter().map(|(command, _)| &**command).collect();
        let mut outcome = self.attempt(&commands).await;
        if matches!(&outcome, Err(failure) if failure.cause == Cause::Other) {
            outcome = self.attempt(&commands).await;
        }
        match outcome {
            Ok(answers) => {
                for ((_, reply), answer) in group.into_iter().zip(answers) {
                    reply.send(Ok(answer)).ok();
                }
            }
            Err(failure) if failure.cause == Cause::Conflict => {
                tracing::warn!("the database refused an overlap: somebody wrote past the desk");
                self.reload_instruments(&failure.touched).await;
                self.serve_one_by_one(group).await;
            }
            // One row spoils the group; the others are not its fault.
            Err(failure) if failure.cause == Cause::Data && group.len() > 1 => {
                self.serve_one_by_one(group).await;
            }
            Err(failure) => refuse_all(group, &failure.into()),
        }
    }

    async fn serve_one_by_one(&mut self, group: Vec<Waiting>) {
        for (command, reply) in group {
            let mut outcome = self.attempt(&[&command]).await;
            if let Err(failure) = &outcome
                && failure.cause == Cause::Conflict
            {
                let touched = failure.touched.clone();
                self.reload_instruments(&touched).await;
                outcome = self.attempt(&[&command]).await;
            }
            let answer = match outcome.map(|mut answers| answers.pop()) {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(DeskError::NotReady("internal error".to_owned())),
                Err(failure) => Err(failure.into()),
            };
            reply.send(answer).ok();
        }
    }

    /// Judges commands as one group and commits what they write. On failure nothing has changed.
    pub(super) async fn attempt(&mut self, commands: &[&Command]) -> Result<Vec<Answer>, Failure> {
        self.ensure_fresh().await?;
        let past_use = self.past_use(commands).await?;
        let directory = self.directory.load_full();
        let mut group = self.group(&directory);
        group.past_use = past_use;
        group.settle_due();
        let answers = commands
            .iter()
            .map(|command| group.judge(command))
            .collect();
        let Group {
            next,
            writes,
            touched,
            ..
        } = group;
        if !writes.is_empty() {
            let keys: Vec<InstrumentId> = touched.keys().copied().collect();
            if let Err(error) = self.commit(&[], &writes).await {
                return Err(Failure::new(&error, keys));
            }
            self.next = next;
            self.publish(touched, writes);
        }
        Ok(answers)
    }

    /// Returns an empty group over the facts as they are, judged by a directory.
    pub(super) fn group<'a>(&'a mut self, directory: &'a Directory) -> Group<'a> {
        Group {
            directory,
            shelf: &self.shelf,
            answers: &self.answers,
            policies: &mut self.policies,
            now: self.clock.now(),
            next: self.next,
            writes: Writes {
                ledger: Ledger::clone(&self.ledger.load()),
                ..Writes::default()
            },
            touched: HashMap::new(),
            past_use: Vec::new(),
            is_trial: false,
        }
    }

    pub(super) fn publish(
        &mut self,
        touched: HashMap<InstrumentId, InstrumentSnapshot>,
        writes: Writes,
    ) {
        let bookings = writes
            .bookings_new
            .into_values()
            .chain(writes.bookings_changed.into_values());
        let outages = writes
            .outages_new
            .into_values()
            .chain(writes.outages_changed.into_values());
        self.shelf.publish(touched, bookings, outages);
        let mut ledger = writes.ledger;
        ledger.settle();
        self.ledger.store(Arc::new(ledger));
        for answer in writes.answers {
            self.answers
                .insert((answer.member, answer.key.clone()), answer);
        }
        for event in writes.events {
            // Without a follower there is nobody to tell.
            self.events.send(event).ok();
        }
    }
}

/// Tells every caller of a group that nothing was written.
fn refuse_all(group: Vec<Waiting>, why: &DeskError) {
    for (_, reply) in group {
        reply.send(Err(why.clone())).ok();
    }
}
