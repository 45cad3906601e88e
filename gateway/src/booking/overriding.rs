//! Rules set aside by somebody with the authority, with a reason that is kept.

use std::sync::Arc;

use scheduler::facts::SetAside;
use scheduler::id::BookingId;
use scheduler::refusal::{Overrider, Refusal};

use super::asking::Asked;
use super::command::Overriding;
use super::group::Group;
use super::judge::Manner;
use super::making::Judged;
use super::record::Override;

/// What an override is said to set aside when somebody would have to say yes: who has the authority
/// over rules is who would be asked.
const APPROVAL: &str = "approval";

/// Returns what these authorities set aside of what refuses.
#[must_use]
pub fn set_aside_by(refusals: &[Refusal], authority: &[Overrider]) -> Vec<SetAside> {
    let one = |refusal: &Refusal| {
        let mut authority = authority.iter();
        let by = authority.find(|by| refusal.override_by.contains(by))?;
        Some(SetAside {
            rule: refusal.rule,
            by: *by,
        })
    };
    refusals.iter().filter_map(one).collect()
}

/// Returns true if these authorities set everything aside that refuses; what is free of refusals has
/// nothing to set aside.
#[must_use]
pub fn is_overridable(refusals: &[Refusal], authority: &[Overrider]) -> bool {
    let may = |refusal: &Refusal| authority.iter().any(|by| refusal.override_by.contains(by));
    !refusals.is_empty() && refusals.iter().all(may)
}

impl Group<'_> {
    /// Judges a wish, without the rules that somebody with the authority sets aside. Returns what
    /// was set aside, as the API names it; when that does not help, every reason there was.
    pub(super) fn judged_over(
        &mut self,
        asked: &Asked<'_>,
        manner: Manner,
        overriding: Option<&Overriding>,
    ) -> Option<(Judged, Vec<String>)> {
        let first = self.judged_in(asked, manner)?;
        let lab = self.directory.instruments.get(&asked.instrument)?.lab;
        let authority =
            overriding.map_or(Vec::new(), |over| self.directory.overriders(over.by, lab));
        if authority.is_empty() {
            return Some((first, Vec::new()));
        }
        let (mut judged, mut rules) = match &first.outcome {
            Ok(_) => (first, Vec::new()),
            Err(refused) => {
                let aside = set_aside_by(&refused.refusals, &authority);
                let mut rules: Vec<String> = Vec::new();
                for aside in &aside {
                    let rule = aside.rule.as_str();
                    if rules.iter().all(|named| named != rule) {
                        rules.push(rule.to_owned());
                    }
                }
                let set_aside = [asked.set_aside, &aside].concat();
                let asked = Asked {
                    set_aside: &set_aside,
                    ..*asked
                };
                let second = self.judged_in(&asked, manner)?;
                if second.outcome.is_err() {
                    return Some((first, Vec::new()));
                }
                (second, rules)
            }
        };
        if let Ok(placed) = &mut judged.outcome
            && placed.needs_approval
        {
            placed.needs_approval = false;
            rules.push(APPROVAL.to_owned());
        }
        Some((judged, rules))
    }

    /// Keeps what was set aside for a booking, by whom and why.
    pub(super) fn note_override(
        &mut self,
        booking: BookingId,
        overriding: Option<&Overriding>,
        rules: Vec<String>,
    ) {
        let Some(Overriding { by, reason }) = overriding.filter(|_| !rules.is_empty()) else {
            return;
        };
        let overrides = &mut self.writes.ledger.overrides;
        let noted = Override {
            id: overrides.next_id(),
            booking,
            by: *by,
            at: self.now,
            reason: reason.clone(),
            rules,
        };
        overrides.put(Arc::new(noted));
    }
}
