//! From what an agent says to what the gateway knows: whose readings they are, and at what times.
//! Pure but for the numbers of new channels.

use std::collections::HashMap;

use scheduler::id::{InstrumentId, NodeId};
use wire::{AgentName, ChannelName, InstrumentKey, Quality, Series};

use super::clocks::{Placed, Possible};
use crate::history::{Cell, ChannelNo, ClockMark, Rows};
use crate::registry::Directory;

/// Why some readings of a batch are not accepted; the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// A stable word.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) detail: String,
}

/// Readings by instrument, in the order in which the batch first names them.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) rows: Vec<(InstrumentId, Rows)>,
    /// At most one for each instrument and reason.
    pub(super) refusals: Vec<Refusal>,
    /// Keys of instruments that the agent does not speak for.
    pub(super) strange: Vec<InstrumentKey>,
}

/// Resolves the series of a record. Several series of one instrument become one set of rows that
/// ascends by time, so that nothing that follows sees a batch's own readings as late.
pub(super) fn resolve(
    directory: &Directory,
    agent: &AgentName,
    series: &[Series],
    placed: Placed,
    possible: Possible,
    number_of: &mut dyn FnMut(&ChannelName, NodeId) -> Option<ChannelNo>,
) -> Resolved {
    let mut resolved = Resolved::default();
    let mut keys: Vec<&InstrumentKey> = Vec::with_capacity(series.len());
    for one in series {
        // Series of one instrument usually follow each other.
        if !keys.iter().rev().any(|key| **key == one.key) {
            keys.push(&one.key);
        }
    }
    for key in keys {
        let Some(instrument) = directory.speaks_for(agent, key) else {
            resolved.strange.push(key.clone());
            let is_known = directory.by_key.contains_key(key);
            resolved.refusals.push(Refusal {
                reason: if is_known {
                    "not_its_instrument"
                } else {
                    "unknown_instrument"
                },
                detail: format!("instrument {key}"),
            });
            continue;
        };
        let own: Vec<&Series> = series.iter().filter(|one| one.key == *key).collect();
        let channels = columns(&own, instrument.lab, number_of);
        if let Some(name) = &channels.refused {
            resolved.refusals.push(Refusal {
                reason: "too_many_channels",
                detail: format!(
                    "channel {name} of instrument {key} is beyond what its lab, or all, may name"
                ),
            });
        }
        if channels.channels.is_empty() {
            continue;
        }
        note_implausible(key, &own, &mut resolved.refusals);
        let rows = merge(&own, &channels, placed, possible, &mut resolved.refusals);
        if !rows.is_empty() {
            resolved.rows.push((instrument.id, rows));
        }
    }
    resolved
}

/// The channels of an instrument's series, and for each series where its columns go.
struct Columns {
    channels: Vec<ChannelNo>,
    /// `None`: a new name for which the store has no room; the others of its record are kept.
    places: Vec<Vec<Option<usize>>>,
    /// The first name without room.
    refused: Option<ChannelName>,
}

fn columns(
    series: &[&Series],
    lab: NodeId,
    number_of: &mut dyn FnMut(&ChannelName, NodeId) -> Option<ChannelNo>,
) -> Columns {
    let mut columns = Columns {
        channels: Vec::new(),
        refused: None,
        places: Vec::with_capacity(series.len()),
    };
    for one in series {
        let mut places = Vec::with_capacity(one.channels.len());
        for name in &one.channels {
            let Some(number) = number_of(name, lab) else {
                columns.refused.get_or_insert_with(|| name.clone());
                places.push(None);
                continue;
            };
            let known = columns.channels.iter().position(|known| *known == number);
            places.push(Some(known.unwrap_or_else(|| {
                columns.channels.push(number);
                columns.channels.len() - 1
            })));
        }
        columns.places.push(places);
    }
    columns
}

/// Merges series by time, leaving out impossible times.
fn merge(
    series: &[&Series],
    columns: &Columns,
    placed: Placed,
    possible: Possible,
    refusals: &mut Vec<Refusal>,
) -> Rows {
    let times = series.iter().map(|one| one.offsets_ms.len()).sum();
    let mut order: Vec<(i64, usize, usize)> = Vec::with_capacity(times);
    let mut refused: Vec<(&'static str, i64, usize)> = Vec::new();
    for (number, one) in series.iter().enumerate() {
        for (row, offset_ms) in one.offsets_ms.iter().enumerate() {
            let time_ms = placed.at_ms.saturating_add(*offset_ms);
            match possible.refusal(time_ms) {
                None => order.push((time_ms, number, row)),
                Some(reason) => match refused.iter_mut().find(|known| known.0 == reason) {
                    Some((_, _, count)) => *count += 1,
                    None => refused.push((reason, time_ms, 1)),
                },
            }
        }
    }
    for (reason, time_ms, count) in refused {
        refusals.push(Refusal {
            reason,
            detail: format!(
                "{count} readings of instrument {}, the first at {time_ms} ms",
                series.first().map_or("", |one| one.key.as_str())
            ),
        });
    }
    // Within a series times ascend; several series are interleaved.
    if series.len() > 1 {
        order.sort_unstable();
    }
    fill(series, columns, &order, placed.mark)
}

fn fill(
    series: &[&Series],
    columns: &Columns,
    order: &[(i64, usize, usize)],
    mark: ClockMark,
) -> Rows {
    let mut rows = Rows::of_channels(&columns.channels);
    let mut cells = vec![Cell::Absent; columns.channels.len()];
    let reasons: Vec<Reasons> = series.iter().map(|one| reasons(one)).collect();
    let mut entries = order.iter().peekable();
    while let Some((time_ms, number, row)) = entries.next() {
        let one = series.get(*number).expect("numbers count the series");
        let places = columns.places.get(*number).expect("each series has places");
        for (column, place) in places.iter().enumerate() {
            let Some(place) = place else { continue };
            let cell = cells.get_mut(*place).expect("places count the channels");
            *cell = cell_of(one, reasons.get(*number), column, *row);
        }
        // Series read at the same time share a row; a series with two readings at one time does not.
        let shares_row = entries
            .peek()
            .is_some_and(|(next, other, _)| next == time_ms && other != number);
        if !shares_row {
            rows.push(*time_ms, cells.iter().copied(), mark);
            cells.fill(Cell::Absent);
        }
    }
    rows
}

/// Why cells are missing, by column and row.
type Reasons = HashMap<(usize, usize), Quality>;

fn reasons(series: &Series) -> Reasons {
    let bad = series.bad.iter();
    bad.map(|bad| ((bad.channel, bad.at), bad.reason)).collect()
}

fn is_plausible(value: f64) -> bool {
    value.abs() <= wire::VALUE_MAGNITUDE_MAX
}

/// Tells of values that no instrument can have; they are kept as out of range.
fn note_implausible(key: &InstrumentKey, series: &[&Series], refusals: &mut Vec<Refusal>) {
    let values = series
        .iter()
        .flat_map(|one| &one.values)
        .flatten()
        .flatten();
    let mut wild = values.filter(|value| !is_plausible(**value)).peekable();
    if let Some(first) = wild.peek().copied().copied() {
        let count = wild.count();
        refusals.push(Refusal {
            reason: "implausible_value",
            detail: format!("{count} values of instrument {key}, the first {first:e}"),
        });
    }
}

fn cell_of(series: &Series, reasons: Option<&Reasons>, column: usize, row: usize) -> Cell {
    let values = series.values.get(column);
    match values.and_then(|values| values.get(row)) {
        Some(Some(value)) if is_plausible(*value) => Cell::Good(*value),
        Some(Some(_)) => Cell::Bad(Quality::OutOfRange),
        Some(None) => {
            let reason = reasons.and_then(|reasons| reasons.get(&(column, row)));
            Cell::Bad(reason.copied().unwrap_or(Quality::Other))
        }
        None => Cell::Absent,
    }
}

#[cfg(test)]
mod tests {
    use wire::Bad;

    use super::*;

    fn series(key: &str, channel: &str, points: &[(i64, Option<f64>)]) -> Series {
        let missing = points
            .iter()
            .enumerate()
            .filter(|(_, (_, value))| value.is_none());
        Series {
            key: InstrumentKey::parse(key).unwrap(),
            offsets_ms: points.iter().map(|(at, _)| *at).collect(),
            channels: vec![ChannelName::parse(channel).unwrap()],
            values: vec![points.iter().map(|(_, value)| *value).collect()],
            bad: missing
                .map(|(at, _)| Bad {
                    channel: 0,
                    at,
                    reason: Quality::Timeout,
                })
                .collect(),
        }
    }

    fn resolve_at(series: &[Series], at_ms: i64) -> Resolved {
        let directory = super::super::bench::directory(&[("K-1", 1, "lab-1"), ("K-2", 2, "lab-2")]);
        let placed = Placed {
            at_ms,
            mark: ClockMark::default(),
        };
        let possible = Possible {
            from_ms: 1_000,
            to_ms: 9_000,
        };
        let agent = AgentName::parse("lab-1").unwrap();
        let mut names: Vec<ChannelName> = Vec::new();
        resolve(
            &directory,
            &agent,
            series,
            placed,
            possible,
            &mut |name, _| {
                let known = names.iter().position(|known| known == name);
                let at = known.unwrap_or_else(|| {
                    names.push(name.clone());
                    names.len() - 1
                });
                if name.as_str() == "beyond" {
                    return None;
                }
                super::super::bench::channel(at + 1)
            },
        )
    }

    #[test]
    fn a_channel_without_room_takes_none_of_the_others_along() {
        let power = series("K-1", "power_w", &[(0, Some(1.0))]);
        let beyond = series("K-1", "beyond", &[(0, Some(2.0))]);
        let resolved = resolve_at(&[power, beyond.clone()], 5_000);
        let (_, rows) = &resolved.rows[0];
        let cells: Vec<Cell> = rows.row(0).map(|(_, cell)| cell).collect();
        assert_eq!(cells, [Cell::Good(1.0)]);
        assert_eq!(resolved.refusals[0].reason, "too_many_channels");
        let resolved = resolve_at(&[beyond], 5_000);
        assert_eq!((resolved.rows.len(), resolved.refusals.len()), (0, 1));
    }

    #[test]
    fn an_agent_speaks_only_for_its_own() {
        let points = [(0, Some(1.0))];
        let wishes = ["K-1", "K-2", "K-3"].map(|key| series(key, "power_w", &points));
        let resolved = resolve_at(&wishes, 5_000);
        assert_eq!(resolved.rows.len(), 1);
        let reasons: Vec<&str> = resolved.refusals.iter().map(|one| one.reason).collect();
        assert_eq!(reasons, ["not_its_instrument", "unknown_instrument"]);
        let strange: Vec<&str> = resolved.strange.iter().map(InstrumentKey::as_str).collect();
        assert_eq!(strange, ["K-2", "K-3"]);
    }

    #[test]
    fn series_of_one_instrument_are_merged_by_time() {
        let power = series(
            "K-1",
            "power_w",
            &[(0, Some(1.0)), (20, None), (30, Some(3.0))],
        );
        let alarm = series("K-1", "alarm", &[(10, Some(0.0)), (30, Some(1.0))]);
        let resolved = resolve_at(&[power, alarm], 5_000);
        let (_, rows) = &resolved.rows[0];
        assert_eq!(rows.times_ms(), [5_000, 5_010, 5_020, 5_030]);
        let cells: Vec<Vec<Cell>> = (0..4)
            .map(|row| rows.row(row).map(|(_, cell)| cell).collect())
            .collect();
        assert_eq!(cells[0], [Cell::Good(1.0), Cell::Absent]);
        assert_eq!(cells[1], [Cell::Absent, Cell::Good(0.0)]);
        assert_eq!(cells[2], [Cell::Bad(Quality::Timeout), Cell::Absent]);
        assert_eq!(cells[3], [Cell::Good(3.0), Cell::Good(1.0)]);
    }

    #[test]
    fn values_that_no_instrument_has_are_bad_and_told() {
        let bound = wire::VALUE_MAGNITUDE_MAX;
        let values = [bound, -bound, 1.1e15, -1e300, f64::MAX];
        let points: Vec<_> = (0..)
            .zip(values)
            .map(|(at, value)| (at, Some(value)))
            .collect();
        let resolved = resolve_at(&[series("K-1", "power_w", &points)], 5_000);
        let (_, rows) = &resolved.rows[0];
        let cells: Vec<Cell> = (0..5)
            .flat_map(|row| rows.row(row).map(|(_, cell)| cell))
            .collect();
        let bad = Cell::Bad(Quality::OutOfRange);
        assert_eq!(
            cells,
            [Cell::Good(bound), Cell::Good(-bound), bad, bad, bad]
        );
        assert_eq!(resolved.refusals.len(), 1);
        assert_eq!(resolved.refusals[0].reason, "implausible_value");
        let detail = &resolved.refusals[0].detail;
        assert!(detail.starts_with("3 values of instrument K-1"), "{detail}");
    }

    #[test]
    fn impossible_times_are_left_out_and_told() {
        let wish = series(
            "K-1",
            "power_w",
            &[(-6_000, Some(1.0)), (0, Some(2.0)), (6_000, Some(3.0))],
        );
        let resolved = resolve_at(&[wish], 5_000);
        assert_eq!(resolved.rows[0].1.times_ms(), [5_000]);
        let reasons: Vec<&str> = resolved.refusals.iter().map(|one| one.reason).collect();
        assert_eq!(reasons, ["too_old", "future_time"]);
    }
}
