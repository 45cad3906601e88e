// A rule of machine states as its form holds it, and the way back. What the form does not show stays
// as it was loaded; conditions, which nest, are written as the text that the API takes.
import { durationMs } from './time';
import type { StateLevel, StateRule } from './types';

export type RuleKind = 'levels' | 'register' | 'cases';
export const LEVELS: StateLevel[] = ['off', 'standby', 'running', 'fault'];

/** Most entries of a register's table, and most alarms. */
export const TABLE_MAX = 64;
export const ALARMS_MAX = 8;

/** Lengths of time in the unit that their field names; an empty field is null. */
export interface RuleDraft {
  kind: RuleKind;
  channel: string;
  above: number | null;
  below: number | null;
  standby: number | null;
  table: { from: number | null; to: number | null; state: StateLevel }[];
  otherwise: StateLevel | '';
  dwellS: number | null;
  staleS: number | null;
  fault: string;
  /** `bits` as typed: places between commas, empty for any value but 0. */
  alarms: { channel: string; bits: string }[];
  hasOutage: boolean;
  afterMin: number | null;
  clearMin: number | null;
  expectedH: number | null;
  endsItself: boolean;
  /** The whole rule where it is one of conditions. */
  said: string;
}

const CASES = {
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
};

const seconds = (length: string) => durationMs(length) / 1000;
const text = (rule: object): string => JSON.stringify(rule, null, 2);

/** A rule to begin with, or the form of a loaded one. */
export function draftOf(rule?: StateRule): RuleDraft {
  const policy = rule?.on_fault;
  return {
    kind: rule?.kind ?? 'levels',
    channel: rule?.channel ?? 'power_w',
    above: rule?.running_above ?? 100,
    below: rule?.running_below ?? 80,
    standby: rule?.standby_above ?? null,
    table: rule?.table?.map((one) => ({ ...one, to: one.to ?? null })) ?? [
      { from: 0, to: null, state: 'off' },
      { from: 1, to: null, state: 'standby' },
      { from: 2, to: 9, state: 'running' },
    ],
    otherwise: rule?.otherwise ?? '',
    dwellS: rule ? seconds(rule.dwell) : 10,
    staleS: rule ? (rule.stale_after === null ? null : seconds(rule.stale_after)) : 30,
    fault: rule?.fault_channel ?? '',
    alarms: (rule?.alarms ?? []).map(({ channel, bits }) => ({
      channel,
      bits: bits?.join(', ') ?? '',
    })),
    hasOutage: Boolean(policy),
    afterMin: policy ? seconds(policy.after) / 60 : 5,
    clearMin: policy ? seconds(policy.clear) / 60 : 30,
    expectedH: policy ? seconds(policy.expected) / 3600 : 24,
    endsItself: policy?.ends_itself ?? true,
    said: text(rule?.kind === 'cases' ? rule : CASES),
  };
}

/** A length as the API takes it: fractions only in seconds. */
const length = (value: number | null, unitS: number) =>
  `PT${Math.round((value ?? 0) * unitS * 1000) / 1000}S`;

/** Places of bits as typed; undefined for none. */
function bitsOf(typed: string): number[] | undefined {
  const bits = typed.split(/[\s,，、]+/).filter((part) => part !== '');
  return bits.length > 0 ? bits.map(Number) : undefined;
}

/** True if what is typed names places of bits. */
export const isBits = (typed: string): boolean =>
  (bitsOf(typed) ?? []).every((bit) => Number.isInteger(bit) && bit >= 0 && bit <= 52);

/** The rule of a form, upon the loaded one; throws a SyntaxError if its text is no JSON object. */
export function ruleOf(draft: RuleDraft, loaded: Partial<StateRule>): StateRule {
  if (draft.kind === 'cases') return parsed(draft.said);
  const { on_fault: _, alarms: __, otherwise: ___, ...kept } = loaded;
  const alarms = draft.alarms.map(({ channel, bits }) => {
    const places = bitsOf(bits);
    return { channel: channel.trim(), ...(places ? { bits: places } : {}) };
  });
  return {
    ...kept,
    ...(draft.kind === 'register'
      ? {
          kind: draft.kind,
          table: draft.table.map(({ from, to, state }) => ({
            from: from ?? 0,
            ...(to === null ? {} : { to }),
            state,
          })),
          ...(draft.otherwise === '' ? {} : { otherwise: draft.otherwise }),
        }
      : {
          running_above: draft.above ?? 0,
          running_below: draft.below ?? 0,
          standby_above: draft.standby,
        }),
    channel: draft.channel,
    dwell: length(draft.dwellS, 1),
    fault_channel: draft.fault.trim() || null,
    stale_after: draft.staleS === null ? null : length(draft.staleS, 1),
    ...(alarms.length > 0 ? { alarms } : {}),
    ...(draft.hasOutage
      ? {
          on_fault: {
            after: length(draft.afterMin, 60),
            expected: length(draft.expectedH, 3600),
            clear: length(draft.clearMin, 60),
            ends_itself: draft.endsItself,
          },
        }
      : {}),
  };
}

/** The rule that a text says; throws a SyntaxError if it is no JSON object. */
export function parsed(said: string): StateRule {
  const rule: unknown = JSON.parse(said);
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) throw new SyntaxError('{}');
  return rule as StateRule;
}
