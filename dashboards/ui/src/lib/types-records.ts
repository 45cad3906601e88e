// The shapes of the records that go with bookings: outages, problems, projects, qualifications,
// points, notices, runs, rules in force, the tree and people.
import type { AtInstrument, Person } from './types-life';
import type { Interval, Member, Named, Refusal, RoleName } from './types';

export const OUTAGE_KINDS = ['planned', 'calibration', 'fault', 'closure'] as const;
export type OutageKind = (typeof OUTAGE_KINDS)[number];
export interface OutageRequest {
  instrument: string;
  start: string;
  end: string;
  kind: OutageKind;
  reason: string;
  bookings?: OutageChoice[];
}
export interface OutageChoice {
  id: number;
  do: 'keep' | 'cancel' | 'move';
  to?: { instrument: string; start: string };
}
export interface Proposal extends Interval {
  instrument: string;
  instrument_name?: string;
}
export interface OutageTrial {
  /** At most 100 of `total`. */
  bookings: (Interval & { id: number; member?: Person; purpose?: string; proposals: Proposal[] })[];
  total: number;
}

export const CAUSES = [
  'wear',
  'operation',
  'supply',
  'software',
  'consumable',
  'no_fault',
  'other',
] as const;
export type Cause = (typeof CAUSES)[number];
export interface ProblemReport extends AtInstrument {
  id: number;
  text: string;
  /** Only for the lab and for that person. */
  reporter?: Person;
  since: string;
  /** Where the photo is. */
  photo: string | null;
  outage: number | null;
  open: boolean;
  cause: Cause | null;
  remedy: string;
  closed_at: string | null;
  version: number;
}
export interface OpenProblem {
  id: number;
  text: string;
  since: string;
}

export interface Project extends Named {
  id: number;
  code: string;
  institution: number;
  institution_name: string;
  payer: string;
  funds: string;
  budget: string | null;
  used: string;
  from: string | null;
  until: string | null;
  /** Empty: everybody of the institution. */
  members: Person[];
  closed: boolean;
  version: number;
}
export interface ProjectEdit {
  code?: string;
  name?: string;
  name_en?: string;
  institution?: number;
  payer?: string;
  funds?: string;
  budget?: string | null;
  from?: string | null;
  until?: string | null;
  members?: number[];
  closed?: boolean;
}
export interface Qualification {
  id: number;
  member: Person;
  name: string;
  lab: number;
  lab_name: string;
  granted_by: Person;
  granted_at: string;
  expires_at: string | null;
  expired: boolean;
  last_use_at: string | null;
}
export interface Penalty extends AtInstrument {
  id: number;
  member?: Person;
  booking: number;
  reason: 'late_cancellation' | 'no_show';
  points: number;
  at: string;
  lifted: boolean;
  appeal?: {
    text: string;
    at?: string;
    state: 'open' | 'granted' | 'rejected';
    answer?: string;
  } | null;
  /** What the caller may do: `appeal`, `decide`. */
  can?: string[];
}
export interface Notice {
  id: number;
  kind: string;
  /** In the caller's language. */
  sentence: string;
  instrument?: AtInstrument['instrument'] | null;
  instrument_name?: string;
  booking?: number | null;
  start?: string | null;
  end?: string | null;
  at: string;
  seen_at?: string | null;
}
export interface Run extends AtInstrument {
  id: number;
  booking?: number | null;
  member?: Person | null;
  start: string;
  end?: string | null;
  running?: string | null;
  kind: 'booked' | 'overrun' | 'unbooked' | 'declared';
  evidence: 'machine' | 'check_in' | 'declared';
  uncertain?: boolean;
  state: 'open' | 'counted' | 'unsettled' | 'settled' | 'rejected';
  note?: string;
  /** Who settled it. */
  settled_by?: Person | null;
  version?: number;
  corrections?: {
    at: string;
    by?: Person | null;
    reason: string;
    before: Record<string, unknown>;
    after: Record<string, unknown>;
  }[];
}
export interface RunEdit {
  booking?: number;
  member?: number;
  reject?: true;
  accept?: true;
  note?: string;
  end?: string;
}
export interface DeclaredRun {
  instrument: string;
  start: string;
  end: string;
  member?: number;
  project?: number;
  note: string;
}

/** A rule that is applied, with the place that set it. */
export interface EffectiveRule {
  rule: string;
  mode?: 'default' | 'binding';
  classes?: string[];
  level?: string;
  /** The node that set it, or null for the instrument itself. */
  node?: number | null;
  node_name?: string | null;
  [field: string]: unknown;
}
export interface EffectivePolicy {
  rules: EffectiveRule[];
}
/** A key that lets a program act for its owner. */
export interface Token {
  id: number;
  name: string;
  /** What it may do: look, or everything its owner may. */
  scope: 'read' | 'all';
  created_at: string;
  expires_at: string;
}
/** What an instrument's label shows. */
export interface Label {
  /** The address that the code leads to. */
  text: string;
  code: string;
}
/** What a change of rules would have done to bookings. */
export interface Simulation {
  days: number;
  /** How many bookings were judged again. */
  bookings: number;
  /** Those ahead first, at most 200. */
  would_refuse: SimulatedRefusal[];
  would_refuse_total: number;
  newly_allowed: number;
  by_rule: Record<string, number>;
  /** Bookings to come that would break. */
  future: number[];
  /** There were more than could be judged. */
  cut: boolean;
}
export interface SimulatedRefusal extends Interval {
  booking: number;
  instrument: string;
  instrument_name?: string;
  member_label?: string;
  refusals: Refusal[];
}
export interface PolicyTrial {
  simulation?: Simulation;
}

export interface NodeEdit {
  parent?: number;
  name?: string;
  name_en?: string;
  enterprise?: boolean;
  latitude?: number | null;
  longitude?: number | null;
}
/** A person as administrators see it. */
export interface PersonRecord extends Member {
  active: boolean;
  version: number;
  /** One that was just made; not shown again. */
  password?: string;
}
export interface PersonEdit {
  login?: string;
  name?: string;
  name_en?: string;
  roles?: { role: RoleName; node: number }[];
  active?: boolean;
  reset_password?: true;
}
