// Every call to the gateway, one line each, and the one place that touches `fetch`.
//
// Failures are thrown as `ApiError`: the gateway's problem when it answered, `unreachable` when
// nothing came back. The language of titles and details follows the chosen one.
import type * as T from './types';

export class ApiError extends Error {
  /** Slug of the problem type, such as `slot-taken`; `unreachable` when there was no answer. */
  readonly slug: string;
  readonly status: number;
  readonly problem: T.Problem | null;

  constructor(slug: string, status: number, problem: T.Problem | null, cause?: unknown) {
    super(problem?.detail ?? problem?.title ?? slug, { cause });
    this.slug = slug;
    this.status = status;
    this.problem = problem;
  }
}

/** What the pages want to know of every call: whether the gateway can be reached, and who we are. */
interface Listener {
  language: () => string;
  reached: (yes: boolean) => void;
  signedOut: () => void;
}
let listener: Listener = { language: () => 'zh', reached: () => {}, signedOut: () => {} };
export function listen(to: Listener): void {
  listener = to;
}

export interface Answer<R> {
  body: R;
  etag: string | null;
}
interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Longest wait for an answer; a hanging connection then counts as unreachable. */
const ANSWER_MS_MAX = 20_000;

async function send<R>(method: string, path: string, options: Options = {}): Promise<Answer<R>> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'Accept-Language': listener.language(),
    ...options.headers,
  };
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  const limit = AbortSignal.timeout(ANSWER_MS_MAX);
  init.signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch (cause) {
    // A call that the page itself gave up says nothing about the gateway.
    if (options.signal?.aborted) throw cause;
    listener.reached(false);
    throw new ApiError('unreachable', 0, null, cause);
  }
  listener.reached(true);
  if (!response.ok) throw refused(response.status, text, path);
  const body = (text === '' ? undefined : JSON.parse(text)) as R;
  return { body, etag: response.headers.get('ETag') };
}

function refused(status: number, text: string, path: string): ApiError {
  let problem: T.Problem | null = null;
  try {
    problem = JSON.parse(text) as T.Problem;
  } catch {
    // A proxy in between may answer with a page of its own; the status has to do.
  }
  const slug = problem?.type?.split('/').pop() ?? `http-${status}`;
  if (status === 401 && !/\/(login|me)$/.test(path)) listener.signedOut();
  return new ApiError(slug, status, problem);
}

/** The verbs of the contract, for the calls of other modules too. */
export const get = async <R>(path: string, signal?: AbortSignal): Promise<R> =>
  (await send<R>('GET', path, { signal })).body;
export const post = async <R>(path: string, body?: unknown, headers: Record<string, string> = {}) =>
  (await send<R>('POST', path, { body: body ?? {}, headers })).body;
export const put = async <R>(path: string, body: unknown, version?: number) =>
  (await send<R>('PUT', path, { body, headers: ifMatch(version) })).body;
export const patch = async <R>(path: string, body: unknown, version?: number) =>
  (await send<R>('PATCH', path, { body, headers: ifMatch(version) })).body;
export const remove = async <R = void>(path: string, body?: unknown) =>
  (await send<R>('DELETE', path, body === undefined ? {} : { body })).body;

const ifMatch = (version?: number): Record<string, string> =>
  version === undefined ? {} : { 'If-Match': `"${version}"` };

export type Query = Record<string, string | number | boolean | undefined>;
export function withQuery(path: string, query: Query): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') pairs.set(name, String(value));
  }
  const text = pairs.toString();
  return text === '' ? path : `${path}?${text}`;
}

export const V1 = '/api/v1';
export const at = (key: string) => `${V1}/instruments/${encodeURIComponent(key)}`;
/** Settings hang below an instrument (by key) or a node of the tree (by id). */
export type PolicyHome = { instrument: string } | { node: number };
export const settingsAt = (home: PolicyHome) =>
  'node' in home ? `${V1}/nodes/${home.node}` : at(home.instrument);
const policyAt = (home: PolicyHome) => `${settingsAt(home)}/policy`;

export const api = {
  login: (name: string, password: string) =>
    post<{ member: T.Member }>(`${V1}/login`, { name, password }),
  logout: () => post<void>(`${V1}/logout`),
  me: () => get<{ member: T.Member }>(`${V1}/me`),

  index: () => get<T.InstrumentIndex>(`${V1}/instruments/index`),
  status: () => get<T.StatusSnapshot>(`${V1}/status`),
  nodes: () => get<{ items: T.TreeNode[] }>(`${V1}/nodes`),
  instruments: (query: Query) => get<T.List<T.Instrument>>(withQuery(`${V1}/instruments`, query)),
  instrument: (key: string, signal?: AbortSignal) => get<T.InstrumentDetail>(at(key), signal),
  register: (body: T.InstrumentEdit) => post<T.Instrument>(`${V1}/instruments`, body),
  edit: (key: string, body: T.InstrumentEdit, version: number) =>
    patch<T.Instrument>(at(key), body, version),
  withdraw: (key: string) => remove(at(key)),

  policy: (home: PolicyHome) => get<T.Policy>(policyAt(home)),
  setPolicy: (home: PolicyHome, rules: T.PolicyRule[], version: number) =>
    put<T.Policy>(policyAt(home), { rules }, version),
  source: (key: string) => get<T.Source | null>(`${at(key)}/source`),
  deviceProfiles: () => get<{ items: T.DeviceProfile[] }>(`${V1}/device-profiles`),
  setSource: (key: string, source: T.Source) => put<T.Source>(`${at(key)}/source`, source),
  stateRule: (key: string) => get<T.StateRule>(`${at(key)}/state-rule`),
  setStateRule: (key: string, rule: T.StateRule) => put<T.StateRule>(`${at(key)}/state-rule`, rule),
  learnedRule: (key: string, days: number) =>
    get<T.LearnedRule>(withQuery(`${at(key)}/state-rule/learned`, { days })),
  tryRule: (key: string, rule: T.StateRule) =>
    post<T.RulePreview>(`${at(key)}/state-rule/preview`, { rule }),

  availability: (key: string, from: string, to: string, signal?: AbortSignal) =>
    get<T.Availability>(withQuery(`${at(key)}/availability`, { from, to }), signal),
  grid: (keys: string[], from: string, to: string, step: string) =>
    get<T.AvailabilityGrid>(
      withQuery(`${V1}/availability/grid`, { keys: keys.join(','), from, to, step }),
    ),
  readings: (key: string, channel: string, from: string, to: string, step: string) =>
    get<T.Readings>(withQuery(`${at(key)}/readings`, { channel, from, to, step })),
  states: (key: string, from: string, to: string) =>
    get<{ items: T.StateInterval[] }>(withQuery(`${at(key)}/states`, { from, to })),

  book: (body: T.BookingRequest, idempotencyKey: string) =>
    post<T.Booking>(`${V1}/bookings`, body, { 'Idempotency-Key': idempotencyKey }),
  check: async (body: T.BookingRequest, signal?: AbortSignal) =>
    (await send<T.Verdict>('POST', `${V1}/bookings?dry_run=true`, { body, signal })).body,
  bookings: (query: Query) => get<T.List<T.Booking>>(withQuery(`${V1}/bookings`, query)),
  booking: (id: number) => get<T.Booking>(`${V1}/bookings/${id}`),
  change: (id: number, body: T.BookingEdit) => patch<T.Booking>(`${V1}/bookings/${id}`, body),
  cancel: (id: number, reason?: string) =>
    remove<T.Booking & T.CancelCost>(
      `${V1}/bookings/${id}`,
      reason === undefined ? undefined : { reason },
    ),

  outages: (key: string) =>
    get<{ items: T.Outage[] }>(withQuery(`${V1}/outages`, { instrument: key })),
  endOutage: (id: number) => remove(`${V1}/outages/${id}`),

  agents: () => get<{ items: T.Agent[] }>(`${V1}/agents`),
  makeAgent: (name: string, lab: number) => post<T.NewAgent>(`${V1}/agents`, { name, lab }),
  revokeAgent: (name: string) => remove(`${V1}/agents/${encodeURIComponent(name)}`),

  utilisation: (query: Query) => get<T.Utilisation>(withQuery(`${V1}/utilisation`, query)),
};

/** A fresh key for one intended booking; a retry of the same intent must send the same one. */
export function newIdempotencyKey(): string {
  // `randomUUID` exists only on secure origins; a gateway on a laboratory network may be plain.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
