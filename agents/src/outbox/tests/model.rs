//! The outbox as it should be, and a player that compares.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Offer(bool),
    Commit,
    Ack(u64, u64, u64),
    Reopen,
    Crash,
}

pub(super) fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<bool>().prop_map(Step::Offer),
        4 => Just(Step::Commit),
        3 => (0..40_u64, 0..10_u64, 0..5_u64).prop_map(|(a, b, c)| Step::Ack(a, b, c)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

/// The outbox as it should be: committed records, records that wait, the next number.
struct Model {
    committed: BTreeMap<u64, Record>,
    waiting: Vec<Record>,
    next: u64,
    /// Acknowledged, but not yet deleted for good: a crash may bring it back.
    released: BTreeMap<u64, Record>,
}

impl Model {
    fn commit(&mut self) {
        self.released.clear();
        for record in self.waiting.drain(..) {
            self.committed.insert(self.next, record);
            self.next += 1;
        }
    }

    fn acknowledge(&mut self, ack: &Ack) {
        let gone: Vec<u64> = self
            .committed
            .keys()
            .copied()
            .filter(|seq| ack.covers(*seq))
            .collect();
        for seq in gone {
            let record = self.committed.remove(&seq).unwrap();
            self.released.insert(seq, record);
        }
    }
}

pub(super) async fn play(steps: Vec<Step>, in_memory: bool) {
    let mut folder = tempfile::tempdir().unwrap();
    let mut outbox = if in_memory {
        Outbox::in_memory(LARGE, clock())
    } else {
        open(&folder, LARGE).await
    };
    let stream = outbox.stream().clone();
    let mut model = Model {
        committed: BTreeMap::new(),
        waiting: Vec::new(),
        next: 1,
        released: BTreeMap::new(),
    };
    for (mark, step) in steps.into_iter().enumerate() {
        let mark = i64::try_from(mark).unwrap();
        match step {
            Step::Offer(is_event) => {
                let record = if is_event { event(mark) } else { reading(mark) };
                outbox.offer(record.clone());
                model.waiting.push(record);
            }
            Step::Commit => {
                outbox.commit().await.unwrap();
                model.commit();
            }
            Step::Ack(upto, gap, width) => {
                let upto = upto.min(model.next - 1);
                let from = upto + 2 + gap;
                let to = (from + width).min(model.next - 1);
                let ranges = if from <= to {
                    vec![(from, to)]
                } else {
                    Vec::new()
                };
                let ack = ack(&outbox, upto, &ranges);
                outbox.acknowledge(&ack);
                model.acknowledge(&ack);
            }
            Step::Reopen | Step::Crash if in_memory => {}
            Step::Reopen | Step::Crash => {
                let copy = crash(&folder);
                outbox.close().await;
                if matches!(step, Step::Crash) {
                    folder = copy;
                }
                outbox = open(&folder, LARGE).await;
                model.waiting.clear();
                let released = std::mem::take(&mut model.released);
                model.committed.extend(released);
            }
        }
        assert_eq!(outbox.stream(), &stream);
        assert_eq!(outbox.next(), model.next);
        let oldest = model.committed.keys().next().copied();
        assert_eq!(outbox.oldest(), oldest.unwrap_or(model.next));
    }
    assert_eq!(contents(&mut outbox).await, model.committed);
}
