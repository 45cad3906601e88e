// The rules of one place as a form holds them, and back: pure.
import {
  type CallerClass,
  type HoursException,
  type Mode,
  PARTIES,
  PERIODS,
  type PolicyRule,
  type RuleName,
  shapeOf,
} from './rules';
import type { OpeningHours, Policy } from './types';

export const WORKDAYS: OpeningHours = { days: [1, 2, 3, 4, 5], from: '08:00', to: '22:00' };
const BLOCKS: OpeningHours[] = [
  { days: [1, 2, 3, 4, 5], from: '08:00', to: '12:00' },
  { days: [1, 2, 3, 4, 5], from: '13:00', to: '17:00' },
];
const NIGHT: OpeningHours = { days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '08:00' };
const LONG_MINUTES = 480;

/** One rule in the form; every field has a value, those of other kinds are not shown. */
export interface RuleDraft {
  /** Unique in the form, for lists that grow and shrink. */
  key: number;
  rule: RuleName;
  mode: Mode;
  classes: CallerClass[];
  figures: Record<string, number>;
  weekly: OpeningHours[];
  exceptions: HoursException[];
  holidays: 'none' | 'china';
  blocks: OpeningHours[];
  who: CallerClass[];
  when: 'always' | 'longer' | 'classes';
  longerThan: number;
  name: string;
  disuse: number | null;
  per: (typeof PARTIES)[number];
  period: (typeof PERIODS)[number];
}

let nextKey = 1;
const copied = (hours: OpeningHours[]) => hours.map((one) => ({ ...one, days: [...one.days] }));

/** A rule as it begins when it is added. */
export function newRule(rule: RuleName): RuleDraft {
  const begin = shapeOf(rule).figures.map(({ name, begin }) => [name, begin] as const);
  return {
    key: nextKey++,
    rule,
    mode: 'default',
    classes: [],
    figures: Object.fromEntries(begin),
    weekly: copied([rule === 'off_peak' ? NIGHT : WORKDAYS]),
    exceptions: [],
    holidays: 'none',
    blocks: copied(BLOCKS),
    who: ['internal', 'region'],
    when: 'always',
    longerThan: LONG_MINUTES,
    name: '',
    disuse: null,
    per: 'member',
    period: 'week',
  };
}

export function draftOf(policy: Pick<Policy, 'rules'>): RuleDraft[] {
  return policy.rules.map((set) => {
    const fresh = newRule(set.rule);
    const fields = set as unknown as Record<string, unknown>;
    const given = Object.keys(fresh.figures).flatMap((name) =>
      typeof fields[name] === 'number' ? [[name, fields[name]] as const] : [],
    );
    return {
      ...fresh,
      mode: set.mode,
      classes: [...(set.classes ?? [])],
      figures: { ...fresh.figures, ...Object.fromEntries(given) },
      weekly: set.weekly ? copied(set.weekly) : fresh.weekly,
      exceptions: (set.exceptions ?? []).map((one) => ({
        ...one,
        hours: one.hours.map((hours) => ({ ...hours })),
      })),
      holidays: set.holidays ?? 'none',
      blocks: set.blocks ? copied(set.blocks) : fresh.blocks,
      who: set.who ? [...set.who] : fresh.who,
      when: set.longer_than_minutes !== undefined ? 'longer' : set.who ? 'classes' : 'always',
      longerThan: set.longer_than_minutes ?? LONG_MINUTES,
      name: set.name ?? '',
      disuse: set.disuse_days ?? null,
      per: set.per ?? 'member',
      period: set.period ?? 'week',
    };
  });
}

export function ruleOf(draft: RuleDraft): PolicyRule {
  const { rule, mode, classes } = draft;
  return {
    rule,
    mode,
    ...(classes.length === 0 ? {} : { classes }),
    ...draft.figures,
    ...special(draft),
  };
}

/** The fields of a rule that is not figures alone. */
function special(draft: RuleDraft): Partial<PolicyRule> {
  switch (shapeOf(draft.rule).editor) {
    case 'opening':
      return {
        weekly: draft.weekly,
        ...(draft.exceptions.length === 0 ? {} : { exceptions: draft.exceptions }),
        ...(draft.holidays === 'none' ? {} : { holidays: draft.holidays }),
      };
    case 'weekly':
      return { weekly: draft.weekly };
    case 'blocks':
      return { blocks: draft.blocks };
    case 'classes':
      return { who: draft.who };
    case 'approval':
      if (draft.when === 'longer') return { longer_than_minutes: draft.longerThan };
      return draft.when === 'classes' ? { who: draft.who } : {};
    case 'qualification':
      return {
        name: draft.name.trim(),
        ...(draft.disuse === null ? {} : { disuse_days: draft.disuse }),
      };
    case 'quota':
      return { per: draft.per, period: draft.period };
    default:
      return {};
  }
}

export const rulesOf = (draft: RuleDraft[]): PolicyRule[] => draft.map(ruleOf);

export type DraftFault = 'figure' | 'who' | 'name' | 'hours' | 'blocks' | 'days';

/** What the gateway would refuse of one rule, or null. */
export function draftFault(draft: RuleDraft): DraftFault | null {
  const shape = shapeOf(draft.rule);
  const within = (value: unknown, least: number, most: number) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  for (const { name, least, most } of shape.figures)
    if (!within(draft.figures[name], least, most)) return 'figure';
  switch (shape.editor) {
    case 'opening':
      if (draft.exceptions.some(({ from, to }) => !(from !== '' && from <= to))) return 'days';
      return draft.weekly.every(isHours) ? null : 'hours';
    case 'weekly':
      return draft.weekly.every(isHours) ? null : 'hours';
    case 'blocks':
      return draft.blocks.length > 0 && draft.blocks.every(isHours) ? null : 'blocks';
    case 'classes':
      return draft.who.length > 0 ? null : 'who';
    case 'approval':
      if (draft.when === 'classes' && draft.who.length === 0) return 'who';
      return draft.when !== 'longer' || within(draft.longerThan, 1, 525_600) ? null : 'figure';
    case 'qualification':
      if (!/^[a-z0-9_-]{1,64}$/.test(draft.name.trim())) return 'name';
      return draft.disuse === null || within(draft.disuse, 1, 3650) ? null : 'figure';
    default:
      return null;
  }
}

/** Times of a block may lie beyond 24:00, so the texts are compared as they stand. */
const isHours = ({ days, from, to }: OpeningHours): boolean => days.length > 0 && from < to;
