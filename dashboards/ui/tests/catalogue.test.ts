import { describe, expect, it } from 'vitest';
import { catalogueOf, fold, search } from '../src/lib/catalogue.svelte';
import { managedLabs } from '../src/lib/session.svelte';
import type { IndexRow, InstrumentIndex, Member, RoleName, Status } from '../src/lib/types';
import { rowWindow } from '../src/lib/window';

const node = (id: number, name: string, name_en: string) => ({ id, name, name_en });
const rows: IndexRow[] = [
  ['NM-00001', 'X射线衍射仪', 'X-ray diffractometer', 'D8 Advance', 0, 'A100', 'xrd powder', 1],
  [
    'NM-00002',
    '透射电子显微镜',
    'Transmission electron microscope',
    'JEM-F200',
    1,
    'B12',
    'tem',
    1,
  ],
  ['NM-00003', '样品台', 'Stage', 'S1', 1, 'xrd room', '', 0],
];
const index: InstrumentIndex = {
  etag: 'x',
  centres: [node(1, '呼和浩特', 'Hohhot'), node(2, '包头', 'Baotou')],
  institutions: [node(3, '大学', 'University'), node(4, '研究院', 'Institute')],
  labs: [
    { ...node(5, '材料实验室', 'Materials lab'), institution: 0, centre: 0 },
    { ...node(6, '化学实验室', 'Chemistry lab'), institution: 1, centre: 1 },
  ],
  rows,
};
const catalogue = catalogueOf(index);
const status = new Map<string, Status>([
  ['NM-00001', 'running'],
  ['NM-00002', 'idle'],
]);
const keys = (q: string, centre: number | null = null, wanted: Status | null = null) =>
  search(catalogue, { q, centre, status: wanted }, status).map(({ key }) => key);

describe('search over all instruments', () => {
  it('finds by name in both languages, model, key, capability, room, lab and centre', () => {
    expect(keys('衍射')).toEqual(['NM-00001']);
    expect(keys('DIFFRACT')).toEqual(['NM-00001']);
    expect(keys('jem-f')).toEqual(['NM-00002']);
    expect(keys('00002')).toEqual(['NM-00002']);
    expect(keys('powder')).toEqual(['NM-00001']);
    expect(keys('b12')).toEqual(['NM-00002']);
    expect(keys('化学实验室')).toEqual(['NM-00002', 'NM-00003']);
    expect(keys('baotou tem')).toEqual(['NM-00002']);
  });
  it('wants every word, ignores width and case, and puts title hits first', () => {
    expect(keys('x射线 advance')).toEqual(['NM-00001']);
    expect(keys('Ｘ射线')).toEqual(['NM-00001']);
    expect(keys('x射线 jem')).toEqual([]);
    expect(keys('s')).toEqual(['NM-00002', 'NM-00003', 'NM-00001']);
    expect(fold('É Ｄ８')).toBe('e d8');
  });
  it('filters by sub-centre and by live status', () => {
    expect(keys('', 1)).toEqual(['NM-00001']);
    expect(keys('', null, 'idle')).toEqual(['NM-00002']);
    expect(keys('', 2, 'running')).toEqual([]);
    expect(keys('')).toHaveLength(3);
  });
});

describe('labs of a manager', () => {
  const member = (role: RoleName, id: number): Member => ({
    id: 1,
    login: 'm',
    display_name: '',
    display_name_en: '',
    roles: [{ role, node: node(id, '', '') }],
  });
  it('follows the tree downwards from the role’s node', () => {
    expect(managedLabs(member('manager', 5), index)).toEqual([0]);
    expect(managedLabs(member('centre_admin', 2), index)).toEqual([1]);
    expect(managedLabs(member('manager', 3), index)).toEqual([0]);
    expect(managedLabs(member('region_admin', 99), index)).toEqual([0, 1]);
  });
  it('gives nothing to researchers, auditors and visitors', () => {
    expect(managedLabs(member('researcher', 99), index)).toEqual([]);
    expect(managedLabs(member('auditor', 99), index)).toEqual([]);
    expect(managedLabs(null, index)).toEqual([]);
  });
});

describe('rows in view', () => {
  it('draws only what is near the visible part', () => {
    expect(rowWindow(5534, 68, 0, 900)).toEqual({ first: 0, end: 20 });
    expect(rowWindow(5534, 68, 68 * 1000, 900)).toEqual({ first: 994, end: 1020 });
    expect(rowWindow(5534, 68, 68 * 5534, 900)).toEqual({ first: 5528, end: 5534 });
    expect(rowWindow(3, 68, -300, 900)).toEqual({ first: 0, end: 3 });
    expect(rowWindow(0, 68, 0, 900)).toEqual({ first: 0, end: 0 });
    expect(rowWindow(10, 68, 68 * 4000, 900)).toEqual({ first: 10, end: 10 });
  });
});
