// The shapes of the booking half of the HTTP contract: a booking's life, what is asked with it,
// and the records that go with it. Times are RFC 3339, lengths ISO 8601 durations.
import type { Conflict, Interval, Member, Named, Node, Refusal, RoleName } from './types';

/** A person, for those who may see one. */
export interface Person {
  id: number;
  name?: string;
  display_name?: string;
  display_name_en?: string;
  institution?: string | Node | null;
}
/** Which instrument something is about: its key, with its name in the caller's language. */
export interface AtInstrument {
  instrument: string | (Named & { key: string });
  instrument_name?: string;
}

export const BOOKING_STATUSES = [
  'pending',
  'confirmed',
  'in_use',
  'completed',
  'no_show',
  'unverified',
  'cancelled',
  'declined',
  'expired',
] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];
/** What a caller may do with a booking now. */
export const ACTS = [
  'change',
  'cancel',
  'check_in',
  'check_out',
  'approve',
  'decline',
  'transfer',
  'restore',
  'override',
  'appeal',
] as const;
export type Act = (typeof ACTS)[number];

export const SERVICES = ['self_service', 'commissioned', 'joint', 'teaching', 'training'] as const;
export type ServiceKind = (typeof SERVICES)[number];
export type AnswerValue = boolean | number | string;
export interface Details {
  project?: number;
  payer?: string;
  service?: ServiceKind;
  samples?: number;
  answers?: Record<string, AnswerValue>;
}

export const ANSWER_KINDS = ['text', 'number', 'yes_no', 'choice'] as const;
export type AnswerKind =
  | { kind: 'text'; characters_max: number }
  | { kind: 'number'; least: number; most: number; unit?: string }
  | { kind: 'yes_no' }
  | { kind: 'choice'; options: string[] };
export interface Question {
  /** Its name in answers, a lower-case word. */
  name: string;
  label: string;
  label_en?: string;
  required?: boolean;
  after_use?: boolean;
  answer: AnswerKind;
}
export interface QuestionSet {
  version: number;
  questions: Question[];
  /** What is asked together, those of the levels above first. */
  all?: Question[];
}

/** What a booking has of its life beside its slot; absent from an older gateway. */
export interface BookingLife {
  status: BookingStatus;
  made_by?: Person | null;
  series?: number | null;
  bundle?: number | null;
  details?: Details | null;
  project_name?: string | null;
  began_at?: string | null;
  finished_at?: string | null;
  evidence?: 'machine' | 'check_in' | 'declared' | null;
  approve_by?: string | null;
  undo_until?: string | null;
  overrides?: { by: Person; at: string; reason: string; rules: string[] }[];
  can?: Act[];
}
/** The answer to a cancellation: what it cost. */
export interface CancelCost {
  late?: boolean;
  points?: number;
}
export interface LastBooking {
  length?: string;
  start?: string;
  end?: string;
  purpose: string;
  project?: string | null;
  details?: Details | null;
}

export interface Hold extends Interval, AtInstrument {
  id: number;
  expires_at: string;
}
export interface Offer extends Interval, AtInstrument {
  expires_at: string;
}
export interface Wait extends Interval {
  id: number;
  instruments: (string | (Named & { key: string }))[];
  length: string;
  auto_book: boolean;
  purpose: string;
  state: 'waiting' | 'served' | 'withdrawn' | 'over';
  position?: number | null;
  offer?: Offer | null;
  booking?: number | null;
  member?: Person;
  created_at?: string;
}
export interface WaitRequest {
  instruments: string[];
  start: string;
  end: string;
  length: string;
  auto_book: boolean;
  purpose: string;
}

export interface SeriesRequest {
  instrument: string;
  start: string;
  end: string;
  rule: string;
  exceptions?: string[];
  purpose: string;
  details?: Details;
  on_conflict: 'none' | 'skip';
}
export interface Occurrence extends Interval {
  would?: 'accept' | 'refuse' | 'ask_approval';
  booking?: number | { id: number } | null;
  refusals?: Refusal[];
  conflicts?: Conflict[];
}
export interface SeriesReport {
  occurrences: Occurrence[];
  series?: number | { id: number } | null;
}
export interface Series extends Interval, AtInstrument {
  id: number;
  rule: string;
  purpose: string;
  ended_at?: string | null;
}

export interface PoolOffer extends Interval {
  instrument: string;
  instrument_name?: string;
  distance_km?: number | null;
  needs_approval?: boolean;
}
export interface PoolAnswer {
  offers: PoolOffer[];
  excluded: {
    instrument: string;
    instrument_name?: string;
    why: 'not_permitted' | 'out_of_reach' | 'rules' | 'no_room';
    refusals?: Refusal[];
  }[];
  excluded_total: number;
  /** How many others could later, or were not looked at to the end. */
  later: number;
}

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

export interface BundleRequest {
  bookings: { instrument: string; start: string; end: string }[];
  purpose: string;
  details?: Details;
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
