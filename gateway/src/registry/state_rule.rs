//! How machine state follows from readings: the rule as set for an instrument. Data only; the fold
//! that applies it is `telemetry::state`, its JSON form is `json::state_rule`.

use wire::ChannelName;

use crate::status::MachineState;

/// Most comparisons of a rule: all of them are made for each reading.
pub const RULE_LEAVES_MAX: usize = 128;

/// Most channels that one rule looks at.
pub const RULE_CHANNELS_MAX: usize = 16;

/// The shortest silence that a rule can call offline, in milliseconds.
pub const STALE_AFTER_MS_MIN: i64 = 1_000;

/// A state that a rule can name. Silence is no rule's matter: who does not report is offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Without power.
    Off,
    /// Powered, not working.
    Standby,
    /// Working.
    Running,
    /// Reports a fault.
    Fault,
}

impl Level {
    /// Returns the machine state.
    #[must_use]
    pub const fn state(self) -> MachineState {
        match self {
            Self::Off => MachineState::Off,
            Self::Standby => MachineState::Standby,
            Self::Running => MachineState::Running,
            Self::Fault => MachineState::Fault,
        }
    }
}

/// How machine state follows from readings.
///
/// First the judgement says which state the newest values stand for; an alarm makes it a fault. A
/// change counts after it has lasted the dwell time of the state it leads to.
///
/// **Hysteresis** looks at the state that was decided last, not at what a value once passed: a
/// threshold is left later than it is entered while its state holds. So a rule has no memory of its
/// own, and a restart or a re-run over history goes on where the decisions stand.
#[derive(Debug, Clone, PartialEq)]
pub struct StateRule {
    /// Which state the newest values stand for.
    pub judgement: Judgement,
    /// Any of them is a fault, whatever else holds; at most 8.
    pub alarms: Vec<Alarm>,
    /// How long a change must last.
    pub dwell: Dwell,
    /// Silence longer than this is offline, in milliseconds; 1 s to one day. None: by the interval
    /// that the agent itself promises.
    pub stale_after_ms: Option<i64>,
    /// What a lasting fault does to bookings; none: nothing.
    pub on_fault: Option<FaultPolicy>,
}

/// Which state the newest values stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Thresholds of one channel.
    Levels(Levels),
    /// A channel that is a number of a table.
    Register(Register),
    /// The first case that holds.
    Cases(Cases),
}

/// Thresholds of one channel: off, standby, running.
///
/// Above `running_above` it runs, below `running_below` no longer; not running, at or above
/// `standby_above` it is in standby, below `standby_below` off. Between two of a kind the state
/// stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// The channel that tells, usually `power_w`.
    pub channel: ChannelName,
    /// Upper threshold, in the channel's unit.
    pub running_above: f64,
    /// Lower threshold, not above the upper one.
    pub running_below: f64,
    /// Threshold from off to standby; `None`: whatever does not run is standby.
    pub standby_above: Option<f64>,
    /// Threshold from standby to off, not above the other; `None`: the same.
    pub standby_below: Option<f64>,
}

/// A status register: whole numbers, each of which stands for a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// The channel that holds it.
    pub channel: ChannelName,
    /// What its values mean; at most 64 entries, none overlaps another.
    pub table: Vec<Meaning>,
    /// What any other value means; `None`: the state stays.
    pub otherwise: Option<Level>,
}

/// Values `from..=to` of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The first value.
    pub from: i64,
    /// The last value.
    pub to: i64,
    /// What they mean.
    pub level: Level,
}

/// An ordered list: the first case that holds decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Cases {
    /// At most 16.
    pub cases: Vec<Case>,
    /// What none of them is.
    pub otherwise: Level,
}

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The state it leads to.
    pub level: Level,
    /// When it holds.
    pub when: Condition,
}

/// A condition on newest values. The order of parts of `All` and `Any` makes no difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A value above `enter`; while the case's state holds, not below `leave`.
    Above(Threshold),
    /// A value below `enter`; while the case's state holds, not above `leave`.
    Below(Threshold),
    /// A whole number that is one of these.
    OneOf(ChannelName, Vec<i64>),
    /// A whole number in which any of the mask's bits is set.
    Bits(ChannelName, u64),
    /// Each of them.
    All(Vec<Self>),
    /// Any of them.
    Any(Vec<Self>),
    /// Not that one.
    Not(Box<Self>),
}

/// A threshold with its hysteresis.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Of which channel.
    pub channel: ChannelName,
    /// Where it begins to hold, in the channel's unit.
    pub enter: f64,
    /// Where it ceases to hold.
    pub leave: f64,
}

/// A channel that tells of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The channel.
    pub channel: ChannelName,
    /// Bits of a whole number that are faults; `None`: any value other than 0 is.
    pub mask: Option<u64>,
}

/// How long a change must last until it counts, in milliseconds; each 0 to one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dwell {
    /// A change to any state.
    pub any_ms: i64,
    /// A change to off, if that differs.
    pub off_ms: Option<i64>,
    /// A change to standby, if that differs.
    pub standby_ms: Option<i64>,
    /// A change to running, if that differs.
    pub running_ms: Option<i64>,
    /// A change to a fault, if that differs.
    pub fault_ms: Option<i64>,
}

impl Dwell {
    /// Returns the same time for every change.
    #[must_use]
    pub const fn of(any_ms: i64) -> Self {
        Self {
            any_ms,
            off_ms: None,
            standby_ms: None,
            running_ms: None,
            fault_ms: None,
        }
    }

    /// Returns how long a change to a state must last; silence has times of its own.
    #[must_use]
    pub fn to(&self, state: MachineState) -> i64 {
        let own = match state {
            MachineState::Off => self.off_ms,
            MachineState::Standby => self.standby_ms,
            MachineState::Running => self.running_ms,
            MachineState::Fault => self.fault_ms,
            MachineState::Unknown | MachineState::Offline(_) => None,
        };
        own.unwrap_or(self.any_ms)
    }

    /// Returns the longest of them.
    #[must_use]
    pub fn longest(&self) -> i64 {
        let own = [self.off_ms, self.standby_ms, self.running_ms, self.fault_ms];
        let own = own.into_iter().flatten();
        own.max().unwrap_or(0).max(self.any_ms)
    }
}

/// What a lasting fault does: it opens an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultPolicy {
    /// How long the fault must have been held, in milliseconds; 0 to one day.
    pub after_ms: i64,
    /// How far ahead the expected end lies, in milliseconds; 10 minutes to 30 days. The end moves on
    /// by as much for as long as the fault lasts.
    pub expected_ms: i64,
    /// How long the fault must be gone before the outage is over, in milliseconds; 0 to 7 days.
    pub clear_ms: i64,
    /// Whether it then ends by itself; else the managers are told, and end it.
    pub ends_itself: bool,
}

impl StateRule {
    /// Returns the rule of an instrument nobody has set one for: running above 100 W.
    ///
    /// # Panics
    /// Never: the built-in channel name is valid.
    #[must_use]
    pub fn standard() -> Self {
        let levels = Levels {
            channel: ChannelName::parse("power_w").expect("the built-in name is valid"),
            running_above: 100.0,
            running_below: 80.0,
            standby_above: Some(5.0),
            standby_below: None,
        };
        Self::of_levels(levels, 10_000, 30_000)
    }

    /// Returns a rule of thresholds alone.
    #[must_use]
    pub fn of_levels(levels: Levels, dwell_ms: i64, stale_after_ms: i64) -> Self {
        Self {
            judgement: Judgement::Levels(levels),
            alarms: Vec::new(),
            dwell: Dwell::of(dwell_ms),
            stale_after_ms: Some(stale_after_ms),
            on_fault: None,
        }
    }

    /// Returns the channels it looks at, each once, in the order in which it names them.
    #[must_use]
    pub fn channels(&self) -> Vec<&ChannelName> {
        let mut found = Vec::with_capacity(2);
        match &self.judgement {
            Judgement::Levels(levels) => add(&mut found, &levels.channel),
            Judgement::Register(register) => add(&mut found, &register.channel),
            Judgement::Cases(cases) => {
                for case in &cases.cases {
                    case.when.name_channels(&mut found);
                }
            }
        }
        for alarm in &self.alarms {
            add(&mut found, &alarm.channel);
        }
        found
    }
}

fn add<'r>(found: &mut Vec<&'r ChannelName>, channel: &'r ChannelName) {
    if !found.contains(&channel) {
        found.push(channel);
    }
}

impl Condition {
    /// Returns how many comparisons it makes at most.
    #[must_use]
    pub fn leaves(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::leaves).sum(),
            Self::Not(part) => part.leaves(),
            Self::Above(_) | Self::Below(_) | Self::OneOf(..) | Self::Bits(..) => 1,
        }
    }

    /// Adds the channels it looks at.
    fn name_channels<'r>(&'r self, found: &mut Vec<&'r ChannelName>) {
        match self {
            Self::Above(threshold) | Self::Below(threshold) => add(found, &threshold.channel),
            Self::OneOf(channel, _) | Self::Bits(channel, _) => add(found, channel),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.name_channels(found);
                }
            }
            Self::Not(part) => part.name_channels(found),
        }
    }
}
