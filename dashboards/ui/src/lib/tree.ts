// The tree of nodes in reading order, and who administers what of it: pure.
import type { Member, TreeNode } from './types';

/** Every node after its parent, brothers in the order they came, with its depth. */
export function inOrder(nodes: TreeNode[]): { node: TreeNode; depth: number }[] {
  const known = new Set(nodes.map(({ id }) => id));
  const below = new Map<number | null, TreeNode[]>();
  for (const node of nodes) {
    // A node whose parent is not in the list stands at the top.
    const parent = node.parent !== null && known.has(node.parent) ? node.parent : null;
    below.set(parent, [...(below.get(parent) ?? []), node]);
  }
  const rows: { node: TreeNode; depth: number }[] = [];
  const walk = (parent: number | null, depth: number) => {
    for (const node of below.get(parent) ?? []) {
      rows.push({ node, depth });
      walk(node.id, depth + 1);
    }
  };
  walk(null, 0);
  return rows;
}

/** The nodes that a member administers: where the role is held and all below. */
export function administered(nodes: TreeNode[], member: Member | null | undefined): TreeNode[] {
  const held = new Set(
    member?.roles
      .filter(({ role }) => role === 'centre_admin' || role === 'region_admin')
      .map(({ node }) => node.id),
  );
  const parents = new Map(nodes.map(({ id, parent }) => [id, parent]));
  const isBelow = (id: number) => {
    for (let at: number | null | undefined = id; at != null; at = parents.get(at))
      if (held.has(at)) return true;
    return false;
  };
  return nodes.filter(({ id }) => isBelow(id));
}
