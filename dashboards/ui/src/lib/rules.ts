// Every rule that can be set, its figures and their bounds: one table from which forms, defaults and
// checks are made. The gateway's list is `registry/json/body.rs`; a test compares the two.
import type { OpeningHours } from './types';

export const CLASSES = ['internal', 'region', 'enterprise'] as const;
export type CallerClass = (typeof CLASSES)[number];
export const PARTIES = ['member', 'project', 'lab', 'institution'] as const;
export const PERIODS = ['day', 'week', 'month', 'year'] as const;
export type Mode = 'default' | 'binding';

export type Unit = 'minutes' | 'days' | 'times' | 'points';
export interface Figure {
  /** The field in the rule's JSON. */
  name: string;
  unit: Unit;
  least: number;
  most: number;
  /** Where a new rule begins. */
  begin: number;
}
const figure = (
  name: string,
  unit: Unit,
  [least, most]: [number, number],
  begin: number,
): Figure => ({ name, unit, least, most, begin });

/** A year of minutes, the longest length of a rule. */
const YEAR = 525_600;
const DAY: [number, number] = [1, 1440];
const minutes = (bounds: [number, number], begin: number) =>
  figure('minutes', 'minutes', bounds, begin);

/** How a rule that is not figures alone is edited. */
export type Editor =
  'opening' | 'blocks' | 'weekly' | 'classes' | 'approval' | 'qualification' | 'quota';
export type Group = 'time' | 'who' | 'notice' | 'share' | 'use';
export interface RuleShape {
  group: Group;
  figures: Figure[];
  editor?: Editor;
}
const figures = (group: Group, ...list: Figure[]): RuleShape => ({ group, figures: list });
const edited = (group: Group, editor: Editor, ...list: Figure[]): RuleShape => ({
  group,
  editor,
  figures: list,
});

export const RULE_TABLE = {
  opening_hours: edited('time', 'opening'),
  fixed_blocks: edited('time', 'blocks'),
  alignment: figures('time', minutes(DAY, 15)),
  shortest: figures('time', minutes([1, YEAR], 30)),
  longest: figures('time', minutes([1, YEAR], 480)),
  horizon: figures('time', figure('days', 'days', [1, 3650], 14)),
  off_peak: edited('time', 'weekly'),

  who_may_book: edited('who', 'classes'),
  qualification: edited('who', 'qualification'),
  approval: edited('who', 'approval'),

  notice_to_book: figures('notice', minutes([0, YEAR], 60)),
  notice_to_move: figures('notice', minutes([0, YEAR], 60)),
  notice_to_cancel: figures('notice', minutes([0, YEAR], 60)),

  minimum_gap: figures('share', minutes([1, YEAR], 60)),
  per_day: figures('share', figure('count', 'times', [1, 1000], 2)),
  future_count: figures('share', figure('count', 'times', [1, 1000], 5)),
  future_hours: figures('share', minutes([1, YEAR], 1200)),
  quota: edited('share', 'quota', minutes([1, 527_040], 2400)),
  hold_limit: figures(
    'share',
    figure('count', 'times', [1, 100], 2),
    figure('minutes', 'minutes', DAY, 10),
  ),
  waitlist: figures(
    'share',
    figure('offer_minutes', 'minutes', [1, 10_080], 15),
    figure('undo_minutes', 'minutes', [0, 1440], 5),
  ),

  buffers: figures(
    'use',
    figure('setup_minutes', 'minutes', [0, 1440], 0),
    figure('cleanup_minutes', 'minutes', [0, 1440], 15),
  ),
  grace: figures('use', minutes(DAY, 30)),
  early_finish: figures('use', figure('dwell_minutes', 'minutes', DAY, 30)),
  late_cancellation: figures(
    'use',
    figure('minutes', 'minutes', [0, YEAR], 720),
    figure('points', 'points', [1, 1000], 1),
  ),
  no_show_points: figures('use', figure('points', 'points', [1, 1000], 3)),
  points_limit: figures(
    'use',
    figure('threshold', 'points', [1, 1000], 6),
    figure('window_days', 'days', [1, 3650], 90),
    figure('block_days', 'days', [0, 3650], 14),
  ),
} satisfies Record<string, RuleShape>;

export type RuleName = keyof typeof RULE_TABLE;
export const RULES = Object.keys(RULE_TABLE) as RuleName[];
export const GROUPS: Group[] = ['time', 'who', 'notice', 'share', 'use'];
export const shapeOf = (rule: RuleName): RuleShape => RULE_TABLE[rule];

export interface HoursException {
  /** First and last day, `YYYY-MM-DD`. */
  from: string;
  to: string;
  /** None: closed. */
  hours: { from: string; to: string }[];
}
/** A rule as it travels: its name, its mode and the fields of its kind. */
export interface PolicyRule {
  rule: RuleName;
  mode: Mode;
  /** Whom it speaks to; left out: everybody. */
  classes?: CallerClass[];
  minutes?: number;
  days?: number;
  count?: number;
  setup_minutes?: number;
  cleanup_minutes?: number;
  dwell_minutes?: number;
  points?: number;
  threshold?: number;
  window_days?: number;
  block_days?: number;
  offer_minutes?: number;
  undo_minutes?: number;
  weekly?: OpeningHours[];
  exceptions?: HoursException[];
  holidays?: 'none' | 'china';
  blocks?: OpeningHours[];
  who?: CallerClass[];
  longer_than_minutes?: number;
  name?: string;
  disuse_days?: number;
  per?: (typeof PARTIES)[number];
  period?: (typeof PERIODS)[number];
}
