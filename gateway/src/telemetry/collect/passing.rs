//! Time that passes without a message: dwells that end, silence that becomes offline, losses whose
//! sum is due.

use scheduler::time::Micros;

use super::Collector;
use crate::history::Writer;
use crate::telemetry::state::AgentSide;

impl Collector {
    /// Lets time pass for every instrument.
    pub(in crate::telemetry) fn tick(&mut self, writer: &mut Writer, now: Micros, mono_us: i64) {
        self.clocks.follow_gateway(now, mono_us);
        self.tick_nodes(writer, now);
        self.losses.tick(now);
        let directory = self.directory.load_full();
        if let Some(gone) = self.agents.follow(&directory) {
            self.end_stretches_of_gone(&directory, writer, now);
            let gone = gone.iter().filter_map(|name| self.agents.view(name));
            self.board.publish_agents(gone);
        }
        let mut all = Vec::new();
        for (id, fold) in self
            .folds
            .iter_mut()
            .filter(|(_, fold)| !fold.is_settled(now))
        {
            let Some(instrument) = directory.instruments.get(id) else {
                continue;
            };
            let agent = directory.agent_of(instrument);
            let side = AgentSide {
                online: if instrument.source.is_some() {
                    agent.is_some_and(|agent| self.agents.is_online(agent))
                } else {
                    !self.others.absent.contains(id)
                },
                device: self.agents.unreachable(*id),
            };
            let mut decided = Vec::new();
            fold.tick(
                self.agents.terms(&directory, instrument),
                side,
                now,
                &mut decided,
            );
            if !decided.is_empty() {
                self.filling.note(*id, &decided);
                all.push((*id, decided));
            }
        }
        for (id, decided) in all {
            self.note_decisions(id, decided, writer, now);
        }
    }
}
