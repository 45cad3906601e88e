//! After a start: what was being filled in goes on being filled in.

use super::Collector;
use crate::history::StretchRow;
use crate::telemetry::collected::machine_view;
use crate::telemetry::handle::TelemetryHandle;

impl Collector {
    /// Reads again what came of the stretches that were open when the last process ended.
    pub(in crate::telemetry) async fn go_on(
        &mut self,
        handle: &TelemetryHandle,
        rows: Vec<StretchRow>,
    ) {
        let directory = self.directory.load_full();
        for row in rows {
            let id = row.instrument;
            let Some(instrument) = directory.instruments.get(&id) else {
                self.filling.give_up(&row);
                continue;
            };
            let (start, tracks) = match handle.came_of(instrument, &row).await {
                Ok(found) => found,
                Err(error) => {
                    let why = error.for_operators();
                    tracing::error!(instrument = %instrument.key, why, "what its agent owes decides nothing");
                    self.filling.give_up(&row);
                    continue;
                }
            };
            let terms = self.agents.terms(&directory, instrument);
            let cells = start.cells.iter().map(|(channel, cell)| (channel, *cell));
            self.filling.go_on(&row, terms, cells, &tracks);
            if let Some(fold) = self.folds.get_mut(&id) {
                fold.is_since(row.until_ms, row.then);
                let known = self.filling.known_until_ms(id, fold);
                self.board
                    .publish_machines([(id, machine_view(fold, known))]);
            }
        }
    }
}
