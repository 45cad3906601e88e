//! Series in a group: each occurrence is a booking of its own, judged with the earlier ones counted.

use std::sync::Arc;

use scheduler::id::{BookingId, InstrumentId, MemberId, SeriesId};
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::answers::Fault;
use super::bundles::KeyFound;
use super::command::{Cancel, CancelOutcome, Refused};
use super::group::Group;
use super::making::Made;
use super::record::{Booking, Details, Extras, Series};

/// Occurrences of one series.
pub const OCCURRENCES_MAX: usize = 200;

/// Books every occurrence of a series.
#[derive(Debug, Clone)]
pub struct BookSeries {
    /// For whom.
    pub member: MemberId,
    /// What.
    pub instrument: InstrumentId,
    /// The slot the rule repeats.
    pub first: Slot,
    /// The rule's text, as it is kept.
    pub rule: String,
    /// What the rule says; at most [`OCCURRENCES_MAX`], ascending.
    pub slots: Vec<Slot>,
    /// What for.
    pub purpose: String,
    /// The project's name where it is not a registered one.
    pub project: Option<String>,
    /// What else was asked.
    pub details: Details,
    /// Whether occurrences that are refused are left out; else one that is refused refuses all.
    pub skips: bool,
    /// The caller's key and the hash of the request, so that a retry books once.
    pub idempotency: Option<(String, [u8; 32])>,
}

/// One occurrence, and what became of it.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// When.
    pub slot: Slot,
    /// The booking, or what stands against it.
    pub outcome: Result<Arc<Booking>, Refused>,
}

/// What became of a series.
#[derive(Debug, Clone)]
pub enum SeriesOutcome {
    /// It is booked; occurrences that are not were to be left out.
    Booked(Arc<Series>, Vec<Occurrence>),
    /// The same request with this key was answered before; these are its bookings.
    Replayed(Arc<Series>, Vec<Arc<Booking>>),
    /// The key was used for another request.
    KeyReused,
    /// Nothing is booked.
    Refused(Vec<Occurrence>),
    /// What is asked with it is not answered.
    Unanswered(Vec<Fault>),
    /// There is no such instrument.
    NotFound,
}

/// Gives up the rest of a series.
#[derive(Debug, Clone, Copy)]
pub struct EndSeries {
    /// Which.
    pub series: SeriesId,
    /// Who ends it: its member, or who manages the instrument.
    pub by: MemberId,
    /// Occurrences that begin at this moment or later are given up.
    pub from: Micros,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum EndSeriesOutcome {
    /// It is ended; these were given up, those stay because they could not be.
    Ended {
        /// The series.
        series: Arc<Series>,
        /// What was given up.
        cancelled: Vec<Arc<Booking>>,
        /// What a rule or its state keeps.
        kept: Vec<BookingId>,
    },
    /// There is no such series.
    NotFound,
}

impl Group<'_> {
    pub(super) fn book_series(&mut self, asked: &BookSeries) -> SeriesOutcome {
        match self.key_found(asked.member, asked.idempotency.as_ref()) {
            Some(KeyFound::Same(first)) => return self.replayed_series(&first),
            Some(KeyFound::Other) => return SeriesOutcome::KeyReused,
            None => {}
        }
        if let Err(faults) = self.answered(&[asked.instrument], &asked.details) {
            return SeriesOutcome::Unanswered(faults);
        }
        let booked =
            self.all_or_nothing(&[asked.instrument], |group| group.book_occurrences(asked));
        let (series, occurrences) = match booked {
            Ok(booked) => booked,
            Err(outcome) => return outcome,
        };
        let mut booked = occurrences
            .iter()
            .filter_map(|one| one.outcome.as_ref().ok());
        if let Some(first) = booked.next() {
            self.keep_answer(asked.member, asked.idempotency.as_ref(), first.id);
        }
        SeriesOutcome::Booked(series, occurrences)
    }

    fn book_occurrences(
        &mut self,
        asked: &BookSeries,
    ) -> Result<(Arc<Series>, Vec<Occurrence>), SeriesOutcome> {
        let series = Arc::new(Series {
            id: SeriesId::new(self.writes.ledger.series.next_id()),
            member: asked.member,
            instrument: asked.instrument,
            first: asked.first,
            rule: asked.rule.clone(),
            purpose: asked.purpose.clone(),
            created_at: self.now,
            ended_at: None,
        });
        let mut occurrences = Vec::with_capacity(asked.slots.len());
        for slot in &asked.slots {
            let made = Made {
                instrument: asked.instrument,
                member: asked.member,
                slot: *slot,
                purpose: asked.purpose.as_str().into(),
                project: asked.project.as_deref().map(Into::into),
                extras: Extras {
                    details: asked.details.clone(),
                    series: Some(series.id),
                    ..Extras::default()
                },
            };
            let outcome = self.book_one_of_many(made);
            let outcome = outcome.ok_or(SeriesOutcome::NotFound)?;
            occurrences.push(Occurrence {
                slot: *slot,
                outcome,
            });
        }
        let booked = occurrences.iter().filter(|one| one.outcome.is_ok()).count();
        if booked == 0 || (!asked.skips && booked < occurrences.len()) {
            return Err(SeriesOutcome::Refused(occurrences));
        }
        self.writes.ledger.series.put(Arc::clone(&series));
        Ok((series, occurrences))
    }

    fn replayed_series(&self, first: &Booking) -> SeriesOutcome {
        let series = first.series();
        let found = series.and_then(|id| self.writes.ledger.series.get(id.get()));
        match found {
            Some(found) => {
                let bookings = self.bookings_like(found.member, |held| held.series() == series);
                SeriesOutcome::Replayed(Arc::clone(found), bookings)
            }
            None => SeriesOutcome::KeyReused,
        }
    }

    pub(super) fn end_series(&mut self, asked: &EndSeries) -> EndSeriesOutcome {
        let Some(series) = self.writes.ledger.series.get(asked.series.get()).cloned() else {
            return EndSeriesOutcome::NotFound;
        };
        let rest = self.bookings_like(series.member, |held| {
            held.series() == Some(series.id)
                && held.slot.start() >= asked.from
                && held.slot.end() > self.now
                && held.status.is_open()
        });
        let (mut cancelled, mut kept) = (Vec::new(), Vec::new());
        for booking in rest {
            let cancel = Cancel {
                booking: booking.id,
                by: asked.by,
                reason: String::new(),
                expected_version: None,
            };
            match self.cancel(&cancel) {
                CancelOutcome::Cancelled(booking, _) => cancelled.push(booking),
                CancelOutcome::WrongState(_)
                | CancelOutcome::Refused(_)
                | CancelOutcome::Stale(_)
                | CancelOutcome::NotFound => {
                    kept.push(booking.id);
                }
            }
        }
        let ended = Arc::new(Series {
            ended_at: series.ended_at.or(Some(self.now)),
            ..Series::clone(&series)
        });
        self.writes.ledger.series.put(Arc::clone(&ended));
        EndSeriesOutcome::Ended {
            series: ended,
            cancelled,
            kept,
        }
    }
}
