//! The end of a torture as the database holds it, read past the gateway.

use std::collections::HashMap;

use super::history::Slot;
use crate::database::Database;
use crate::gateway::Setup;

const BOOKINGS: &str = "SELECT b.id, i.key, b.purpose, b.start_us, b.end_us, b.status, b.at_risk
    FROM bookings b JOIN instruments i ON i.id = b.instrument ORDER BY b.id";

const OUTAGES: &str = "SELECT o.id, i.key, o.reason, o.start_us, o.end_us,
        CASE WHEN o.ended_us IS NULL THEN 0 ELSE 1 END
    FROM outages o JOIN instruments i ON i.id = o.instrument ORDER BY o.id";

const CLAIMS: &str = "SELECT i.key, c.lane, c.start_us, c.end_us, coalesce(c.booking, -1),
        coalesce(c.outage, -1)
    FROM claims c JOIN instruments i ON i.id = c.instrument
    ORDER BY c.instrument, c.lane, c.start_us";

const CAPACITIES: &str = "SELECT key, capacity FROM instruments";

/// Everything the database holds about who has what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Bookings of every status.
    pub bookings: Vec<BookingRow>,
    /// Outages, ended ones too.
    pub outages: Vec<OutageRow>,
    /// Claims.
    pub claims: Vec<ClaimRow>,
    /// How many bookings each instrument takes at once.
    pub capacities: HashMap<String, i64>,
}

/// A booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingRow {
    /// Identity.
    pub id: i64,
    /// What.
    pub instrument: String,
    /// Its purpose: the tag of the wish.
    pub tag: String,
    /// When.
    pub slot: Slot,
    /// Where it is in its life.
    pub status: String,
    /// Whether an outage covers part of it.
    pub at_risk: bool,
}

/// An outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageRow {
    /// Identity.
    pub id: i64,
    /// Of what.
    pub instrument: String,
    /// Its reason: the tag.
    pub tag: String,
    /// Its window.
    pub slot: Slot,
    /// Whether somebody ended it.
    pub ended: bool,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// On what.
    pub instrument: String,
    /// On which lane.
    pub lane: i64,
    /// When.
    pub slot: Slot,
    /// For which booking; none for an outage, a hold or an offer.
    pub booking: Option<i64>,
    /// For which outage.
    pub outage: Option<i64>,
}

impl BookingRow {
    /// Returns true if a booking of this status has a claim: nothing here ever begins.
    #[must_use]
    pub fn claims(&self) -> bool {
        ["pending", "confirmed"].contains(&self.status.as_str())
    }
}

impl Record {
    /// Reads the database of a gateway that has stopped.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn read(setup: &Setup) -> Self {
        let database = Database::open(setup).await;
        let pool = database.pool();
        let slot = |start_us: i64, end_us: i64| Slot::new(start_us / 1000, end_us / 1000);
        let known = |id: i64| (id >= 0).then_some(id);
        let bookings: Vec<(i64, String, String, i64, i64, String, i64)> = sqlx::query_as(BOOKINGS)
            .fetch_all(pool)
            .await
            .expect("the bookings can be read");
        let outages: Vec<(i64, String, String, i64, i64, i32)> = sqlx::query_as(OUTAGES)
            .fetch_all(pool)
            .await
            .expect("the outages can be read");
        let claims: Vec<(String, i64, i64, i64, i64, i64)> = sqlx::query_as(CLAIMS)
            .fetch_all(pool)
            .await
            .expect("the claims can be read");
        let capacities: Vec<(String, i64)> = sqlx::query_as(CAPACITIES)
            .fetch_all(pool)
            .await
            .expect("the instruments can be read");
        Self {
            bookings: bookings
                .into_iter()
                .map(|row| BookingRow {
                    id: row.0,
                    instrument: row.1,
                    tag: row.2,
                    slot: slot(row.3, row.4),
                    status: row.5,
                    at_risk: row.6 != 0,
                })
                .collect(),
            outages: outages
                .into_iter()
                .map(|row| OutageRow {
                    id: row.0,
                    instrument: row.1,
                    tag: row.2,
                    slot: slot(row.3, row.4),
                    ended: row.5 != 0,
                })
                .collect(),
            claims: claims
                .into_iter()
                .map(|row| ClaimRow {
                    instrument: row.0,
                    lane: row.1,
                    slot: slot(row.2, row.3),
                    booking: known(row.4),
                    outage: known(row.5),
                })
                .collect(),
            capacities: capacities.into_iter().collect(),
        }
    }
}
