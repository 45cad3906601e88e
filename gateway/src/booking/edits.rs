//! Edits of the registry: a new directory is built, written, committed, and only then shown.

mod foreign;
mod people;

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId};
use scheduler::time::Micros;

use super::command::{DeskError, RegistryEdit, RegistryOutcome};
use super::commit::Failure;
use super::desk::{Desk, RegistryIds};
use super::group::{Group, Policies};
use super::record::EventKind;
use super::shelf::InstrumentSnapshot;
use crate::registry::{
    AgentEntry, Directory, Instrument, KeyUse, RuleSet, Scope, SecretHash, Source, TokenEntry,
};
use crate::store::{self, Cause, Edit, Writes};

/// An edit that is allowed: the directory after it, what to write, what it answers.
struct Planned {
    directory: Directory,
    edits: Vec<Edit>,
    number: i64,
    instrument: Option<InstrumentId>,
    next: RegistryIds,
    /// Whose sessions end, and the one that does not.
    signed_out: Option<(MemberId, Option<SecretHash>)>,
}

impl Desk {
    /// Serves one edit. After a conflict with somebody who wrote past the desk it is planned once
    /// more, on fresh facts; if it still conflicts, its name is taken.
    pub(super) async fn edit(&mut self, edit: RegistryEdit) -> Result<RegistryOutcome, DeskError> {
        let mut outcome = self.try_edit(edit.clone()).await;
        if matches!(&outcome, Err(failure) if failure.cause == Cause::Conflict) {
            self.must_reload = true;
            outcome = self.try_edit(edit).await;
        }
        match outcome {
            Err(failure) if failure.cause == Cause::Conflict => Ok(RegistryOutcome::Taken),
            // A lab, a parent or a member that is not there.
            Err(failure) if failure.cause == Cause::Missing => Ok(RegistryOutcome::NotFound),
            other => Ok(other?),
        }
    }

    async fn try_edit(&mut self, edit: RegistryEdit) -> Result<RegistryOutcome, Failure> {
        self.ensure_fresh().await?;
        let now = self.clock.now();
        // Signing in and out changes no directory and is nobody else's business: not in the log.
        if let RegistryEdit::AddSession(id, member) = edit {
            let edits = [Edit::PutSession(id, member, now)];
            self.commit(&edits, &Writes::default()).await?;
            self.sessions.begin(id, member, now);
            return Ok(RegistryOutcome::Done(0));
        }
        if let RegistryEdit::RemoveSession(id) = edit {
            let edits = [Edit::DropSession(id)];
            self.commit(&edits, &Writes::default()).await?;
            self.sessions.end(&id);
            return Ok(RegistryOutcome::Done(0));
        }
        let mut retired = None;
        if let RegistryEdit::RemoveInstrument(id, _) = &edit {
            retired = self.key_to_retire(*id).await?;
        }
        let mut planned = match self.plan(edit.clone()) {
            Ok(planned) => planned,
            Err(outcome) => return Ok(outcome),
        };
        planned.directory.retired_keys.extend(retired);
        let sums = self.sums_after(&edit, &planned.directory).await?;
        // What a plan resolved that was not committed must not outlive it: the next plan has the
        // same generation.
        self.policies = Policies::default();
        let mut group = self.group(&planned.directory);
        if let Some(sums) = sums {
            group.writes.ledger.usage = sums;
        }
        group.arrange(planned.instrument);
        let Group {
            next,
            writes,
            touched,
            ..
        } = group;
        self.commit(&planned.edits, &writes).await?;
        self.next = next;
        self.registry_next = planned.next;
        if let Some(id) = planned.instrument
            && !planned.directory.instruments.contains_key(&id)
        {
            self.shelf.remove(id);
        }
        self.directory.store(Arc::new(planned.directory));
        match planned.signed_out {
            Some((member, Some(kept))) => self.sessions.end_others(member, kept),
            Some((member, None)) => self.sessions.end_all(member),
            None => {}
        }
        self.publish(touched, writes);
        Ok(RegistryOutcome::Done(planned.number))
    }

    /// Returns the key of an instrument, as it is kept, if it has a history.
    async fn key_to_retire(&self, id: InstrumentId) -> Result<Option<String>, Failure> {
        let directory = self.directory.load_full();
        let Some(instrument) = directory.instruments.get(&id) else {
            return Ok(None);
        };
        let key = instrument.key.as_str().to_ascii_lowercase();
        let mut tx = self.database.begin().await?;
        let has_history = store::has_history(&mut tx, id).await?;
        Ok(has_history.then_some(key))
    }

    fn plan(&self, edit: RegistryEdit) -> Result<Planned, RegistryOutcome> {
        let mut planned = Planned {
            directory: Directory::clone(&self.directory.load()),
            edits: Vec::new(),
            number: 0,
            instrument: None,
            next: self.registry_next,
            signed_out: None,
        };
        planned.directory.generation += 1;
        match edit {
            RegistryEdit::AddInstrument(instrument) => planned.add_instrument(*instrument)?,
            RegistryEdit::ReplaceInstrument(instrument) => {
                planned.replace_instrument(*instrument)?;
            }
            RegistryEdit::RemoveInstrument(id, version) => {
                let now = self.clock.now();
                // Outages do not keep an instrument: it is often removed because it is out.
                let booked = self.shelf.instrument(id).is_some_and(|held| {
                    held.bookings
                        .values()
                        .any(|booking| booking.slot.end() > now)
                });
                let used = booked || self.ledger.load().has_open(id, now);
                planned.remove_instrument(id, version, used, now)?;
            }
            RegistryEdit::SetRules(scope, set, version) => {
                planned.set_rules(scope, set, version)?;
            }
            RegistryEdit::AddAgent(agent) => planned.add_agent(agent)?,
            RegistryEdit::AddAgentFor(agent, served) => {
                let name = agent.name.clone();
                planned.add_agent(agent)?;
                planned.set_source(&name, &served)?;
            }
            RegistryEdit::RemoveAgent(name) => {
                planned
                    .directory
                    .agents
                    .remove(&name)
                    .ok_or(RegistryOutcome::NotFound)?;
                planned.edits.push(Edit::DropAgent(name));
            }
            RegistryEdit::AddToken(hash, entry) => {
                planned.next.token += 1;
                planned.number = planned.next.token;
                let entry = TokenEntry {
                    id: planned.number,
                    ..entry
                };
                planned.edits.push(Edit::PutToken(hash, entry.clone()));
                planned.directory.tokens.insert(hash, entry);
            }
            RegistryEdit::RemoveToken(member, id) => planned.remove_token(member, id)?,
            RegistryEdit::AddSource(source) => planned.add_source(source)?,
            RegistryEdit::RemoveSource(name) => planned.remove_source(name)?,
            RegistryEdit::AddMapping(entry) => planned.add_mapping(*entry)?,
            RegistryEdit::ReplaceMapping(entry) => planned.replace_mapping(*entry)?,
            RegistryEdit::RemoveMapping(id, version) => planned.remove_mapping(id, version)?,
            RegistryEdit::AddMember(member) => planned.add_member(member)?,
            RegistryEdit::ReplaceMember(member) => planned.replace_member(member)?,
            RegistryEdit::AddNode(node) => planned.add_node(node)?,
            RegistryEdit::ReplaceNode(node, by) => {
                planned.replace_node(node, (by, self.clock.now()))?;
            }
            RegistryEdit::ChangePassword(change) => planned.change_password(change)?,
            RegistryEdit::AddSession(..) | RegistryEdit::RemoveSession(_) => {}
        }
        Ok(planned)
    }
}

impl Group<'_> {
    /// Makes the snapshot of an edited instrument follow the directory, and notes the edit. Lanes
    /// that come with a higher capacity are claimed by outages like the others.
    fn arrange(&mut self, instrument: Option<InstrumentId>) {
        if let Some(registered) = instrument.and_then(|id| self.directory.instruments.get(&id)) {
            let (id, capacity) = (registered.id, registered.capacity);
            match self.held(id) {
                Some(held) => held.occupancy.set_capacity(capacity),
                None => {
                    let mut fresh = InstrumentSnapshot::new(capacity);
                    fresh.occupancy.index_from(self.now);
                    self.touched.insert(id, fresh);
                }
            }
            self.settle_outages(id);
        }
        self.note(EventKind::Registry, instrument, None);
    }
}

impl Planned {
    fn add_instrument(&mut self, mut instrument: Instrument) -> Result<(), RegistryOutcome> {
        if self.directory.use_of_key(&instrument.key).is_some() {
            return Err(RegistryOutcome::Taken);
        }
        if !self.directory.nodes.contains_key(&instrument.lab) {
            return Err(RegistryOutcome::NotFound);
        }
        self.next.instrument += 1;
        self.number = self.next.instrument;
        let id = u32::try_from(self.number).map_err(|_| RegistryOutcome::InUse)?;
        instrument.id = InstrumentId::new(id);
        instrument.version = 1;
        self.instrument = Some(instrument.id);
        self.edits
            .push(Edit::PutInstrument(Box::new(instrument.clone())));
        self.directory.put_instrument(instrument);
        Ok(())
    }

    fn replace_instrument(&mut self, instrument: Instrument) -> Result<(), RegistryOutcome> {
        let held = self.directory.instruments.get(&instrument.id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.version + 1 != instrument.version {
            return Err(RegistryOutcome::Stale);
        }
        if held.key != instrument.key {
            let own = KeyUse::Held(held.key.clone());
            let held_by = self.directory.use_of_key(&instrument.key);
            if held_by.is_some_and(|held_by| held_by != own) {
                return Err(RegistryOutcome::Taken);
            }
            let key = held.key.clone();
            self.directory.by_key.remove(&key);
        }
        self.number = instrument.version;
        self.instrument = Some(instrument.id);
        self.edits
            .push(Edit::PutInstrument(Box::new(instrument.clone())));
        self.directory.put_instrument(instrument);
        Ok(())
    }

    fn remove_instrument(
        &mut self,
        id: InstrumentId,
        version: Option<i64>,
        used: bool,
        now: Micros,
    ) -> Result<(), RegistryOutcome> {
        let held = self
            .directory
            .instruments
            .get(&id)
            .ok_or(RegistryOutcome::NotFound)?;
        if version.is_some_and(|version| version != held.version) {
            return Err(RegistryOutcome::Stale);
        }
        if used {
            return Err(RegistryOutcome::InUse);
        }
        let key = held.key.clone();
        self.directory.by_key.remove(&key);
        self.directory.instruments.remove(&id);
        self.directory.rules.remove(&Scope::Instrument(id));
        self.instrument = Some(id);
        self.edits.push(Edit::DropInstrument(id, now));
        Ok(())
    }

    fn set_rules(
        &mut self,
        scope: Scope,
        set: RuleSet,
        expected: Option<i64>,
    ) -> Result<(), RegistryOutcome> {
        let exists = match scope {
            Scope::Node(node) => self.directory.nodes.contains_key(&node),
            Scope::Instrument(id) => self.directory.instruments.contains_key(&id),
        };
        if !exists {
            return Err(RegistryOutcome::NotFound);
        }
        let held = self
            .directory
            .rules
            .get(&scope)
            .map_or(0, |set| set.version);
        if expected.is_some_and(|expected| expected != held) {
            return Err(RegistryOutcome::Stale);
        }
        // Ascending over the whole region, so that the highest in force names all of them.
        let highest = self.directory.rules.values().map(|set| set.version).max();
        self.number = highest.unwrap_or(0) + 1;
        let set = RuleSet {
            version: self.number,
            ..set
        };
        self.instrument = match scope {
            Scope::Node(_) => None,
            Scope::Instrument(id) => Some(id),
        };
        self.edits.push(Edit::PutRules(scope, set.clone()));
        self.directory.rules.insert(scope, set);
        Ok(())
    }

    fn add_agent(&mut self, agent: AgentEntry) -> Result<(), RegistryOutcome> {
        // Agents and foreign sources are users of one broker.
        let mut sources = self.directory.sources.keys();
        let is_source = sources.any(|source| *source.as_agent() == agent.name);
        if is_source || self.directory.agents.contains_key(&agent.name) {
            return Err(RegistryOutcome::Taken);
        }
        self.edits.push(Edit::PutAgent(agent.clone()));
        self.directory.agents.insert(agent.name.clone(), agent);
        Ok(())
    }

    /// Makes an agent speak for instruments of its lab.
    fn set_source(
        &mut self,
        agent: &wire::AgentName,
        served: &[InstrumentId],
    ) -> Result<(), RegistryOutcome> {
        for id in served {
            let held = self.directory.instruments.get(id);
            let mut instrument = held.ok_or(RegistryOutcome::NotFound)?.clone();
            instrument.version += 1;
            instrument.source = Some(Source {
                agent: agent.clone(),
                device: None,
                polled: None,
            });
            self.edits
                .push(Edit::PutInstrument(Box::new(instrument.clone())));
            self.directory.put_instrument(instrument);
        }
        Ok(())
    }

    fn remove_token(&mut self, member: MemberId, id: i64) -> Result<(), RegistryOutcome> {
        let mut tokens = self.directory.tokens.iter();
        let found = tokens.find(|(_, token)| token.id == id && token.member == member);
        let hash = *found.ok_or(RegistryOutcome::NotFound)?.0;
        self.directory.tokens.remove(&hash);
        self.edits.push(Edit::DropToken(id));
        Ok(())
    }
}
