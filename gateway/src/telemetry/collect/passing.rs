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
        let mut all = Vec::new();
        for (id, fold) in self
            .folds
            .iter_mut()
            .filter(|(_, fold)| !fold.is_settled(now))
        {
            let Some(instrument) = directory.instruments.get(id) else {
                continue;
            };
            let source = instrument.source.as_ref();
            let side = AgentSide {
                online: source.map_or(!self.others.absent.contains(id), |source| {
                    self.agents.is_online(&source.agent)
                }),
                device: self.agents.unreachable(*id),
            };
            let mut decided = Vec::new();
            fold.tick(self.agents.terms(instrument), side, now, &mut decided);
            if !decided.is_empty() {
                all.push((*id, decided));
            }
        }
        for (id, decided) in all {
            self.note_decisions(id, decided, writer, now);
        }
    }
}
