//! Readings of one instrument as columns: shared times, one column a channel. The form in which
//! readings are merged, kept in tails, compressed into blocks and read again.

use wire::Quality;

/// A channel's number in this store's dictionary, dense from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelNo(pub(super) u16);

impl ChannelNo {
    /// Wraps a number; 0 is none.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }
}

/// Rows that a growing tail makes room for at once. Doubling would leave up to half of what the
/// tails of a region hold unused. Beyond `MANY_ROWS`, which no tail has, room is doubled after all.
const ROOM_ROWS: usize = 32;
const MANY_ROWS: usize = 512;

/// Code of a cell that was not reported at its time at all, unlike one reported as bad.
const ABSENT: u8 = u8::MAX;

/// One cell: a value, a reason for none, or nothing reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// A finite value.
    Good(f64),
    /// No value, and why; never [`Quality::Good`].
    Bad(Quality),
    /// The channel was not reported at this time.
    Absent,
}

/// How the clocks stood when rows were recorded, rounded so that it seldom changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockMark {
    /// Device's wall clock minus mapped time, in tenths of a second.
    pub skew_ds: i32,
    /// Receive time minus the record's mapped time, in whole seconds, rounded down.
    pub lag_s: i32,
    /// How far the mapped time may be off, in tenths of a second, rounded down.
    pub uncertainty_ds: i32,
}

/// A column: quality codes and values, one each a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Column {
    /// Values; 0 where the code says that there is none.
    pub(super) values: Vec<f64>,
    /// Codes, or nothing while all are good, which is the usual case.
    pub(super) codes: Option<Vec<u8>>,
}

/// Rows of one instrument.
///
/// Shape: every column has as many cells as there are times. `marks` gives the row from which each
/// mark holds, ascending; the first is 0 unless there are no rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub(super) times_ms: Vec<i64>,
    pub(super) columns: Vec<(ChannelNo, Column)>,
    pub(super) marks: Vec<(u32, ClockMark)>,
}

/// Returns the code of a quality in stores elsewhere: its position in [`Quality::ALL`].
#[must_use]
pub fn quality_code(quality: Quality) -> u8 {
    code_of(quality)
}

/// Returns the quality of a code; of a code that this release does not know `Other`.
#[must_use]
pub fn quality_of_code(code: u8) -> Quality {
    let known = Quality::ALL.get(usize::from(code));
    known.copied().unwrap_or(Quality::Other)
}

/// Returns the code of a quality: its position in [`Quality::ALL`].
pub(super) fn code_of(quality: Quality) -> u8 {
    let position = Quality::ALL.iter().position(|one| *one == quality);
    position
        .and_then(|position| u8::try_from(position).ok())
        .expect("every quality is listed, and there are few")
}

fn make_room<T>(cells: &mut Vec<T>, more: usize) {
    if cells.capacity() - cells.len() < more && cells.len() < MANY_ROWS {
        // A commit seldom has more than one row of an instrument.
        cells.reserve_exact(more.max(if cells.is_empty() { 1 } else { ROOM_ROWS }));
    }
}

impl Cell {
    pub(super) fn of(code: u8, value: f64) -> Self {
        if code == 0 {
            return Self::Good(value);
        }
        if code == ABSENT {
            return Self::Absent;
        }
        // A code of a newer release is a reason that this one does not know.
        let known = Quality::ALL.get(usize::from(code));
        Self::Bad(known.copied().unwrap_or(Quality::Other))
    }

    pub(super) fn split(self) -> (u8, f64) {
        match self {
            Self::Good(value) => (0, value),
            Self::Bad(quality) => (code_of(quality), 0.0),
            Self::Absent => (ABSENT, 0.0),
        }
    }
}

impl Column {
    fn absent(rows: usize) -> Self {
        Self {
            values: vec![0.0; rows],
            codes: (rows > 0).then(|| vec![ABSENT; rows]),
        }
    }

    fn push(&mut self, cell: Cell) {
        let (code, value) = cell.split();
        if code != 0 && self.codes.is_none() {
            self.codes = Some(vec![0; self.values.len()]);
        }
        if let Some(codes) = &mut self.codes {
            make_room(codes, 1);
            codes.push(code);
        }
        make_room(&mut self.values, 1);
        self.values.push(value);
    }

    pub(super) fn cell(&self, row: usize) -> Cell {
        let code = self
            .codes
            .as_ref()
            .and_then(|codes| codes.get(row))
            .copied()
            .unwrap_or(0);
        self.values
            .get(row)
            .map_or(Cell::Absent, |value| Cell::of(code, *value))
    }

    fn extend(&mut self, other: &Self, from: usize, to: usize) {
        if other.codes.is_some() && self.codes.is_none() {
            self.codes = Some(vec![0; self.values.len()]);
        }
        if let Some(codes) = &mut self.codes {
            make_room(codes, to - from);
            match &other.codes {
                Some(more) => codes.extend(more.iter().skip(from).take(to - from)),
                None => codes.resize(codes.len() + (to - from), 0),
            }
        }
        make_room(&mut self.values, to - from);
        self.values
            .extend(other.values.iter().skip(from).take(to - from));
    }

    fn fill_absent(&mut self, rows: usize) {
        if rows > self.values.len() {
            let codes = self.codes.get_or_insert_with(|| vec![0; self.values.len()]);
            codes.resize(rows, ABSENT);
            self.values.resize(rows, 0.0);
        }
    }
}

impl Rows {
    /// Returns no rows of the given channels, which must differ.
    #[must_use]
    pub fn of_channels(channels: &[ChannelNo]) -> Self {
        Self {
            columns: channels
                .iter()
                .map(|channel| (*channel, Column::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Returns how many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// Returns true if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Returns the times, milliseconds since 1970 UTC.
    #[must_use]
    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// Returns how many cells hold a value or a reason.
    #[must_use]
    pub fn points(&self) -> u64 {
        let of_column = |column: &Column| {
            let reported = |codes: &Vec<u8>| {
                let absent = codes.iter().map(|code| usize::from(*code == ABSENT));
                codes.len() - absent.sum::<usize>()
            };
            column.codes.as_ref().map_or(column.values.len(), reported)
        };
        let points: usize = self
            .columns
            .iter()
            .map(|(_, column)| of_column(column))
            .sum();
        u64::try_from(points).unwrap_or(u64::MAX)
    }

    /// Adds a row; `cells` has one entry for each column, in their order.
    pub fn push(&mut self, time_ms: i64, cells: impl IntoIterator<Item = Cell>, mark: ClockMark) {
        self.mark(self.times_ms.len(), mark);
        self.times_ms.push(time_ms);
        let mut cells = cells.into_iter();
        for (_, column) in &mut self.columns {
            column.push(cells.next().unwrap_or(Cell::Absent));
        }
    }

    /// Returns a cell; absent when there is no such channel or row.
    #[must_use]
    pub fn cell(&self, channel: ChannelNo, row: usize) -> Cell {
        self.column(channel)
            .map_or(Cell::Absent, |column| column.cell(row))
    }

    /// Returns each channel and its cell in a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (ChannelNo, Cell)> {
        self.columns
            .iter()
            .map(move |(channel, column)| (*channel, column.cell(row)))
    }

    pub(super) fn column(&self, channel: ChannelNo) -> Option<&Column> {
        let found = self.columns.iter().find(|(number, _)| *number == channel);
        found.map(|(_, column)| column)
    }

    /// Returns the rows recorded while a condition on the clocks held, as ranges of their numbers.
    pub(super) fn ranges_where(
        &self,
        holds: impl Fn(&ClockMark) -> bool,
    ) -> Vec<std::ops::Range<usize>> {
        let number = |row: u32| usize::try_from(row).unwrap_or(usize::MAX);
        let ends = self.marks.iter().skip(1).map(|(start, _)| number(*start));
        let ends = ends.chain([self.len()]);
        let ranges = self.marks.iter().zip(ends);
        ranges
            .filter(|((_, mark), _)| holds(mark))
            .map(|((start, _), end)| number(*start)..end)
            .collect()
    }

    /// Appends rows `[from, to)` of `other`. Columns that one side lacks are absent there.
    pub(super) fn append(&mut self, other: &Self, from: usize, to: usize) {
        let to = to.min(other.len());
        if from >= to {
            return;
        }
        let before = self.times_ms.len();
        for (start, mark) in other.marks_between(from, to) {
            self.mark(before + start, mark);
        }
        make_room(&mut self.times_ms, to - from);
        self.times_ms
            .extend(other.times_ms.iter().skip(from).take(to - from));
        for (channel, column) in &other.columns {
            let own = self.column_or_absent(*channel, before);
            own.extend(column, from, to);
        }
        let rows = self.times_ms.len();
        for (_, column) in &mut self.columns {
            column.fill_absent(rows);
        }
    }

    /// Returns the rows in ascending order of time; among equal times the later received comes
    /// later.
    pub(super) fn sorted(self) -> Self {
        if self.times_ms.is_sorted() {
            return self;
        }
        let mut order: Vec<(i64, usize)> = self.times_ms.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let channels: Vec<ChannelNo> = self.columns.iter().map(|(number, _)| *number).collect();
        let mut sorted = Self::of_channels(&channels);
        for (time_ms, row) in order {
            let cells: Vec<Cell> = self.row(row).map(|(_, cell)| cell).collect();
            sorted.push(time_ms, cells, self.mark_of(row));
        }
        sorted
    }

    /// Returns the mark that holds for a row.
    pub(super) fn mark_of(&self, row: usize) -> ClockMark {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let after = self.marks.partition_point(|(start, _)| *start <= row);
        let last = after.checked_sub(1).and_then(|at| self.marks.get(at));
        last.map_or(ClockMark::default(), |(_, mark)| *mark)
    }

    /// Returns the marks that hold in rows `[from, to)`, with starts counted from `from`.
    fn marks_between(&self, from: usize, to: usize) -> Vec<(usize, ClockMark)> {
        let mut marks = vec![(0, self.mark_of(from))];
        for (start, mark) in &self.marks {
            let start = usize::try_from(*start).unwrap_or(usize::MAX);
            if start > from && start < to {
                marks.push((start - from, *mark));
            }
        }
        marks
    }

    fn mark(&mut self, row: usize, mark: ClockMark) {
        if self.marks.last().is_none_or(|(_, last)| *last != mark) {
            self.marks
                .push((u32::try_from(row).unwrap_or(u32::MAX), mark));
        }
    }

    fn column_or_absent(&mut self, channel: ChannelNo, rows: usize) -> &mut Column {
        let found = self
            .columns
            .iter()
            .position(|(number, _)| *number == channel);
        let at = found.unwrap_or_else(|| {
            self.columns.push((channel, Column::absent(rows)));
            self.columns.len() - 1
        });
        let (_, column) = self
            .columns
            .get_mut(at)
            .expect("it was found or just added");
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ChannelNo = ChannelNo(1);
    const B: ChannelNo = ChannelNo(2);

    fn mark(lag_s: i32) -> ClockMark {
        ClockMark {
            lag_s,
            ..ClockMark::default()
        }
    }

    #[test]
    fn what_one_side_lacks_is_absent() {
        let mut rows = Rows::of_channels(&[A]);
        rows.push(1, [Cell::Good(1.0)], mark(0));
        let mut more = Rows::of_channels(&[B]);
        more.push(2, [Cell::Bad(Quality::Timeout)], mark(0));
        more.push(3, [Cell::Good(3.0)], mark(9));
        rows.append(&more, 0, 2);
        assert_eq!(rows.cell(A, 0), Cell::Good(1.0));
        assert_eq!(rows.cell(B, 0), Cell::Absent);
        assert_eq!(rows.cell(A, 2), Cell::Absent);
        assert_eq!(rows.cell(B, 1), Cell::Bad(Quality::Timeout));
        assert_eq!(rows.cell(B, 2), Cell::Good(3.0));
        assert_eq!(rows.marks, [(0, mark(0)), (2, mark(9))]);
        assert_eq!(rows.points(), 3);
    }

    #[test]
    fn sorting_keeps_cells_and_marks_together() {
        let mut rows = Rows::of_channels(&[A]);
        for (time, value, lag) in [(5, 5.0, 1), (2, 2.0, 7), (5, 5.5, 1), (1, 1.0, 7)] {
            rows.push(time, [Cell::Good(value)], mark(lag));
        }
        let rows = rows.sorted();
        assert_eq!(rows.times_ms, [1, 2, 5, 5]);
        let values: Vec<Cell> = (0..4).map(|row| rows.cell(A, row)).collect();
        assert_eq!(values, [1.0, 2.0, 5.0, 5.5].map(Cell::Good));
        assert_eq!(rows.marks, [(0, mark(7)), (2, mark(1))]);
    }
}
