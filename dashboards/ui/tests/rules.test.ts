import { describe, expect, it } from 'vitest';
import { draftFault, draftOf, newRule, ruleOf, rulesOf } from '../src/lib/policy';
import { RULE_TABLE, RULES, type PolicyRule } from '../src/lib/rules';
import list from './rules.json';

type Bounds = Record<string, Record<string, number[]>>;
const { _: _note, ...KNOWN } = list as unknown as Bounds & { _: unknown };

/** `NoticeToBook` to `notice_to_book`. */
const snake = (name: string) =>
  name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

describe('rule table', () => {
  it('has every rule with its figures and bounds', () => {
    const table = Object.fromEntries(
      Object.entries(RULE_TABLE).map(([rule, { figures }]) => [
        rule,
        Object.fromEntries(figures.map(({ name, least, most }) => [name, [least, most]])),
      ]),
    );
    expect(table).toEqual(KNOWN);
  });

  // Outside the repository (the packed pages) there is no gateway to compare with.
  const source = Object.values(
    import.meta.glob<string>('../../../gateway/src/registry/json/body.rs', {
      eager: true,
      query: '?raw',
      import: 'default',
    }),
  );
  it.runIf(source.length > 0)('is the list of the gateway', () => {
    const text = source[0] ?? '';
    const bodies = /\nbodies! \{\n([\s\S]*?)\n\}\n/.exec(text)?.[1] ?? '';
    const found: Bounds = {};
    for (const [, name, fields] of bodies.matchAll(/^ {4}(\w+) \{ ([^}]*) \}/gm)) {
      const numbers = [...(fields ?? '').matchAll(/(\w+): ([\d_]+)\.\.=([\d_]+)/g)];
      const figure = (digits?: string) => Number(digits?.replaceAll('_', ''));
      found[snake(name ?? '')] = Object.fromEntries(
        numbers.map(([, field, least, most]) => [field, [figure(least), figure(most)]]),
      );
    }
    const written = /\)\+\n {12}\/\/\/ When it is open\.([\s\S]*?)\n {8}\}\n/.exec(text)?.[1] ?? '';
    for (const [, name] of written.matchAll(/^ {12}(\w+) \{/gm)) found[snake(name ?? '')] ??= {};
    expect(found.quota).toEqual({});
    found.quota = { minutes: [1, 527_040] };
    expect(Object.keys(found).length).toBeGreaterThan(20);
    expect(found).toEqual(KNOWN);
  });

  it('begins every rule within its bounds, and as the gateway takes it', () => {
    for (const rule of RULES) {
      const begin = { ...newRule(rule), name: 'sem-basic' };
      expect([rule, draftFault(begin)]).toEqual([rule, null]);
      expect(ruleOf(begin)).toMatchObject({ rule, mode: 'default' });
    }
  });
});

describe('policy form', () => {
  const rules: PolicyRule[] = [
    {
      rule: 'opening_hours',
      mode: 'binding',
      weekly: [{ days: [1, 2, 3], from: '08:00', to: '24:00' }],
      exceptions: [
        { from: '2026-12-24', to: '2026-12-26', hours: [] },
        { from: '2026-12-31', to: '2026-12-31', hours: [{ from: '08:00', to: '12:00' }] },
      ],
      holidays: 'china',
    },
    { rule: 'fixed_blocks', mode: 'default', blocks: [{ days: [1], from: '18:00', to: '32:00' }] },
    { rule: 'longest', mode: 'default', minutes: 240 },
    { rule: 'longest', mode: 'default', classes: ['enterprise'], minutes: 120 },
    { rule: 'horizon', mode: 'default', days: 30 },
    { rule: 'buffers', mode: 'default', setup_minutes: 10, cleanup_minutes: 0 },
    { rule: 'who_may_book', mode: 'binding', who: ['internal'] },
    { rule: 'approval', mode: 'default' },
    { rule: 'approval', mode: 'default', longer_than_minutes: 240 },
    { rule: 'approval', mode: 'default', who: ['enterprise', 'region'] },
    { rule: 'qualification', mode: 'binding', name: 'sem', disuse_days: 90 },
    { rule: 'qualification', mode: 'binding', name: 'laser-2' },
    { rule: 'quota', mode: 'binding', minutes: 600, per: 'lab', period: 'month' },
    { rule: 'off_peak', mode: 'default', weekly: [{ days: [6, 7], from: '00:00', to: '24:00' }] },
  ];
  it('gives back what it was given', () => {
    expect(rulesOf(draftOf({ rules }))).toEqual(rules);
    expect(rulesOf(draftOf({ rules: [] }))).toEqual([]);
  });
  it('does not write into the policy it was made from', () => {
    const draft = draftOf({ rules });
    draft[0]?.weekly[0]?.days.push(7);
    draft[0]?.exceptions[1]?.hours.pop();
    expect(rules[0]?.weekly?.[0]?.days).toEqual([1, 2, 3]);
    expect(rules[0]?.exceptions?.[1]?.hours).toHaveLength(1);
  });
  it('names what the gateway would refuse', () => {
    const broken = (rule: PolicyRule['rule'], change: object) =>
      draftFault({ ...newRule(rule), name: 'x', ...change });
    expect(broken('alignment', { figures: { minutes: 0 } })).toBe('figure');
    expect(broken('alignment', { figures: { minutes: 1441 } })).toBe('figure');
    expect(broken('alignment', { figures: { minutes: 1.5 } })).toBe('figure');
    expect(broken('alignment', { figures: { minutes: null } })).toBe('figure');
    expect(broken('who_may_book', { who: [] })).toBe('who');
    expect(broken('approval', { when: 'classes', who: [] })).toBe('who');
    expect(broken('approval', { when: 'longer', longerThan: 0 })).toBe('figure');
    expect(broken('qualification', { name: 'SEM 1' })).toBe('name');
    expect(broken('qualification', { disuse: 0 })).toBe('figure');
    expect(broken('fixed_blocks', { blocks: [] })).toBe('blocks');
    const backwards = [{ days: [1], from: '10:00', to: '08:00' }];
    expect(broken('off_peak', { weekly: backwards })).toBe('hours');
    expect(broken('opening_hours', { weekly: [] })).toBeNull();
    const days = [{ from: '2026-02-02', to: '2026-02-01', hours: [] }];
    expect(broken('opening_hours', { exceptions: days })).toBe('days');
  });
});
