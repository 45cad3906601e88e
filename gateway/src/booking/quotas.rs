//! Sums of what quotas limit, kept in step with rules, instruments and bookings.
//!
//! A booking adds its charges when it comes and removes them when it goes
//! ([`Ledger::account`]). When what is charged changes, everything is summed anew, under the
//! directory that is about to be committed.

use std::sync::Arc;

use scheduler::policy::RuleBody;
use scheduler::quota::{Ledger as UsageLedger, Period};
use scheduler::time::{Micros, Span};
use sqlx::{Any, Transaction};

use super::command::RegistryEdit;
use super::desk::Desk;
use super::group::Policies;
use super::ledger::Ledger;
use super::load::FACTS_KEPT;
use super::record::Booking;
use crate::registry::{Directory, Instrument};
use crate::store::{self, StoreError};

/// How far back a civil year can reach.
const YEAR: Span = Span::days(367);

/// How long sums are kept: longer than any period lasts in which somebody can still book.
pub(super) const SUMS_KEPT: Span = Span::days(800);

impl Desk {
    /// Returns the sums anew, if an edit may change what some booking charges.
    pub(super) async fn sums_after(
        &self,
        edit: &RegistryEdit,
        after: &Directory,
    ) -> Result<Option<UsageLedger>, StoreError> {
        let before = self.directory.load();
        let is_touched = changes_charges(edit, &before);
        if !is_touched || !(has_quota(&before, any_period) || has_quota(after, any_period)) {
            return Ok(None);
        }
        let now = self.clock.now();
        let kept_since = now.saturating_sub(FACTS_KEPT);
        let mut sums = Ledger::default();
        let mut policies = Policies::default();
        let mut add = |booking: &Booking| sum(&mut sums, &mut policies, after, booking);
        for booking in self.shelf.bookings() {
            if booking.slot.end() >= kept_since {
                add(&booking);
            }
        }
        let mut tx = self.database.begin().await?;
        store::each_older(&mut tx, (kept_since, summed_since(after, now)), &mut add).await?;
        Ok(Some(sums.usage))
    }

    /// Adds what bookings of an instrument, read again, changed against those that were held.
    pub(super) fn account_again(&mut self, directory: &Directory, bookings: &[Arc<Booking>]) {
        let kept_since = self.clock.now().saturating_sub(FACTS_KEPT);
        let mut ledger = Ledger::clone(&self.ledger.load());
        for booking in bookings {
            let before = self.shelf.booking(booking.id);
            if before.as_ref() == Some(booking) || booking.slot.end() < kept_since {
                continue;
            }
            let change = (before.as_deref(), &**booking);
            account(&mut ledger, &mut self.policies, directory, change);
        }
        self.ledger.store(Arc::new(ledger));
    }
}

/// Brings a ledger from what a booking was to what it is.
pub(super) fn account(
    ledger: &mut Ledger,
    policies: &mut Policies,
    directory: &Directory,
    (before, after): (Option<&Booking>, &Booking),
) {
    match directory.instruments.get(&after.instrument) {
        Some(instrument) => {
            let (policy, _) = policies.of(directory, after.instrument);
            ledger.account(directory, (instrument, &policy), (before, after));
        }
        None => ledger.agenda.follow(before, after),
    }
}

/// Adds what bookings that are no longer held still count for: quotas of the year, and what
/// projects have used in all.
pub(super) async fn sum_older(
    tx: &mut Transaction<'static, Any>,
    (ledger, policies): (&mut Ledger, &mut Policies),
    directory: &Directory,
    now: Micros,
) -> Result<(), StoreError> {
    let between = (now.saturating_sub(FACTS_KEPT), summed_since(directory, now));
    let mut add = |booking: &Booking| sum(ledger, policies, directory, booking);
    store::each_older(tx, between, &mut add).await
}

fn sum(ledger: &mut Ledger, policies: &mut Policies, directory: &Directory, booking: &Booking) {
    if let Some(instrument) = directory.instruments.get(&booking.instrument) {
        let (policy, _) = policies.of(directory, booking.instrument);
        ledger.sum(directory, (instrument, &policy), booking, true);
    }
}

/// Returns since when bookings count for quotas: before that, nothing does.
fn summed_since(directory: &Directory, now: Micros) -> Micros {
    let is_year = |period| period == Period::Year;
    let reach = if has_quota(directory, is_year) {
        YEAR
    } else {
        FACTS_KEPT
    };
    now.saturating_sub(reach)
}

fn any_period(_: Period) -> bool {
    true
}

fn has_quota(directory: &Directory, of: impl Fn(Period) -> bool) -> bool {
    let mut rules = directory.rules.values().flat_map(|set| &set.rules);
    rules.any(|rule| matches!(rule.body, RuleBody::Quota { period, .. } if of(period)))
}

/// Returns true if an edit may change what some booking charges: its rules, its place on the tree,
/// its zone, where its member belongs.
fn changes_charges(edit: &RegistryEdit, before: &Directory) -> bool {
    match edit {
        RegistryEdit::SetRules(..)
        | RegistryEdit::RemoveInstrument(..)
        | RegistryEdit::ReplaceMember(_)
        | RegistryEdit::ReplaceNode(..) => true,
        RegistryEdit::ReplaceInstrument(after) => {
            let moved = |held: &Instrument| (held.lab, held.zone) != (after.lab, after.zone);
            before.instruments.get(&after.id).is_some_and(moved)
        }
        RegistryEdit::AddInstrument(_)
        | RegistryEdit::AddAgent(_)
        | RegistryEdit::AddAgentFor(..)
        | RegistryEdit::RemoveAgent(_)
        | RegistryEdit::AddToken(..)
        | RegistryEdit::RemoveToken(..)
        | RegistryEdit::AddMember(_)
        | RegistryEdit::AddNode(_)
        | RegistryEdit::ChangePassword(_)
        | RegistryEdit::AddSession(..)
        | RegistryEdit::AddSource(_)
        | RegistryEdit::RemoveSource(_)
        | RegistryEdit::AddMapping(_)
        | RegistryEdit::ReplaceMapping(_)
        | RegistryEdit::RemoveMapping(..)
        | RegistryEdit::RemoveSession(_) => false,
    }
}
