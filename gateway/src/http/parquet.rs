//! Readings as Parquet, for the feature `parquet`.
//!
//! One file a channel. Its key-value metadata names instrument, channel, unit and zone; times are
//! UTC. Readings: `time`, `value` (null where there was none to believe), `quality`. Steps: `time`,
//! `min`, `mean`, `max`, `last`, `count`, `coverage`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use scheduler::time::Span;

use super::readings_table::{Table, coverage};
use crate::history::{RawSeries, StepSeries};

const READINGS: &str = "message readings {
    REQUIRED INT64 time (TIMESTAMP(MILLIS,true));
    OPTIONAL DOUBLE value;
    REQUIRED BYTE_ARRAY quality (STRING);
}";

const STEPS: &str = "message steps {
    REQUIRED INT64 time (TIMESTAMP(MILLIS,true));
    REQUIRED DOUBLE min;
    REQUIRED DOUBLE mean;
    REQUIRED DOUBLE max;
    REQUIRED DOUBLE last;
    REQUIRED INT64 count;
    REQUIRED DOUBLE coverage;
}";

/// Takes what the writer has finished, until it is sent.
#[derive(Debug, Clone, Default)]
struct Finished(Arc<Mutex<Vec<u8>>>);

impl Finished {
    fn take(&self) -> Vec<u8> {
        let mut bytes = self
            .0
            .lock()
            .expect("nobody panics while holding this lock");
        std::mem::take(&mut *bytes)
    }
}

impl Write for Finished {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut finished = self
            .0
            .lock()
            .expect("nobody panics while holding this lock");
        finished.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file on its way: each piece becomes a row group.
pub(super) struct File {
    writer: SerializedFileWriter<Finished>,
    finished: Finished,
}

impl File {
    fn new(schema: &str, table: &Table) -> Result<Self> {
        let pairs = [
            ("instrument", table.instrument.clone()),
            ("channel", table.channel.clone()),
            ("unit", table.unit.clone()),
            ("zone", table.zone.name().to_owned()),
        ];
        let pairs = pairs.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("ortoo".to_owned())
            .set_key_value_metadata(Some(pairs.to_vec()))
            .build();
        let schema = Arc::new(parse_message_type(schema)?);
        let finished = Finished::default();
        let writer = SerializedFileWriter::new(finished.clone(), schema, Arc::new(properties))?;
        Ok(Self { writer, finished })
    }

    /// Begins a file of readings.
    ///
    /// # Errors
    /// Returns the writer's error.
    pub(super) fn of_readings(table: &Table) -> Result<Self> {
        Self::new(READINGS, table)
    }

    /// Adds a piece. Returns the bytes that are finished.
    ///
    /// # Errors
    /// Returns the writer's error.
    pub(super) fn add_readings(&mut self, series: &RawSeries) -> Result<Vec<u8>> {
        let levels: Vec<i16> = series
            .values
            .iter()
            .map(|value| i16::from(value.is_some()))
            .collect();
        let values: Vec<f64> = series.values.iter().flatten().copied().collect();
        let mut bad = series.bad.iter().peekable();
        let quality = series.times_ms.iter().map(|time_ms| {
            let reason = bad.next_if(|(at, _)| at == time_ms);
            ByteArray::from(reason.map_or("good", |(_, quality)| quality.as_str()))
        });
        let quality: Vec<ByteArray> = quality.collect();
        let mut group = self.writer.next_row_group()?;
        column::<Int64Type>(&mut group, &series.times_ms, None)?;
        column::<DoubleType>(&mut group, &values, Some(&levels))?;
        column::<ByteArrayType>(&mut group, &quality, None)?;
        group.close()?;
        Ok(self.finished.take())
    }

    /// Ends it. Returns the last bytes.
    ///
    /// # Errors
    /// Returns the writer's error.
    pub(super) fn end(self) -> Result<Vec<u8>> {
        self.writer.close()?;
        Ok(self.finished.take())
    }
}

/// Returns a whole file of steps.
///
/// # Errors
/// Returns the writer's error.
pub(super) fn steps(table: &Table, series: &StepSeries, step: Span) -> Result<Vec<u8>> {
    let mut file = File::new(STEPS, table)?;
    let counts = series.count.iter();
    let counts: Vec<i64> = counts
        .map(|count| i64::try_from(*count).unwrap_or(i64::MAX))
        .collect();
    let mut group = file.writer.next_row_group()?;
    column::<Int64Type>(&mut group, &series.times_ms, None)?;
    for values in [&series.min, &series.mean, &series.max, &series.last] {
        column::<DoubleType>(&mut group, values, None)?;
    }
    column::<Int64Type>(&mut group, &counts, None)?;
    column::<DoubleType>(&mut group, &coverage(&series.good_ms, step), None)?;
    group.close()?;
    file.end()
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Finished>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono_tz::Tz;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    use wire::Quality;

    use super::*;

    fn table() -> Table {
        Table {
            instrument: "A-1".to_owned(),
            channel: "power_w".to_owned(),
            unit: "W".to_owned(),
            zone: Tz::Asia__Shanghai,
        }
    }

    #[test]
    fn a_file_of_several_pieces_can_be_read() {
        let mut file = File::of_readings(&table()).unwrap();
        let series = RawSeries {
            times_ms: vec![1_000, 2_000],
            values: vec![Some(1.5), None],
            bad: vec![(2_000, Quality::Timeout)],
        };
        let mut bytes = file.add_readings(&series).unwrap();
        bytes.extend(file.add_readings(&series).unwrap());
        bytes.extend(file.end().unwrap());
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[2].get_timestamp_millis(0).unwrap(), 1_000);
        assert!((rows[0].get_double(1).unwrap() - 1.5).abs() < 1e-12);
        assert!(rows[1].get_double(1).is_err(), "null");
        assert_eq!(rows[1].get_string(2).unwrap(), "timeout");
    }

    #[test]
    fn steps_are_a_file() {
        let series = StepSeries {
            times_ms: vec![0],
            min: vec![1.0],
            mean: vec![2.0],
            max: vec![3.0],
            last: vec![2.5],
            count: vec![4],
            good_ms: vec![45_000],
        };
        let bytes = steps(&table(), &series, Span::minutes(1)).unwrap();
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
        assert_eq!(row.get_long(5).unwrap(), 4);
        assert!((row.get_double(6).unwrap() - 0.75).abs() < 1e-12);
    }
}
