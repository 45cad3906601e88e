//! Filling an empty database: the demo's region, later a region's own sheets.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, OutageId};
use scheduler::occupancy::Holder;
use scheduler::presence::PATIENCE;
use scheduler::time::Micros;

use super::command::{DeskError, Import, ImportReport, NewBooking, NewOutage};
use super::commit::Failure;
use super::desk::Desk;
use super::group::Group;
use super::record::{Booking, EventKind, EventRow, Later, Outage, OutageKind};
use crate::registry::{Directory, RuleSet};
use crate::store::{Edit, Writes};

/// Bookings in one transaction.
const CHUNK: usize = 5_000;

impl Desk {
    /// Serves an import: the registry in one transaction, bookings in some more.
    pub(super) async fn import(&mut self, mut import: Import) -> Result<ImportReport, DeskError> {
        self.ensure_fresh().await?;
        let (directory, edits) = plan(&self.directory.load(), &mut import);
        let (id, at) = (self.next.event + 1, self.clock.now());
        let event = EventRow {
            id,
            at,
            kind: EventKind::Registry,
            instrument: None,
            subject: None,
        };
        let writes = Writes {
            events: vec![event],
            ..Writes::default()
        };
        self.commit(&edits, &writes).await.map_err(Failure::from)?;
        // Identities given by the caller moved the counters; reading them again is simplest.
        self.directory.store(Arc::new(directory));
        self.reload().await.map_err(Failure::from)?;
        self.import_claims(import.outages, import.bookings).await
    }

    async fn import_claims(
        &mut self,
        outages: Vec<NewOutage>,
        bookings: Vec<NewBooking>,
    ) -> Result<ImportReport, DeskError> {
        let mut report = ImportReport::default();
        let mut outages = Some(outages);
        let mut bookings = bookings.into_iter().peekable();
        while outages.is_some() || bookings.peek().is_some() {
            let directory = self.directory.load_full();
            let mut group = self.group(&directory);
            for outage in outages.take().unwrap_or_default() {
                group.import_outage(outage);
            }
            for booking in bookings.by_ref().take(CHUNK) {
                if group.import_booking(booking) {
                    report.bookings += 1;
                } else {
                    report.left_out += 1;
                }
            }
            let Group {
                next,
                mut writes,
                touched,
                now,
                ..
            } = group;
            if touched.is_empty() {
                continue;
            }
            let id = self.next.event + 1;
            let kind = EventKind::Registry;
            writes.events = vec![EventRow {
                id,
                at: now,
                kind,
                instrument: None,
                subject: None,
            }];
            self.commit(&[], &writes).await.map_err(Failure::from)?;
            self.next = next;
            self.next.event = id;
            self.publish(touched, writes);
        }
        Ok(report)
    }
}

/// Takes the registry's part out of an import: the directory after it, and what to write.
fn plan(held: &Directory, import: &mut Import) -> (Directory, Vec<Edit>) {
    let Import {
        nodes,
        instruments,
        members,
        agents,
        tokens,
        rules,
        ..
    } = Import {
        outages: Vec::new(),
        bookings: Vec::new(),
        nodes: std::mem::take(&mut import.nodes),
        instruments: std::mem::take(&mut import.instruments),
        members: std::mem::take(&mut import.members),
        agents: std::mem::take(&mut import.agents),
        tokens: std::mem::take(&mut import.tokens),
        rules: std::mem::take(&mut import.rules),
    };
    let mut directory = Directory::clone(held);
    directory.generation += 1;
    let mut edits: Vec<Edit> = nodes.iter().cloned().map(Edit::PutNode).collect();
    edits.extend(
        instruments
            .iter()
            .cloned()
            .map(Box::new)
            .map(Edit::PutInstrument),
    );
    edits.extend(members.iter().cloned().map(Edit::PutMember));
    edits.extend(
        tokens
            .iter()
            .cloned()
            .map(|(hash, entry)| Edit::PutToken(hash, entry)),
    );
    edits.extend(agents.iter().cloned().map(Edit::PutAgent));
    for instrument in instruments {
        directory.put_instrument(instrument);
    }
    directory
        .nodes
        .extend(nodes.into_iter().map(|node| (node.id, node)));
    for member in members {
        directory.put_member(member);
    }
    directory.tokens.extend(tokens);
    directory
        .agents
        .extend(agents.into_iter().map(|agent| (agent.name.clone(), agent)));
    let highest = directory
        .rules
        .values()
        .map(|set| set.version)
        .max()
        .unwrap_or(0);
    for (version, (scope, set)) in (highest + 1..).zip(rules) {
        let set = RuleSet { version, ..set };
        edits.push(Edit::PutRules(scope, set.clone()));
        directory.rules.insert(scope, set);
    }
    (directory, edits)
}

impl Group<'_> {
    fn import_outage(&mut self, outage: NewOutage) {
        let NewOutage {
            instrument,
            slot,
            reason,
            opened_by,
            created_at,
        } = outage;
        self.next.outage += 1;
        let id = OutageId::new(self.next.outage);
        let ended_at = None;
        let outage = Outage {
            id,
            instrument,
            slot,
            kind: OutageKind::Planned,
            reason,
            problem: None,
            opened_by,
            created_at,
            ended_at,
        };
        let outage = Arc::new(outage);
        let Some(held) = self.held(instrument) else {
            return;
        };
        held.outages.push(Arc::clone(&outage));
        let gaps = held.occupancy.free_by_lane(slot);
        self.writes.outages_new.insert(id, outage);
        for (lane, gaps) in (0..).zip(gaps) {
            for gap in gaps {
                self.claim(instrument, lane, gap, Holder::Outage(id));
            }
        }
    }

    /// Takes a booking if its time is free.
    fn import_booking(&mut self, booking: NewBooking) -> bool {
        let directory = self.directory;
        let Some(lab) = directory
            .instruments
            .get(&booking.instrument)
            .map(|found| found.lab)
        else {
            return false;
        };
        let (_, policy_version) = self.policies.of(directory, booking.instrument);
        let NewBooking {
            instrument,
            member,
            slot,
            purpose,
            project,
            created_at,
        } = booking;
        let Some(placement) = self
            .held(instrument)
            .and_then(|held| held.occupancy.place(slot).ok())
        else {
            return false;
        };
        self.next.booking += 1;
        let id = BookingId::new(self.next.booking);
        let booking = Arc::new(Booking {
            id,
            instrument,
            member,
            lab,
            slot,
            status: Status::Confirmed,
            at_risk: false,
            purpose: purpose.into(),
            project: project.map(Into::into),
            extras: None,
            created_at,
            cancelled_at: Later::NEVER,
            began_at: Later::NEVER,
            finished_at: Later::NEVER,
            due_at: Later::NEVER,
            policy_version,
            version: 1,
        });
        let booking = self.with_due(booking);
        let booking = postponed(booking, self.now);
        self.claim_placed(instrument, &placement, slot, Holder::Booking(id));
        self.account(None, &booking);
        if let Some(held) = self.held(instrument) {
            held.bookings.insert(id, Arc::clone(&booking));
        }
        self.account(None, &booking);
        self.writes.put_booking(booking);
        true
    }
}

/// Waits for the history of what is over already: its readings are still to come in.
fn postponed(booking: Arc<Booking>, now: Micros) -> Arc<Booking> {
    if booking.due_at.get().is_none_or(|due| due > now) {
        return booking;
    }
    Arc::new(Booking {
        due_at: now.saturating_add(PATIENCE).into(),
        ..Booking::clone(&booking)
    })
}
