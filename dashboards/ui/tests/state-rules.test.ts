import { describe, expect, it } from 'vitest';
import { draftOf, isBits, ruleOf } from '../src/lib/state-rules';
import type { StateRule } from '../src/lib/types';

const LEVELS: StateRule = {
  channel: 'power_w',
  running_above: 100,
  running_below: 80,
  standby_above: null,
  dwell: 'PT10S',
  fault_channel: null,
  stale_after: null,
};

describe('a rule of machine states in its form', () => {
  it('comes back as it was loaded, with what the form does not show', () => {
    const rules: StateRule[] = [
      LEVELS,
      { ...LEVELS, standby_above: 5, fault_channel: 'fault', stale_after: 'PT45S' },
      { ...LEVELS, ...{ standby_below: 3, dwells: { off: 'PT60S' } } },
      {
        kind: 'register',
        channel: 'mode',
        table: [
          { from: -1, state: 'fault' },
          { from: 0, to: 4, state: 'running' },
        ],
        otherwise: 'off',
        alarms: [{ channel: 'alarm', bits: [0, 52] }, { channel: 'door' }],
        dwell: 'PT0.5S',
        fault_channel: null,
        stale_after: 'PT30S',
        on_fault: { after: 'PT90S', expected: 'PT7200S', clear: 'PT0S', ends_itself: false },
      },
      { kind: 'cases', dwell: 'PT1S', fault_channel: null, stale_after: null },
    ];
    for (const rule of rules) expect(ruleOf(draftOf(rule), rule)).toEqual(rule);
  });
  it('forgets what is taken out', () => {
    const rule: StateRule = {
      ...LEVELS,
      kind: 'register',
      otherwise: 'off',
      alarms: [{ channel: 'door' }],
      on_fault: { after: 'PT60S', expected: 'PT3600S', clear: 'PT60S', ends_itself: true },
    };
    const draft = { ...draftOf(rule), otherwise: '' as const, alarms: [], hasOutage: false };
    const { otherwise, alarms, on_fault } = ruleOf(draft, rule);
    expect([otherwise, alarms, on_fault]).toEqual([undefined, undefined, undefined]);
  });
  it('takes places of bits only', () => {
    for (const typed of ['', ' ', '0', '0, 52', '3，4', '1 2']) expect(isBits(typed)).toBe(true);
    for (const typed of ['53', '-1', '1.5', 'a', '1;2']) expect(isBits(typed)).toBe(false);
  });
});
