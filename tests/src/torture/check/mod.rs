//! The checker: holds what clients asked and heard against each other and against the database.
//!
//! Pure: it knows nothing of the gateway's code, only what was said and what is written. What got
//! no answer may have been done at any time until the end, unless the database shows that it never
//! was.

mod causes;
mod kept;
mod once;
mod overlap;
mod taken;
#[cfg(test)]
mod tests;
mod timeline;

use super::history::{Heard, Operation};
use super::record::Record;
use timeline::Timeline;

/// Everything there is to check.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What was asked and heard, in any order.
    pub operations: Vec<Operation>,
    /// What the database holds after the run.
    pub record: Record,
    /// The wall clock at the beginning, in milliseconds since 1970.
    pub began_ms: i64,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Two claims of a lane share an instant, or more than the capacity do.
    Overlap,
    /// Something acknowledged is missing or different.
    Lost,
    /// A claim, a booking or an outage that nobody asked for.
    Phantom,
    /// A refusal without a cause, or a yes where there was one.
    Unfounded,
    /// A wish that was repeated under one key was not answered as one.
    Twice,
    /// An answer that must not come at all.
    Unexpected,
}

/// One fault with what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub fault: Fault,
    /// What shows it.
    pub text: String,
}

impl Finding {
    fn new(fault: Fault, text: String) -> Self {
        Self { fault, text }
    }
}

/// Returns everything that is wrong; nothing, if all promises were kept.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut operations: Vec<&Operation> = evidence.operations.iter().collect();
    operations.sort_by_key(|operation| operation.from_us);
    let mut findings = Vec::new();
    let timeline = Timeline::of(&operations, &evidence.record, &mut findings);
    overlap::check_claims(&evidence.record, &mut findings);
    overlap::check_promises(&timeline, &mut findings);
    kept::check(&timeline, &evidence.record, &mut findings);
    once::check(&operations, &evidence.record, &mut findings);
    for operation in operations {
        match &operation.heard {
            Heard::Ok(answer) => {
                causes::check_yes(
                    &timeline,
                    evidence.began_ms,
                    operation,
                    answer,
                    &mut findings,
                );
            }
            Heard::Refused(refusal) => {
                causes::check_no(
                    &timeline,
                    evidence.began_ms,
                    operation,
                    refusal,
                    &mut findings,
                );
            }
            Heard::Unknown(_) => {}
        }
    }
    findings
}
