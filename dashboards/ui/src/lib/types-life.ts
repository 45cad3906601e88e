// The shapes of the booking half of the HTTP contract: a booking's life and what is asked with it.
// Times are RFC 3339, lengths ISO 8601 durations.
import type { Conflict, Interval, Named, Node, Refusal } from './types';

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
  /** Who said yes or no to it, where somebody had to. */
  decided_by?: Person | null;
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
  /** Any of these. */
  instruments: AtInstrument[];
  length: string;
  auto_book: boolean;
  /** Only for its member, as what else was asked. */
  purpose?: string;
  project?: string;
  details?: Details;
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
  project?: string;
  details?: Details;
}

export interface SeriesRequest {
  instrument: string;
  start: string;
  end: string;
  rule: string;
  exceptions?: string[];
  purpose: string;
  project?: string;
  details?: Details;
  on_conflict: 'none' | 'skip';
}
export interface Occurrence extends Interval {
  would?: 'accept' | 'refuse' | 'ask_approval';
  booking?: { id: number };
  refusals?: Refusal[];
  conflicts?: Conflict[];
}
export interface SeriesReport {
  occurrences: Occurrence[];
  series: Series | null;
}
/** What was given up of a series; a rule or their state keeps the others. */
export interface SeriesEnded {
  cancelled: number[];
  kept: number[];
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

export interface BundleRequest {
  bookings: { instrument: string; start: string; end: string }[];
  purpose: string;
  details?: Details;
}
