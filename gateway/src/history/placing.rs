//! Where new readings go: to which tail, and when a tail becomes blocks. Pure.

use std::collections::{BTreeMap, HashMap};

use scheduler::id::InstrumentId;

use super::SPAN_MS_MAX;
use super::block::{self, BLOCK_ROWS_MAX};
use super::newest::encode_newest;
use super::prepared::{BlockRow, Prepared, TailRow};
use super::rows::Rows;
use super::tails::{InstrumentTails, Kind};
use super::touched::Touched;

/// Rows at which a tail becomes a block.
const BLOCK_ROWS: usize = 300;

/// A tail's key.
pub(super) type TailKey = (InstrumentId, Kind);

/// Sorts new rows into live and late ones.
pub(super) fn split_by_tail(
    tails: &HashMap<InstrumentId, InstrumentTails>,
    groups: Vec<(InstrumentId, Rows)>,
) -> BTreeMap<TailKey, Rows> {
    let mut deltas: BTreeMap<TailKey, Rows> = BTreeMap::new();
    for (instrument, rows) in groups {
        let pending = deltas
            .get(&(instrument, Kind::Live))
            .and_then(|rows| rows.times_ms().last().copied());
        let known = tails.get(&instrument).and_then(|tail| tail.live_upto_ms);
        let upto = pending.max(known).unwrap_or(i64::MIN);
        let late = rows.times_ms().partition_point(|time| *time <= upto);
        for (kind, from, to) in [(Kind::Late, 0, late), (Kind::Live, late, rows.len())] {
            if from < to {
                let delta = deltas.entry((instrument, kind)).or_default();
                delta.append(&rows, from, to);
            }
        }
    }
    deltas
}

/// Decides where new rows go: into blocks with their tail if that makes it full, else the journal.
pub(super) fn place(
    prepared: &mut Prepared,
    before: Option<&InstrumentTails>,
    key: TailKey,
    delta: Rows,
) {
    let (instrument, kind) = key;
    let empty = Rows::default();
    let tail = before.map_or(&empty, |before| before.of(kind));
    let times = tail.times_ms().iter().chain(delta.times_ms());
    let (first, last) = times.fold((i64::MAX, i64::MIN), |(first, last), time| {
        (first.min(*time), last.max(*time))
    });
    let is_first = before.is_none_or(|before| !before.has_ended);
    let rows = tail.len() + delta.len();
    if rows < full_at(instrument, is_first) && last - first < SPAN_MS_MAX {
        prepared.kept.insert(key, delta);
        return;
    }
    let live = (instrument, Kind::Live);
    if kind == Kind::Late && !prepared.full.contains_key(&live) {
        let waits = prepared.kept.get(&live).unwrap_or(&empty).times_ms();
        let begins = before.map_or(&empty, |before| &before.live).times_ms();
        let begin = begins.first().or(waits.first());
        // Of readings at one time the live one was received first: its block goes first.
        if begin.is_some_and(|begin| *begin <= last) {
            let waits = prepared.kept.remove(&live).unwrap_or_default();
            write_out(prepared, before, live, waits);
        }
    }
    write_out(prepared, before, key, delta);
}

/// Makes blocks of a tail and what is new for it.
fn write_out(prepared: &mut Prepared, before: Option<&InstrumentTails>, key: TailKey, delta: Rows) {
    let (instrument, kind) = key;
    let mut all = before.map_or_else(Rows::default, |before| before.of(kind).clone());
    all.append(&delta, 0, delta.len());
    let all = all.sorted();
    let mut from = 0;
    while let Some(start) = all.times_ms().get(from).copied() {
        let within = all
            .times_ms()
            .partition_point(|time| *time - start < SPAN_MS_MAX);
        let to = within.min(from + BLOCK_ROWS_MAX);
        let mut part = Rows::default();
        part.append(&all, from, to);
        prepared.blocks.push(BlockRow {
            instrument,
            first_ms: start,
            last_ms: part.times_ms().last().copied().unwrap_or(start),
            rows: part.len(),
            data: block::encode(&part),
        });
        from = to;
    }
    let mut after = InstrumentTails {
        live_upto_ms: before.and_then(|before| before.live_upto_ms),
        newest: before.map_or_else(Vec::new, |before| before.newest.clone()),
        ..InstrumentTails::default()
    };
    after.note(kind, &delta);
    prepared.tails.push(TailRow {
        instrument,
        kind,
        upto_ms: after.live_upto_ms,
        data: None,
        newest: encode_newest(&after.newest),
    });
    prepared.full.insert(key, delta);
}

/// Marks the hours that a commit brings readings of, and those of its blocks: what is in a block
/// is merged anew.
pub(super) fn touch(prepared: &mut Prepared, touched: &mut Touched) {
    touched.set_committing(true);
    let (at, fresh) = (prepared.at, &mut prepared.touched);
    for ((instrument, _), delta) in &prepared.kept {
        let times = delta.times_ms().iter();
        if let (Some(first), Some(last)) = (times.clone().min(), times.max()) {
            touched.touch(*instrument, (*first, *last), at, fresh);
        }
    }
    for block in &prepared.blocks {
        touched.touch(block.instrument, (block.first_ms, block.last_ms), at, fresh);
    }
}

/// The number of rows at which a tail is full. The first tails of instruments end at different
/// lengths, so that not all instruments of a plant fill theirs in the same second.
pub(super) fn full_at(instrument: InstrumentId, is_first: bool) -> usize {
    if !is_first {
        return BLOCK_ROWS;
    }
    let number = usize::try_from(instrument.get()).unwrap_or(0);
    BLOCK_ROWS - number.wrapping_mul(7_919) % (BLOCK_ROWS * 9 / 10)
}

/// Writes a tail with what this commit adds to it.
pub(super) fn checkpoint_tail(
    prepared: &mut Prepared,
    before: Option<&InstrumentTails>,
    key: TailKey,
) {
    if prepared.full.contains_key(&key) {
        return;
    }
    let (instrument, kind) = key;
    let mut after = before.cloned().unwrap_or_default();
    if let Some(delta) = prepared.kept.get(&key) {
        after.note(kind, delta);
        after.of_mut(kind).append(delta, 0, delta.len());
    }
    let rows = after.of(kind).clone().sorted();
    prepared.tails.push(TailRow {
        instrument,
        kind,
        upto_ms: after.live_upto_ms,
        data: (!rows.is_empty()).then(|| block::encode(&rows)),
        newest: encode_newest(&after.newest),
    });
}
