//! Who goes when there are as many edge nodes as are followed.

use std::collections::HashMap;

use scheduler::id::NodeId;

/// Returns which of these may be given up for another one, of `newcomer`: of the lab that would have the
/// most of them, the one of the lowest rank; where two have as many, it is the newcomer's.
pub fn to_give_up<'n, N, R: Ord>(
    nodes: impl Iterator<Item = (&'n N, NodeId, R)> + Clone,
    newcomer: NodeId,
) -> Option<&'n N> {
    let mut counts: HashMap<NodeId, usize> = HashMap::from([(newcomer, 1)]);
    for (_, lab, _) in nodes.clone() {
        *counts.entry(lab).or_default() += 1;
    }
    let of = |(lab, count): &(NodeId, usize)| (*count, *lab == newcomer, *lab);
    let (most, _) = counts.into_iter().max_by_key(of)?;
    let of_lab = nodes.filter(|(_, lab, _)| *lab == most);
    of_lab
        .min_by(|(_, _, one), (_, _, other)| one.cmp(other))
        .map(|(node, ..)| node)
}
