//! Runs: when a machine ran, whose it was, on what evidence.

use scheduler::id::{BookingId, InstrumentId, MemberId, NodeId, ProjectId, RunId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use super::words;
use crate::store::{Held, Record, StoreError, Value, get, instrument_of, moment_of, word_of};

words! {
    /// Whose time a run was.
    RunKind {
        /// Within its booking.
        Booked = "booked",
        /// Past the end of its booking.
        Overrun = "overrun",
        /// Of no booking.
        Unbooked = "unbooked",
        /// Entered by hand.
        Declared = "declared",
    }
}

words! {
    /// What shows that it was.
    Evidence {
        /// The machine's own readings.
        Machine = "machine",
        /// Somebody checked in.
        CheckIn = "check_in",
        /// Somebody said so.
        Declared = "declared",
    }
}

words! {
    /// Where a run stands.
    RunState {
        /// It still goes on, or later readings may still change it.
        Open = "open",
        /// It is over and counted.
        Counted = "counted",
        /// Somebody has to settle it: an unbooked run, use entered by hand, an uncertain clock.
        Unsettled = "unsettled",
        /// It was settled: attributed to somebody, and counted.
        Settled = "settled",
        /// It was rejected, and does not count.
        Rejected = "rejected",
    }
}

/// A stretch of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// Of what.
    pub instrument: InstrumentId,
    /// Its booking.
    pub booking: Option<BookingId>,
    /// Whose it is; none while nobody has settled it.
    pub member: Option<MemberId>,
    /// First moment.
    pub start: Micros,
    /// First moment after it; none while it goes on.
    pub end: Option<Micros>,
    /// Running time in it, microseconds.
    pub running_us: i64,
    /// Whose time it was.
    pub kind: RunKind,
    /// What shows it.
    pub evidence: Evidence,
    /// Whether the agent's clock was uncertain by more than 60 s: never billed without a person.
    pub uncertain: bool,
    /// Where it stands.
    pub state: RunState,
    /// The lab of its day.
    pub lab: NodeId,
    /// The institution of its user; none where nobody is known.
    pub institution: Option<NodeId>,
    /// The project it was for, where no booking says so.
    pub project: Option<ProjectId>,
    /// Who settled it.
    pub settled_by: Option<MemberId>,
    /// Words on it; at most 500 characters.
    pub note: String,
    /// Counts changes, from 1; the `ETag`.
    pub version: i64,
}

impl Record for Run {
    const TABLE: &'static str = "runs";
    const COLUMNS: &'static [&'static str] = &[
        "instrument",
        "booking",
        "member",
        "start_us",
        "end_us",
        "running_us",
        "kind",
        "evidence",
        "uncertain",
        "state",
        "lab",
        "institution",
        "project",
        "settled_by",
        "note",
        "version",
    ];
    const HELD: Held = Held::Recent(
        "end_us IS NULL OR end_us >= $1 OR state = 'open' OR state = 'unsettled'",
        3,
    );

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            i64::from(self.instrument.get()).into(),
            self.booking.map(BookingId::get).into(),
            self.member.map(MemberId::get).into(),
            self.start.get().into(),
            self.end.map(Micros::get).into(),
            self.running_us.into(),
            self.kind.as_str().into(),
            self.evidence.as_str().into(),
            self.uncertain.into(),
            self.state.as_str().into(),
            self.lab.get().into(),
            self.institution.map(NodeId::get).into(),
            self.project.map(ProjectId::get).into(),
            self.settled_by.map(MemberId::get).into(),
            self.note.as_str().into(),
            self.version.into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RunId::new(id),
            instrument: instrument_of(row, Self::TABLE)?,
            booking: get::<Option<i64>>(row, "booking")?.map(BookingId::new),
            member: get::<Option<i64>>(row, "member")?.map(MemberId::new),
            start: Micros::new(get(row, "start_us")?),
            end: moment_of(row, "end_us")?,
            running_us: get(row, "running_us")?,
            kind: word_of(row, (Self::TABLE, "kind"), RunKind::parse)?,
            evidence: word_of(row, (Self::TABLE, "evidence"), Evidence::parse)?,
            uncertain: get::<i64>(row, "uncertain")? != 0,
            state: word_of(row, (Self::TABLE, "state"), RunState::parse)?,
            lab: NodeId::new(get(row, "lab")?),
            institution: get::<Option<i64>>(row, "institution")?.map(NodeId::new),
            project: get::<Option<i64>>(row, "project")?.map(ProjectId::new),
            settled_by: get::<Option<i64>>(row, "settled_by")?.map(MemberId::new),
            note: get(row, "note")?,
            version: get(row, "version")?,
        })
    }
}
