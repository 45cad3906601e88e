import { describe, expect, it } from 'vitest';
import { administered, inOrder } from '../src/lib/tree';
import type { Member, TreeNode } from '../src/lib/types';

const node = (id: number, parent: number | null, kind: TreeNode['kind']): TreeNode => ({
  id,
  parent,
  kind,
  name: `n${id}`,
  name_en: '',
});
/** As the gateway sends them: by kind. */
const nodes = [
  node(1, null, 'region'),
  node(2, 1, 'centre'),
  node(3, 1, 'centre'),
  node(4, 3, 'institution'),
  node(5, 2, 'institution'),
  node(6, 5, 'lab'),
];
const member = (role: Member['roles'][number]['role'], at: number): Member => ({
  id: 1,
  login: 'a',
  display_name: 'a',
  display_name_en: '',
  roles: [{ role, node: { id: at, name: '', name_en: '' } }],
});

describe('tree', () => {
  it('is read from the top, each node after its parent', () => {
    expect(inOrder(nodes).map(({ node: { id }, depth }) => [id, depth])).toEqual([
      [1, 0],
      [2, 1],
      [5, 2],
      [6, 3],
      [3, 1],
      [4, 2],
    ]);
  });
  it('shows a part of it from its own top', () => {
    expect(inOrder(nodes.slice(3)).map(({ node: { id } }) => id)).toEqual([4, 5, 6]);
  });
  it('belongs to administrators from their node down', () => {
    const of = (one: Member | null) => administered(nodes, one).map(({ id }) => id);
    expect(of(member('centre_admin', 2))).toEqual([2, 5, 6]);
    expect(of(member('region_admin', 1))).toHaveLength(6);
    expect(of(member('manager', 6))).toEqual([]);
    expect(of(null)).toEqual([]);
  });
});
