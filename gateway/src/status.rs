//! The shown status: what people see of an instrument, one pure function.

/// What the machine does, as its state rule derives it from telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MachineState {
    /// There never was a reading.
    Unknown,
    /// Readings should come and do not.
    Offline(OfflineReason),
    /// Without power.
    Off,
    /// Powered, not working.
    Standby,
    /// Working.
    Running,
    /// Reports a fault.
    Fault,
}

/// Why there are no readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfflineReason {
    /// The agent is gone (its last will, or silence).
    Agent,
    /// The agent is there, its connection to the device is not.
    Link,
    /// The device does not answer, or answers without a value.
    Device,
}

impl MachineState {
    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Offline(_) => "offline",
            Self::Off => "off",
            Self::Standby => "standby",
            Self::Running => "running",
            Self::Fault => "fault",
        }
    }

    /// Returns why it is offline, if it is.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Offline(OfflineReason::Agent) => Some("agent"),
            Self::Offline(OfflineReason::Link) => Some("link"),
            Self::Offline(OfflineReason::Device) => Some("device"),
            Self::Unknown | Self::Off | Self::Standby | Self::Running | Self::Fault => None,
        }
    }

    /// Parses the stable texts.
    #[must_use]
    pub fn parse(state: &str, reason: Option<&str>) -> Option<Self> {
        match (state, reason) {
            ("unknown", None) => Some(Self::Unknown),
            ("offline", Some("agent")) => Some(Self::Offline(OfflineReason::Agent)),
            ("offline", Some("link")) => Some(Self::Offline(OfflineReason::Link)),
            ("offline", Some("device")) => Some(Self::Offline(OfflineReason::Device)),
            ("off", None) => Some(Self::Off),
            ("standby", None) => Some(Self::Standby),
            ("running", None) => Some(Self::Running),
            ("fault", None) => Some(Self::Fault),
            _ => None,
        }
    }
}

/// What people see. The order of the variants is the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShownStatus {
    /// 维护: an outage claims it now.
    Maintenance,
    /// 故障: the machine reports a fault.
    Fault,
    /// 运行中.
    Running,
    /// 已预约: somebody holds it now.
    Booked,
    /// 离线: readings should come and do not.
    Offline,
    /// 空闲: off or standby.
    Idle,
    /// 无遥测: there never was a reading.
    NoTelemetry,
}

impl ShownStatus {
    /// Every status in order of precedence.
    pub const ALL: [Self; 7] = [
        Self::Maintenance,
        Self::Fault,
        Self::Running,
        Self::Booked,
        Self::Offline,
        Self::Idle,
        Self::NoTelemetry,
    ];

    /// Returns the stable text used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Fault => "fault",
            Self::Running => "running",
            Self::Booked => "booked",
            Self::Offline => "offline",
            Self::Idle => "idle",
            Self::NoTelemetry => "no_telemetry",
        }
    }
}

/// Returns what people see: the first that holds of maintenance, fault, running, booked, offline,
/// idle, no telemetry.
#[must_use]
pub fn shown(outage_now: bool, machine: MachineState, booked_now: bool) -> ShownStatus {
    match machine {
        _ if outage_now => ShownStatus::Maintenance,
        MachineState::Fault => ShownStatus::Fault,
        MachineState::Running => ShownStatus::Running,
        _ if booked_now => ShownStatus::Booked,
        MachineState::Offline(_) => ShownStatus::Offline,
        MachineState::Off | MachineState::Standby => ShownStatus::Idle,
        MachineState::Unknown => ShownStatus::NoTelemetry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINES: [MachineState; 8] = [
        MachineState::Unknown,
        MachineState::Offline(OfflineReason::Agent),
        MachineState::Offline(OfflineReason::Link),
        MachineState::Offline(OfflineReason::Device),
        MachineState::Off,
        MachineState::Standby,
        MachineState::Running,
        MachineState::Fault,
    ];

    #[test]
    fn the_first_that_holds_is_shown() {
        for machine in MACHINES {
            for (outage, booked) in [(false, false), (false, true), (true, false), (true, true)] {
                let offline = matches!(machine, MachineState::Offline(_));
                let idle = matches!(machine, MachineState::Off | MachineState::Standby);
                let holds = [
                    (outage, ShownStatus::Maintenance),
                    (machine == MachineState::Fault, ShownStatus::Fault),
                    (machine == MachineState::Running, ShownStatus::Running),
                    (booked, ShownStatus::Booked),
                    (offline, ShownStatus::Offline),
                    (idle, ShownStatus::Idle),
                    (true, ShownStatus::NoTelemetry),
                ];
                let expected = holds.into_iter().find(|(holds, _)| *holds).unwrap().1;
                assert_eq!(shown(outage, machine, booked), expected);
            }
        }
    }

    #[test]
    fn texts_come_back() {
        for machine in MACHINES {
            assert_eq!(
                MachineState::parse(machine.as_str(), machine.reason()),
                Some(machine)
            );
        }
    }
}
