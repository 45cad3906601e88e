//! Loads what the desk knows: bookings, outages, claims, kept answers, events.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt as _;
use scheduler::booking::Status;
use scheduler::id::{
    BookingId, ClaimId, HoldId, InstrumentId, MemberId, NodeId, OfferId, OutageId, ProblemId,
    ProjectId, SeriesId,
};
use scheduler::occupancy::{Claim, Holder};
use scheduler::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::StoreError;
use super::row::{get, instrument_of, json_of, moment_of, parsed, slot_of, word_of};
use crate::booking::record::{
    Booking, Decided, Details, EventKind, EventRow, Extras, KeptAnswer, Outage, OutageKind,
};

type Tx = Transaction<'static, Any>;

macro_rules! bookings {
    ($rest:literal) => {
        concat!(
            "SELECT id, instrument, member, lab, start_us, end_us, status, at_risk, purpose, \
             project, created_us, cancelled_us, policy_version, version, details, made_by, series, \
             bundle, began_us, finished_us, due_us, checked_in_us, checked_out_us, decided_by, \
             decided_us FROM bookings ",
            $rest
        )
    };
}
macro_rules! outages {
    ($rest:literal) => {
        concat!(
            "SELECT id, instrument, start_us, end_us, reason, opened_by, created_us, ended_us, \
             kind, problem FROM outages ",
            $rest
        )
    };
}
macro_rules! claims {
    ($rest:literal) => {
        concat!(
            "SELECT id, instrument, lane, start_us, end_us, booking, outage, hold, offer \
             FROM claims ",
            $rest
        )
    };
}

/// Everything loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Bookings that end at or after the moment asked for.
    pub bookings: Vec<Booking>,
    /// Outages that end at or after it.
    pub outages: Vec<Outage>,
    /// Claims that end at or after it.
    pub claims: Vec<(InstrumentId, Claim)>,
}

/// Tables whose identities the desk gives.
const NUMBERED: [(&str, &str); 9] = [
    (
        "bookings",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM bookings",
    ),
    (
        "outages",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM outages",
    ),
    (
        "claims",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM claims",
    ),
    (
        "event_log",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM event_log",
    ),
    ("nodes", "SELECT COALESCE(MAX(id), 0) AS highest FROM nodes"),
    (
        "instruments",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM instruments",
    ),
    (
        "members",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM members",
    ),
    (
        "tokens",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM tokens",
    ),
    (
        "mappings",
        "SELECT COALESCE(MAX(id), 0) AS highest FROM mappings",
    ),
];

/// Loads everything that ends at or after `since`.
///
/// # Errors
/// Returns [`StoreError`] when a query fails or a row is impossible.
pub async fn load_facts(tx: &mut Tx, since: Micros) -> Result<Loaded, StoreError> {
    Ok(Loaded {
        bookings: list(tx, bookings!("WHERE end_us >= $1"), since.get(), booking).await?,
        outages: list(tx, outages!("WHERE end_us >= $1"), since.get(), outage).await?,
        claims: list(tx, claims!("WHERE end_us >= $1"), since.get(), claim).await?,
    })
}

/// Loads what projects' bookings that ended before a moment take, in microseconds: the part of each
/// slot that is claimed, up to where the rest was released.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_project_use(
    tx: &mut Tx,
    before: Micros,
) -> Result<Vec<(ProjectId, i64)>, StoreError> {
    let query = "SELECT project_id, CAST(SUM(CASE WHEN finished_us IS NULL OR finished_us > end_us \
         THEN end_us WHEN finished_us < start_us THEN start_us ELSE finished_us END - start_us) \
         AS BIGINT) AS used_us FROM bookings WHERE project_id IS NOT NULL AND end_us < $1 \
         AND status NOT IN ('cancelled', 'declined', 'expired') GROUP BY project_id";
    let read = |row: &AnyRow| {
        let project = ProjectId::new(get(row, "project_id")?);
        Ok((project, get(row, "used_us")?))
    };
    list(tx, query, before.get(), read).await
}

/// Shows each booking that ended before the first moment and either after the second or with
/// details, which may name a project. Nothing is kept of them.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn each_older(
    tx: &mut Tx,
    (before, since): (Micros, Micros),
    each: &mut (impl FnMut(&Booking) + Send),
) -> Result<(), StoreError> {
    let query = bookings!("WHERE end_us < $1 AND (end_us >= $2 OR details IS NOT NULL)");
    let query = sqlx::query(query).bind(before.get()).bind(since.get());
    let mut rows = query.fetch(&mut **tx);
    while let Some(row) = rows.next().await {
        let row = row.map_err(StoreError::at("summing older bookings"))?;
        each(&booking(&row)?);
    }
    Ok(())
}

/// Loads the highest identity in use, by table.
///
/// # Errors
/// Returns [`StoreError`] when a query fails.
pub async fn load_highest(tx: &mut Tx) -> Result<HashMap<&'static str, i64>, StoreError> {
    let mut highest = HashMap::new();
    for (table, query) in NUMBERED {
        let row = sqlx::query(query).fetch_one(&mut **tx).await;
        let row = row.map_err(StoreError::at("loading the highest identity"))?;
        highest.insert(table, get(&row, "highest")?);
    }
    Ok(highest)
}

/// Loads what concerns one instrument, of all times.
///
/// # Errors
/// Returns [`StoreError`] when a query fails or a row is impossible.
pub async fn load_instrument_facts(
    tx: &mut Tx,
    instrument: InstrumentId,
) -> Result<Loaded, StoreError> {
    let id = i64::from(instrument.get());
    Ok(Loaded {
        bookings: list(tx, bookings!("WHERE instrument = $1"), id, booking).await?,
        outages: list(tx, outages!("WHERE instrument = $1"), id, outage).await?,
        claims: list(tx, claims!("WHERE instrument = $1"), id, claim).await?,
    })
}

/// Loads the answers kept since a moment.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_answers(tx: &mut Tx, since: Micros) -> Result<Vec<KeptAnswer>, StoreError> {
    let query =
        "SELECT member, key, request, booking, created_us FROM idempotency WHERE created_us >= $1";
    let read = |row: &AnyRow| {
        let key: String = get(row, "key")?;
        let request = <[u8; 32]>::try_from(get::<Vec<u8>>(row, "request")?).ok();
        Ok(KeptAnswer {
            member: MemberId::new(get(row, "member")?),
            request: parsed(request, "idempotency", "request", &key)?,
            key,
            booking: BookingId::new(get(row, "booking")?),
            created_at: Micros::new(get(row, "created_us")?),
        })
    };
    list(tx, query, since.get(), read).await
}

/// Loads at most 10,000 events after an identity, ascending.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_events(tx: &mut Tx, after: i64) -> Result<Vec<EventRow>, StoreError> {
    let query = "SELECT id, at_us, kind, instrument, subject FROM event_log \
                 WHERE id > $1 ORDER BY id LIMIT 10000";
    let read = |row: &AnyRow| {
        let id: i64 = get(row, "id")?;
        let kind: String = get(row, "kind")?;
        let instrument: Option<i64> = get(row, "instrument")?;
        Ok(EventRow {
            id,
            at: Micros::new(get(row, "at_us")?),
            kind: parsed(EventKind::parse(&kind), "event_log", "kind", &id)?,
            instrument: instrument
                .and_then(|id| u32::try_from(id).ok())
                .map(InstrumentId::new),
            subject: get(row, "subject")?,
        })
    };
    list(tx, query, after, read).await
}

async fn list<T>(
    tx: &mut Tx,
    query: &'static str,
    bound: i64,
    read: impl Fn(&AnyRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let rows = sqlx::query(query).bind(bound).fetch_all(&mut **tx).await;
    rows.map_err(StoreError::at("loading bookings"))?
        .iter()
        .map(read)
        .collect()
}

fn booking(row: &AnyRow) -> Result<Booking, StoreError> {
    const TABLE: &str = "bookings";
    let id = BookingId::new(get(row, "id")?);
    let status: String = get(row, "status")?;
    Ok(Booking {
        id,
        instrument: instrument_of(row, TABLE)?,
        member: MemberId::new(get(row, "member")?),
        lab: NodeId::new(get(row, "lab")?),
        slot: slot_of(row, TABLE)?,
        status: parsed(Status::parse(&status), TABLE, "status", &id)?,
        at_risk: get::<i64>(row, "at_risk")? != 0,
        purpose: get::<String>(row, "purpose")?.into(),
        project: get::<Option<String>>(row, "project")?.map(Into::into),
        extras: extras(row)?,
        created_at: Micros::new(get(row, "created_us")?),
        cancelled_at: moment_of(row, "cancelled_us")?.into(),
        began_at: moment_of(row, "began_us")?.into(),
        finished_at: moment_of(row, "finished_us")?.into(),
        due_at: moment_of(row, "due_us")?.into(),
        policy_version: get(row, "policy_version")?,
        version: get(row, "version")?,
    })
}

fn extras(row: &AnyRow) -> Result<Option<Arc<Extras>>, StoreError> {
    let details = match get::<Option<String>>(row, "details")? {
        Some(_) => json_of(row, ("bookings", "details"))?,
        None => Details::default(),
    };
    let extras = Extras {
        details,
        made_by: get::<Option<i64>>(row, "made_by")?.map(MemberId::new),
        series: get::<Option<i64>>(row, "series")?.map(SeriesId::new),
        bundle: get::<Option<i64>>(row, "bundle")?.map(BookingId::new),
        checked_in_at: moment_of(row, "checked_in_us")?,
        checked_out_at: moment_of(row, "checked_out_us")?,
        decided: get::<Option<i64>>(row, "decided_by")?
            .map(MemberId::new)
            .zip(moment_of(row, "decided_us")?)
            .map(|(by, at)| Decided { by, at }),
    };
    Ok(extras.kept())
}

fn outage(row: &AnyRow) -> Result<Outage, StoreError> {
    Ok(Outage {
        id: OutageId::new(get(row, "id")?),
        instrument: instrument_of(row, "outages")?,
        slot: slot_of(row, "outages")?,
        kind: word_of(row, ("outages", "kind"), OutageKind::parse)?,
        reason: get(row, "reason")?,
        problem: get::<Option<i64>>(row, "problem")?.map(ProblemId::new),
        opened_by: MemberId::new(get(row, "opened_by")?),
        created_at: Micros::new(get(row, "created_us")?),
        ended_at: get::<Option<i64>>(row, "ended_us")?.map(Micros::new),
    })
}

fn claim(row: &AnyRow) -> Result<(InstrumentId, Claim), StoreError> {
    const TABLE: &str = "claims";
    let id: i64 = get(row, "id")?;
    let lane: i64 = get(row, "lane")?;
    let booking: Option<i64> = get(row, "booking")?;
    let outage: Option<i64> = get(row, "outage")?;
    let hold: Option<i64> = get(row, "hold")?;
    let offer: Option<i64> = get(row, "offer")?;
    let holder = match (booking, outage, hold, offer) {
        (Some(booking), None, None, None) => Some(Holder::Booking(BookingId::new(booking))),
        (None, Some(outage), None, None) => Some(Holder::Outage(OutageId::new(outage))),
        (None, None, Some(hold), None) => Some(Holder::Hold(HoldId::new(hold))),
        (None, None, None, Some(offer)) => Some(Holder::Offer(OfferId::new(offer))),
        _ => None,
    };
    let claim = Claim {
        id: ClaimId::new(id),
        lane: parsed(u8::try_from(lane).ok(), TABLE, "lane", &id)?,
        slot: slot_of(row, TABLE)?,
        holder: parsed(holder, TABLE, "booking", &id)?,
    };
    Ok((instrument_of(row, TABLE)?, claim))
}
