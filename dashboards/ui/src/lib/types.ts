// The shapes of the HTTP contract (v1), as the gateway sends them. Times are RFC 3339 with an
// offset, durations ISO 8601, and every named thing has a Chinese and an English name.
import type { Denied } from './types-devices';
import type { BookingLife, Details, Occurrence, Question } from './types-life';
import type { OpenProblem, OutageKind } from './types-records';
import type { HoursException, PolicyRule } from './rules';

export type * from './types-life';
export type * from './types-records';
export type { PolicyRule, RuleName } from './rules';

/** What people see of an instrument, the first that holds of: */
export const STATUSES = [
  'idle',
  'running',
  'booked',
  'maintenance',
  'fault',
  'offline',
  'no_telemetry',
] as const;
export type Status = (typeof STATUSES)[number];
export type Counts = Record<Status, number>;

export type MachineState = 'off' | 'standby' | 'running' | 'fault' | 'offline' | 'unknown';

export interface Named {
  name: string;
  name_en: string;
}
export interface Node extends Named {
  id: number;
}
export interface TreeNode extends Node {
  kind: 'region' | 'centre' | 'institution' | 'lab';
  parent: number | null;
  enterprise?: boolean;
  latitude?: number | null;
  longitude?: number | null;
  version?: number;
}
export interface List<T> {
  items: T[];
  next_cursor: string | null;
  total: number;
}

export type RoleName = 'researcher' | 'manager' | 'centre_admin' | 'region_admin' | 'auditor';
export interface Member {
  id: number;
  login: string;
  display_name: string;
  display_name_en: string;
  roles: { role: RoleName; node: Node }[];
}

export interface Instrument extends Named {
  key: string;
  model: string;
  manufacturer: string;
  category: string | null;
  capabilities: string[];
  room: string;
  centre: Node;
  institution: Node;
  lab: Node;
  zone: string;
  capacity: number;
  bookable: boolean;
  published: boolean;
  status: Status;
  status_since: string | null;
  /** The machine's readings do not prove use: check-in does. */
  always_on?: boolean;
  latitude?: number | null;
  longitude?: number | null;
  machine_state: MachineState;
  offline_reason: 'agent' | 'link' | 'device' | null;
  version: number;
}
export interface Channel {
  name: string;
  unit: string;
  time: string | null;
  value: number | null;
  quality: string;
}
export interface OpeningHours {
  days: number[];
  from: string;
  to: string;
}
export interface RulesInForce {
  zone: string;
  /** Empty or null: always open. */
  opening_hours: OpeningHours[] | null;
  /** Days with other hours; of several that hold on one day, the last counts. */
  exceptions?: HoursException[];
  holidays?: 'none' | 'china';
  /** A booking is made of whole ones of these; `to` may lie beyond `24:00`. */
  blocks?: OpeningHours[];
  alignment: string | null;
  shortest: string | null;
  longest: string | null;
  horizon: string | null;
  policy_version: number;
}
export interface InstrumentDetail extends Instrument {
  channels: Channel[];
  rules: RulesInForce;
  may: { book: boolean; edit: boolean };
  problems?: OpenProblem[];
}
export interface InstrumentEdit {
  key?: string;
  name?: string;
  name_en?: string;
  model?: string;
  manufacturer?: string;
  category?: string | null;
  capabilities?: string[];
  room?: string;
  lab?: number;
  zone?: string;
  capacity?: number;
  bookable?: boolean;
  published?: boolean;
  always_on?: boolean;
  latitude?: number | null;
  longitude?: number | null;
}

/** One row of the slim index: key, name, English name, model, lab's place in `labs`, room, capabilities, bookable. */
export type IndexRow = [string, string, string, string, number, string, string, 0 | 1];
export interface InstrumentIndex {
  etag: string;
  centres: Node[];
  institutions: Node[];
  labs: (Node & { institution: number; centre: number })[];
  rows: IndexRow[];
}
export interface StatusSnapshot {
  server_time: string;
  counts: Counts;
  status: Record<string, Status>;
}

export interface Interval {
  start: string;
  end: string;
}
export interface Occupied extends Interval {
  /** `buffer`: set-up before a booking, clean-up after it. */
  kind: 'booking' | 'hold' | 'offer' | 'outage' | 'buffer';
  mine: boolean;
  label: string;
  booking: number | null;
  purpose: string | null;
}
export interface Availability {
  from: string;
  to: string;
  zone: string;
  status: Status;
  free: Interval[];
  occupied: Occupied[];
  closed: Interval[];
}
export interface GridItem {
  key: string;
  /** One letter per step: Free, Booked, Partly booked, Closed, Maintenance. */
  cells: string;
  next_free: string | null;
}
export interface AvailabilityGrid {
  from: string;
  to: string;
  step: string;
  items: GridItem[];
}

export interface Refusal {
  rule: string;
  limit: string | null;
  actual: string | null;
  passes_at: string | null;
  override_by: string[];
  message: string;
}
export interface Conflict extends Interval {
  kind: string;
  label: string;
}
export interface Verdict {
  would: 'accept' | 'refuse' | 'ask_approval';
  refusals: Refusal[];
  conflicts: Conflict[];
  next_free: Interval[];
  /** Whether this caller may set every refusal aside. */
  overridable?: boolean;
  questions?: Question[];
}
export interface Booking extends Interval, BookingLife {
  id: number;
  instrument: Named & { key: string };
  member: { id: number; display_name: string; display_name_en: string };
  /** An outage covers part of it. */
  at_risk: boolean;
  purpose: string;
  project: string | null;
  created_at: string;
  cancelled_at: string | null;
  policy_version: number;
  version: number;
}
export interface BookingRequest {
  instrument: string;
  /** Left out where use begins now. */
  start?: string;
  end: string;
  purpose: string;
  /** A project that is not registered. */
  project?: string;
  details?: Details;
  /** On whose behalf. */
  member?: number;
  hold?: number;
  override?: { reason: string };
  now?: true;
}
export interface BookingEdit {
  start?: string;
  end?: string;
  purpose?: string;
  details?: Details;
}
export interface Outage extends Interval {
  id: number;
  instrument: string | (Named & { key: string });
  kind?: OutageKind;
  reason: string;
  at_risk: number[];
}

export interface Readings {
  instrument: string;
  channel: string;
  unit: string;
  from: string;
  to: string;
  step: string | null;
  times_ms: number[];
  mean?: (number | null)[];
  min?: (number | null)[];
  max?: (number | null)[];
  values?: (number | null)[];
}
export interface StateInterval {
  state: MachineState;
  reason: string | null;
  start: string;
  end: string | null;
}

export interface Utilisation {
  from: string;
  to: string;
  items: {
    node: Node;
    instruments: number;
    running_h: number;
    booked_h: number;
    coverage: number;
  }[];
  definitions: Record<'running_h' | 'booked_h' | 'coverage', string>;
}

export interface Policy {
  version: number;
  rules: PolicyRule[];
}
export interface Source {
  agent: string | null;
  device?: string;
  /** A unit that the gateway polls itself; `agent` is then its own one. */
  modbus?: ModbusSource;
}
export interface ModbusSource {
  profile: string;
  address: string;
  unit: number;
  every: string;
  timeout: string;
}
/** A Modbus device whose registers the gateway knows. */
export interface DeviceProfile {
  name: string;
  title: string;
  channels: { name: string; unit: string }[];
}
/** A state that a rule can name. */
export type StateLevel = 'off' | 'standby' | 'running' | 'fault';
/** Thresholds where `kind` is left out; fields of conditions are written as text. */
export interface StateRule {
  kind?: 'register' | 'cases';
  channel?: string;
  running_above?: number;
  running_below?: number;
  standby_above?: number | null;
  /** What values of a status register mean: `from`, or all up to `to`. */
  table?: { from: number; to?: number; state: StateLevel }[];
  /** What all other values mean; left out: the state stays. */
  otherwise?: StateLevel;
  /** Channels that are a fault: at any of these bits, or whenever they are not 0. */
  alarms?: { channel: string; bits?: number[] }[];
  dwell: string;
  fault_channel: string | null;
  /** Null: by the interval that the agent promises. */
  stale_after: string | null;
  /** A fault that lasts opens an outage. */
  on_fault?: { after: string; expected: string; clear: string; ends_itself: boolean };
}
/** What the last days' readings say of thresholds. */
export interface LearnedRule {
  unit: string;
  covered: string;
  histogram: { bounds: number[]; seconds: number[] };
  levels: { center: number; share: number; state: 'off' | 'standby' | 'running' }[];
  proposal: {
    rule: StateRule;
    confidence: number;
    confidence_word: 'low' | 'medium' | 'high';
  } | null;
  why_not: 'too_few_readings' | 'one_level' | null;
}
/** What a rule would have decided. */
export interface RulePreview {
  unread_channels: string[];
  differs: string;
  differences: { start: string; end: string; decided: string | null; by_rule: string | null }[];
  totals: {
    state: 'off' | 'standby' | 'running' | 'fault' | 'offline';
    decided: string;
    by_rule: string;
  }[];
}
export interface Agent {
  name: string;
  lab: Node;
  online: boolean;
  /** The gateway itself, polling devices that nobody stands beside. */
  is_gateway: boolean;
  last_seen: string | null;
  version: string | null;
  clock_skew_ms: number | null;
  is_clock_off: boolean;
  lost_records: number | null;
  last_loss: string | null;
  denied: Denied | null;
}
export interface NewAgent {
  name: string;
  secret: string;
  mqtt_url: string;
  agent_toml: string;
}

/** An error answer (`application/problem+json`); `type` is a path such as `/problems/slot-taken`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  errors?: { field: string; message: string }[];
  conflicts?: Conflict[];
  refusals?: Refusal[];
  next_free?: Interval[];
  retry_after_s?: number;
  /** Of a series: what stands against each occurrence. */
  occurrences?: Occurrence[];
  /** Of a bundle: what stands against each part. */
  parts?: { part: number; refusals?: Refusal[]; conflicts?: Conflict[] }[];
}
