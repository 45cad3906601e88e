// Rules that are more than thresholds, as the text that the API takes.
import type { StateRule } from './types';

export type RuleKind = 'levels' | 'register' | 'cases';

const BEGINNINGS = {
  register: {
    kind: 'register',
    channel: 'status',
    table: [
      { from: 0, state: 'off' },
      { from: 1, state: 'standby' },
      { from: 2, to: 9, state: 'running' },
    ],
    alarms: [{ channel: 'alarm', bits: [0, 3] }],
    dwell: 'PT2S',
  },
  cases: {
    kind: 'cases',
    cases: [
      {
        state: 'running',
        when: {
          all: [
            { above: { channel: 'power_w', enter: 300, leave: 250 } },
            { one_of: { channel: 'mode', values: [1, 2] } },
          ],
        },
      },
      { state: 'standby', when: { above: { channel: 'power_w', enter: 20 } } },
    ],
    otherwise: 'off',
    dwell: 'PT10S',
  },
};

/** A rule of this kind to begin with. */
export const beginning = (kind: 'register' | 'cases'): string => text(BEGINNINGS[kind]);

export const text = (rule: object): string => JSON.stringify(rule, null, 2);

/** The rule that a text says; throws a SyntaxError if it is no JSON object. */
export function parsed(said: string): StateRule {
  const rule: unknown = JSON.parse(said);
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) throw new SyntaxError('{}');
  return rule as StateRule;
}
