//! When which slot was possibly, and when certainly, taken: drawn from questions and answers.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::taken::{Period, Subject, Taken};
use super::{Fault, Finding};
use crate::torture::history::{Answer, Call, Heard, OPEN_END, Operation, Slot};
use crate::torture::record::Record;

/// Into how many stretches a run is cut to find what was had at a time.
const STRETCHES: u64 = 512;

/// What is known of a booking at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    pub(super) tag: String,
    pub(super) instrument: String,
    /// Whether somebody was told that it was made.
    pub(super) promised: bool,
    /// Where the last answer left it; none: cancelled.
    pub(super) slot: Option<Slot>,
    /// Where questions without an answer may have left it.
    pub(super) maybe: Vec<Option<Slot>>,
    /// When it was first asked for.
    pub(super) from_us: u64,
    /// The number of its present slot in [`Timeline::taken`].
    present: Option<usize>,
}

/// All that was taken.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) taken: Vec<Taken>,
    pub(super) stories: HashMap<i64, Story>,
    pub(super) capacities: HashMap<String, i64>,
    /// Identities of bookings by tag.
    pub(super) tags: HashMap<String, i64>,
    /// Outages: window, and what became of the end.
    pub(super) outages: HashMap<i64, OutageStory>,
    /// Numbers of `taken` by instrument and slot.
    by_slot: HashMap<(String, Slot), Vec<usize>>,
    /// Numbers of `taken` by instrument and stretch of the run: most slots are had for a short time.
    by_time: HashMap<String, Vec<Vec<usize>>>,
    /// Length of a stretch.
    stretch_us: u64,
    holds: HashMap<i64, usize>,
}

/// What is known of an outage.
#[derive(Debug, Clone, Default)]
pub(super) struct OutageStory {
    pub(super) promised: bool,
    pub(super) ended: bool,
    pub(super) maybe_ended: bool,
    present: usize,
}

impl Timeline {
    /// Draws the timeline of operations in the order of their beginnings.
    pub(super) fn of(
        operations: &[&Operation],
        record: &Record,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut timeline = Self {
            capacities: record.capacities.clone(),
            ..Self::default()
        };
        timeline.find_rows(operations, record, findings);
        for operation in operations {
            timeline.follow(operation);
        }
        timeline.sort();
        timeline
    }

    /// Learns which booking and outage belongs to which wish. The database tells it of wishes
    /// without an answer too: what has no row was never made.
    fn find_rows(
        &mut self,
        operations: &[&Operation],
        record: &Record,
        findings: &mut Vec<Finding>,
    ) {
        let mut asked: HashMap<&str, bool> = HashMap::new();
        for operation in operations {
            if let Call::Book { tag, .. } | Call::OpenOutage { tag, .. } = &operation.call {
                let may_be = !matches!(operation.heard, Heard::Refused(_));
                *asked.entry(tag).or_default() |= may_be;
                let answer = match &operation.heard {
                    Heard::Ok(Answer::Booking { id, .. } | Answer::Outage { id }) => *id,
                    _ => continue,
                };
                if let Call::Book { .. } = operation.call {
                    self.tags.entry(tag.clone()).or_insert(answer);
                }
            }
        }
        let rows = record.bookings.iter().map(|row| (row.id, &row.tag));
        let outages = record.outages.iter().map(|row| (row.id, &row.tag));
        for (id, tag) in rows.clone().chain(outages) {
            if asked.get(tag.as_str()) != Some(&true) {
                let text = format!("number {id} was never asked for, or refused: {tag}");
                findings.push(Finding::new(Fault::Phantom, text));
            }
        }
        for (id, tag) in rows {
            self.tags.entry(tag.clone()).or_insert(id);
        }
        for row in &record.outages {
            self.tags.entry(row.tag.clone()).or_insert(row.id);
        }
    }

    fn follow(&mut self, operation: &Operation) {
        match (&operation.call, &operation.heard) {
            (Call::Book { tag, key, .. }, Heard::Ok(_) | Heard::Unknown(_)) if tag == key => {
                self.booked(operation);
            }
            (Call::Change { booking, slot, .. }, Heard::Ok(_)) => {
                self.moved(*booking, Some(*slot), operation);
            }
            (Call::Cancel { booking }, Heard::Ok(_)) => self.moved(*booking, None, operation),
            (Call::Change { booking, slot, .. }, Heard::Unknown(_)) => {
                self.maybe_moved(*booking, Some(*slot), operation);
            }
            (Call::Cancel { booking }, Heard::Unknown(_)) => {
                self.maybe_moved(*booking, None, operation);
            }
            (Call::Hold { instrument, slot }, Heard::Ok(Answer::Hold { id, lasts_ms })) => {
                let lasts_us = u64::try_from(*lasts_ms - 1000).unwrap_or(0) * 1000;
                let until = Period {
                    from_us: operation.to_us,
                    to_us: operation.to_us + lasts_us,
                };
                let index = self.take(Subject::Hold(*id), instrument, *slot, operation.from_us);
                self.taken[index].certainly = Some(until);
                self.holds.insert(*id, index);
            }
            (Call::Hold { instrument, slot }, Heard::Unknown(_)) => {
                // Nobody learned its number.
                self.take(Subject::Hold(-1), instrument, *slot, operation.from_us);
            }
            (Call::Release { hold }, heard) => self.let_go(*hold, heard, operation),
            (Call::OpenOutage { .. }, Heard::Ok(_) | Heard::Unknown(_)) => self.opened(operation),
            (Call::EndOutage { outage }, heard) => self.ended(*outage, heard, operation),
            _ => {}
        }
    }

    fn take(&mut self, subject: Subject, instrument: &str, slot: Slot, from_us: u64) -> usize {
        self.taken.push(Taken {
            subject,
            instrument: instrument.to_owned(),
            slot,
            possibly: Period {
                from_us,
                to_us: OPEN_END,
            },
            certainly: None,
        });
        self.taken.len() - 1
    }

    /// From here on it is certain, unless something without an answer makes that doubtful.
    fn assure(&mut self, index: usize, from_us: u64) {
        let certainly = &mut self.taken[index].certainly;
        certainly.get_or_insert(Period {
            from_us,
            to_us: OPEN_END,
        });
    }

    fn doubt(&mut self, index: usize, from_us: u64) {
        let certainly = &mut self.taken[index].certainly;
        if let Some(period) = certainly {
            period.to_us = period.to_us.min(from_us);
        }
    }

    fn booked(&mut self, operation: &Operation) {
        let Call::Book {
            tag,
            instrument,
            slot,
            hold,
            ..
        } = &operation.call
        else {
            return;
        };
        // A wish without an answer and without a row was never granted.
        let Some(&id) = self.tags.get(tag) else {
            return;
        };
        if let Some(hold) = hold {
            self.let_go(*hold, &operation.heard, operation);
        }
        let answered = matches!(operation.heard, Heard::Ok(_));
        if !self.stories.contains_key(&id) {
            let index = self.take(Subject::Booking(id), instrument, *slot, operation.from_us);
            let story = Story {
                tag: tag.clone(),
                instrument: instrument.clone(),
                slot: Some(*slot),
                from_us: operation.from_us,
                present: Some(index),
                ..Story::default()
            };
            self.stories.insert(id, story);
        }
        let Some(story) = self.stories.get_mut(&id).filter(|_| answered) else {
            return;
        };
        // Asking again for a booking that was changed since tells nothing about its slot.
        let is_first = !std::mem::replace(&mut story.promised, true);
        if let Some(index) = story.present.filter(|_| is_first && story.maybe.is_empty()) {
            self.assure(index, operation.to_us);
        }
    }

    fn moved(&mut self, booking: i64, to: Option<Slot>, operation: &Operation) {
        let Some(story) = self.stories.get_mut(&booking) else {
            return;
        };
        if story.slot == to {
            return;
        }
        let (before, doubtful) = (story.present.take(), !story.maybe.is_empty());
        (story.slot, story.promised) = (to, true);
        let instrument = story.instrument.clone();
        if let Some(index) = before {
            self.taken[index].possibly.to_us = operation.to_us;
            self.doubt(index, operation.from_us);
        }
        if let Some(slot) = to {
            let subject = Subject::Booking(booking);
            let index = self.take(subject, &instrument, slot, operation.from_us);
            if !doubtful {
                self.assure(index, operation.to_us);
            }
            if let Some(story) = self.stories.get_mut(&booking) {
                story.present = Some(index);
            }
        }
    }

    fn maybe_moved(&mut self, booking: i64, to: Option<Slot>, operation: &Operation) {
        let Some(story) = self.stories.get_mut(&booking) else {
            return;
        };
        story.maybe.push(to);
        let (present, instrument) = (story.present, story.instrument.clone());
        if let Some(index) = present {
            self.doubt(index, operation.from_us);
        }
        if let Some(slot) = to {
            let subject = Subject::Booking(booking);
            self.take(subject, &instrument, slot, operation.from_us);
        }
    }

    fn let_go(&mut self, hold: i64, heard: &Heard, operation: &Operation) {
        let Some(&index) = self.holds.get(&hold) else {
            return;
        };
        self.doubt(index, operation.from_us);
        if matches!(heard, Heard::Ok(_)) {
            self.taken[index].possibly.to_us = operation.to_us;
        }
    }

    fn opened(&mut self, operation: &Operation) {
        let Call::OpenOutage {
            tag,
            instrument,
            slot,
        } = &operation.call
        else {
            return;
        };
        let answered = match &operation.heard {
            Heard::Ok(Answer::Outage { id }) => Some(*id),
            _ => None,
        };
        let Some(id) = answered.or_else(|| self.tags.get(tag).copied()) else {
            return;
        };
        let present = self.take(Subject::Outage(id), instrument, *slot, operation.from_us);
        if answered.is_some() {
            self.assure(present, operation.to_us);
        }
        let story = OutageStory {
            promised: answered.is_some(),
            present,
            ..OutageStory::default()
        };
        self.outages.insert(id, story);
    }

    fn ended(&mut self, outage: i64, heard: &Heard, operation: &Operation) {
        let Some(story) = self.outages.get_mut(&outage) else {
            return;
        };
        let index = story.present;
        match heard {
            Heard::Ok(_) => {
                story.ended = true;
                self.taken[index].possibly.to_us = operation.to_us;
            }
            Heard::Unknown(_) => story.maybe_ended = true,
            Heard::Refused(_) => return,
        }
        self.doubt(index, operation.from_us);
    }

    fn sort(&mut self) {
        let moments = self.taken.iter().map(|taken| taken.possibly.from_us);
        self.stretch_us = moments.max().unwrap_or(0) / STRETCHES + 1;
        for (index, taken) in self.taken.iter().enumerate() {
            let place = (taken.instrument.clone(), taken.slot);
            self.by_slot.entry(place).or_default().push(index);
            let stretches = self.stretches(taken.possibly);
            let parts = self.by_time.entry(taken.instrument.clone());
            let parts = parts.or_insert_with(|| vec![Vec::new(); STRETCHES as usize]);
            for part in &mut parts[stretches] {
                part.push(index);
            }
        }
    }

    fn stretches(&self, period: Period) -> RangeInclusive<usize> {
        let number = |at_us: u64| (at_us / self.stretch_us).min(STRETCHES - 1) as usize;
        number(period.from_us)..=number(period.to_us)
    }

    /// Returns what had exactly this slot.
    pub(super) fn at(&self, instrument: &str, slot: Slot) -> impl Iterator<Item = &Taken> {
        let found = self.by_slot.get(&(instrument.to_owned(), slot));
        let indices = found.map(Vec::as_slice).unwrap_or_default();
        indices.iter().map(|index| &self.taken[*index])
    }

    /// Returns what possibly had, in a period, a slot that shares an instant with this one.
    pub(super) fn around(&self, instrument: &str, slot: Slot, period: Period) -> Vec<&Taken> {
        let Some(parts) = self.by_time.get(instrument) else {
            return Vec::new();
        };
        let mut found: Vec<usize> = parts[self.stretches(period)].concat();
        found.sort_unstable();
        found.dedup();
        let found = found.into_iter().map(|index| &self.taken[index]);
        found
            .filter(|taken| taken.slot.overlaps(slot) && taken.possibly.overlaps(period))
            .collect()
    }

    /// Returns how many an instrument takes at once.
    pub(super) fn capacity(&self, instrument: &str) -> usize {
        let capacity = self.capacities.get(instrument).copied().unwrap_or(1);
        usize::try_from(capacity).unwrap_or(1)
    }
}
