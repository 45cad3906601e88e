//! Writes a group of the desk: its net effect, a statement a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use scheduler::id::{
    BookingId, ClaimId, HoldId, InstrumentId, MemberId, OfferId, OutageId, ProblemId, ProjectId,
    SeriesId,
};
use scheduler::occupancy::{Claim, Holder};
use scheduler::time::Micros;
use sqlx::{Any, Transaction};

use super::StoreError;
use super::rows::{Value, delete, insert};
use crate::booking::ledger::Ledger;
use crate::booking::record::{Booking, EventRow, KeptAnswer, Outage};

type Tx = Transaction<'static, Any>;

/// The net effect of a group.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    /// Bookings that were not there before.
    pub bookings_new: BTreeMap<BookingId, Arc<Booking>>,
    /// Bookings that were.
    pub bookings_changed: BTreeMap<BookingId, Arc<Booking>>,
    /// Outages that were not there before.
    pub outages_new: BTreeMap<OutageId, Arc<Outage>>,
    /// Outages that were.
    pub outages_changed: BTreeMap<OutageId, Arc<Outage>>,
    /// Claims that were not there before.
    pub claims_new: BTreeMap<ClaimId, (InstrumentId, Claim)>,
    /// Claims that were and go.
    pub claims_gone: Vec<ClaimId>,
    /// What happened, ascending.
    pub events: Vec<EventRow>,
    /// Answers to keep.
    pub answers: Vec<KeptAnswer>,
    /// Records put and removed, as the group leaves them.
    pub ledger: Ledger,
}

impl Writes {
    /// Returns true if there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && !self.ledger.is_changed()
    }

    /// Puts a booking, new or changed.
    pub fn put_booking(&mut self, booking: Arc<Booking>) {
        if booking.version == 1 || self.bookings_new.contains_key(&booking.id) {
            self.bookings_new.insert(booking.id, booking);
        } else {
            self.bookings_changed.insert(booking.id, booking);
        }
    }

    /// Adds a claim.
    pub fn add_claim(&mut self, instrument: InstrumentId, claim: Claim) {
        self.claims_new.insert(claim.id, (instrument, claim));
    }

    /// Takes a claim away; one that this group added simply does not happen.
    pub fn drop_claim(&mut self, claim: ClaimId) {
        if self.claims_new.remove(&claim).is_none() {
            self.claims_gone.push(claim);
        }
    }
}

/// Writes a group. Claims go before claims come: a place freed in a group is taken in it.
///
/// # Errors
/// Returns [`StoreError::Failed`]; [`StoreError::cause`] tells a refused overlap from a full disk.
pub async fn write_group(tx: &mut Tx, writes: &Writes) -> Result<(), StoreError> {
    let new: Vec<Vec<Value>> = writes
        .bookings_new
        .values()
        .map(|booking| booking_row(booking))
        .collect();
    insert(tx, "inserting bookings", (BOOKINGS, ""), new).await?;
    let changed = writes
        .bookings_changed
        .values()
        .map(|booking| booking_row(booking))
        .collect();
    insert(
        tx,
        "changing bookings",
        (BOOKINGS, BOOKINGS_CHANGE),
        changed,
    )
    .await?;
    let outages = writes
        .outages_new
        .values()
        .map(|outage| outage_row(outage))
        .collect();
    insert(tx, "inserting outages", (OUTAGES, ""), outages).await?;
    let outages = writes
        .outages_changed
        .values()
        .map(|outage| outage_row(outage))
        .collect();
    insert(tx, "changing outages", (OUTAGES, OUTAGES_CHANGE), outages).await?;
    writes.ledger.write(tx).await?;
    let gone: Vec<i64> = writes.claims_gone.iter().map(|claim| claim.get()).collect();
    delete(tx, "deleting claims", "DELETE FROM claims WHERE id", &gone).await?;
    let claims = writes.claims_new.values().map(claim_row).collect();
    insert(tx, "inserting claims", (CLAIMS, ""), claims).await?;
    let events = writes.events.iter().map(event_row).collect();
    insert(tx, "inserting events", (EVENTS, ""), events).await?;
    let answers = writes.answers.iter().map(answer_row).collect();
    insert(tx, "keeping answers", (ANSWERS, ANSWERS_RENEWED), answers).await
}

const BOOKINGS: &str = "INSERT INTO bookings (id, instrument, member, lab, start_us, end_us, \
     status, at_risk, purpose, project, created_us, cancelled_us, policy_version, version, details, \
     made_by, series, bundle, began_us, finished_us, due_us, checked_in_us, checked_out_us, \
     project_id, decided_by, decided_us)";
const BOOKINGS_CHANGE: &str = "ON CONFLICT (id) DO UPDATE SET start_us = excluded.start_us, \
     end_us = excluded.end_us, instrument = excluded.instrument, lab = excluded.lab, \
     member = excluded.member, status = excluded.status, at_risk = excluded.at_risk, \
     purpose = excluded.purpose, project = excluded.project, \
     cancelled_us = excluded.cancelled_us, policy_version = excluded.policy_version, \
     version = excluded.version, details = excluded.details, made_by = excluded.made_by, \
     series = excluded.series, bundle = excluded.bundle, began_us = excluded.began_us, \
     finished_us = excluded.finished_us, due_us = excluded.due_us, \
     checked_in_us = excluded.checked_in_us, checked_out_us = excluded.checked_out_us, \
     project_id = excluded.project_id, decided_by = excluded.decided_by, \
     decided_us = excluded.decided_us";
const OUTAGES: &str = "INSERT INTO outages (id, instrument, start_us, end_us, reason, opened_by, \
     created_us, ended_us, kind, problem)";
const OUTAGES_CHANGE: &str = "ON CONFLICT (id) DO UPDATE SET start_us = excluded.start_us, \
     end_us = excluded.end_us, reason = excluded.reason, ended_us = excluded.ended_us";
const CLAIMS: &str = "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking, outage, \
     hold, offer)";
const EVENTS: &str = "INSERT INTO event_log (id, at_us, kind, instrument, subject)";
const ANSWERS: &str = "INSERT INTO idempotency (member, key, request, booking, created_us)";
/// A key may be used anew once its answer is a day old, deleted or not.
const ANSWERS_RENEWED: &str = "ON CONFLICT (member, key) DO UPDATE SET \
     request = excluded.request, booking = excluded.booking, created_us = excluded.created_us";

fn booking_row(booking: &Booking) -> Vec<Value> {
    vec![
        booking.id.get().into(),
        i64::from(booking.instrument.get()).into(),
        booking.member.get().into(),
        booking.lab.get().into(),
        booking.slot.start().get().into(),
        booking.slot.end().get().into(),
        booking.status.as_str().into(),
        booking.at_risk.into(),
        (&*booking.purpose).into(),
        booking.project.as_deref().into(),
        booking.created_at.get().into(),
        booking.cancelled_at.get().map(Micros::get).into(),
        booking.policy_version.into(),
        booking.version.into(),
        booking.details().map_or(Value::Text(None), Value::json),
        booking.made_by().map(MemberId::get).into(),
        booking.series().map(SeriesId::get).into(),
        booking.bundle().map(BookingId::get).into(),
        booking.began_at.get().map(Micros::get).into(),
        booking.finished_at.get().map(Micros::get).into(),
        booking.due_at.get().map(Micros::get).into(),
        booking.checked_in_at().map(Micros::get).into(),
        booking.checked_out_at().map(Micros::get).into(),
        booking.charged_to().map(ProjectId::get).into(),
        booking.decided().map(|decided| decided.by.get()).into(),
        booking.decided().map(|decided| decided.at.get()).into(),
    ]
}

fn outage_row(outage: &Outage) -> Vec<Value> {
    vec![
        outage.id.get().into(),
        i64::from(outage.instrument.get()).into(),
        outage.slot.start().get().into(),
        outage.slot.end().get().into(),
        outage.reason.as_str().into(),
        outage.opened_by.get().into(),
        outage.created_at.get().into(),
        outage.ended_at.map(Micros::get).into(),
        outage.kind.as_str().into(),
        outage.problem.map(ProblemId::get).into(),
    ]
}

fn claim_row((instrument, claim): &(InstrumentId, Claim)) -> Vec<Value> {
    let (mut booking, mut outage, mut hold, mut offer) = (None, None, None, None);
    match claim.holder {
        Holder::Booking(id) => booking = Some(id.get()),
        Holder::Outage(id) => outage = Some(id.get()),
        Holder::Hold(id) => hold = Some(HoldId::get(id)),
        Holder::Offer(id) => offer = Some(OfferId::get(id)),
    }
    vec![
        claim.id.get().into(),
        i64::from(instrument.get()).into(),
        i64::from(claim.lane).into(),
        claim.slot.start().get().into(),
        claim.slot.end().get().into(),
        booking.into(),
        outage.into(),
        hold.into(),
        offer.into(),
    ]
}

fn event_row(event: &EventRow) -> Vec<Value> {
    vec![
        event.id.into(),
        event.at.get().into(),
        event.kind.as_str().into(),
        event.instrument.map(|id| i64::from(id.get())).into(),
        event.subject.into(),
    ]
}

fn answer_row(answer: &KeptAnswer) -> Vec<Value> {
    vec![
        answer.member.get().into(),
        answer.key.as_str().into(),
        (&answer.request).into(),
        answer.booking.get().into(),
        answer.created_at.get().into(),
    ]
}

/// Deletes answers and sessions that began before their moments.
///
/// # Errors
/// Returns [`StoreError::Failed`].
pub async fn delete_old(
    tx: &mut Tx,
    answers_before: Micros,
    sessions_before: Micros,
) -> Result<(), StoreError> {
    for (query, before) in [
        (
            "DELETE FROM idempotency WHERE created_us < $1",
            answers_before,
        ),
        (
            "DELETE FROM sessions WHERE created_us < $1",
            sessions_before,
        ),
    ] {
        let deleted = sqlx::query(query)
            .bind(before.get())
            .execute(&mut **tx)
            .await;
        deleted.map_err(StoreError::at("deleting what is old"))?;
    }
    Ok(())
}

/// Returns true if an event's row is committed. Tries to insert it: that waits for a transaction
/// that holds the row and has not ended yet, where a look would miss it. The caller rolls back.
///
/// # Errors
/// Returns [`StoreError::Failed`].
pub async fn is_logged(tx: &mut Tx, event: &EventRow) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "INSERT INTO event_log (id, at_us, kind, instrument, subject) \
         VALUES ($1, $2, $3, NULL, NULL) ON CONFLICT (id) DO NOTHING",
    );
    let query = query
        .bind(event.id)
        .bind(event.at.get())
        .bind(event.kind.as_str());
    let inserted = query.execute(&mut **tx).await;
    let inserted = inserted.map_err(StoreError::at("looking for a group's last event"))?;
    Ok(inserted.rows_affected() == 0)
}

/// Writes the row that proves that writes can be committed.
///
/// # Errors
/// Returns [`StoreError::Failed`].
pub async fn prove_writable(tx: &mut Tx, now: Micros) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO write_probe (id, at_us) VALUES (1, $1) \
         ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us",
    );
    let written = query.bind(now.get()).execute(&mut **tx).await;
    written.map_err(StoreError::at("proving that writes work"))?;
    Ok(())
}
