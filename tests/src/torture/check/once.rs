//! A wish that is repeated under one key is one wish: one booking, one answer.

use std::collections::HashMap;

use super::{Fault, Finding};
use crate::torture::history::{Answer, Call, Heard, Operation};
use crate::torture::record::Record;

/// Checks keys and tags.
pub(super) fn check(operations: &[&Operation], record: &Record, findings: &mut Vec<Finding>) {
    let mut rows: HashMap<&str, Vec<i64>> = HashMap::new();
    for row in &record.bookings {
        rows.entry(&row.tag).or_default().push(row.id);
    }
    for (tag, ids) in rows.iter().filter(|(_, ids)| ids.len() > 1) {
        let text = format!("the wish {tag} made the bookings {ids:?}");
        findings.push(Finding::new(Fault::Twice, text));
    }
    let mut answers: HashMap<&str, i64> = HashMap::new();
    for operation in operations {
        let Call::Book { tag, key, .. } = &operation.call else {
            continue;
        };
        match &operation.heard {
            Heard::Ok(_) if tag != key => {
                let text = format!("{key} is the key of another wish: {operation:?}");
                findings.push(Finding::new(Fault::Twice, text));
            }
            Heard::Ok(Answer::Booking { id, .. }) => {
                let first = *answers.entry(tag).or_insert(*id);
                if first != *id {
                    let text = format!("{tag} was answered {first} and {id}");
                    findings.push(Finding::new(Fault::Twice, text));
                }
            }
            Heard::Refused(refusal) if tag != key && refusal.status != 422 => {
                let text = format!("the key of another wish went unseen: {operation:?}");
                findings.push(Finding::new(Fault::Twice, text));
            }
            Heard::Refused(_) if tag == key && answers.contains_key(tag.as_str()) => {
                let text = format!("a wish that was granted is refused later: {operation:?}");
                findings.push(Finding::new(Fault::Twice, text));
            }
            _ => {}
        }
    }
}
