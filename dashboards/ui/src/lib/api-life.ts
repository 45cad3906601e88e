// Calls of a booking's life, for members: holds, series, waitlist, check-in, problems, own records.
import { api, at, get, patch, post, put, remove, V1, withQuery } from './api';
import type * as T from './types';

const booking = (id: number) => `${V1}/bookings/${id}`;
const act = (name: string) => (id: number) => post<T.Booking>(`${booking(id)}/${name}`);
const fresh = (key: string) => ({ 'Idempotency-Key': key });

export const life = {
  checkChange: (id: number, body: T.BookingEdit) =>
    patch<T.Verdict>(`${booking(id)}?dry_run=true`, body),
  /** Details are merged (RFC 7396): null takes away, what is left out stays. */
  describe: (
    id: number,
    details: { samples: number | null; answers: Record<string, T.AnswerValue | null> },
  ) => patch<T.Booking>(booking(id), { details }),
  restore: act('restore'),
  checkIn: (id: number, qr?: string) =>
    post<T.Booking>(withQuery(`${booking(id)}/check-in`, { qr })),
  checkOut: act('check-out'),
  approve: act('approve'),
  decline: (id: number, reason: string) =>
    post<T.Booking>(`${booking(id)}/decline`, reason === '' ? {} : { reason }),
  transfer: (id: number, member: number) => post<T.Booking>(`${booking(id)}/transfer`, { member }),
  lastBooking: (key: string) => get<T.LastBooking | null>(`${at(key)}/last-booking`),
  effective: (key: string) => get<T.EffectivePolicy>(`${at(key)}/policy/effective`),
  questions: (key: string) => get<T.QuestionSet>(`${at(key)}/questions`),

  hold: (body: { instrument: string; start: string; end: string }) =>
    post<T.Hold>(`${V1}/holds`, body),
  release: (id: number) => remove(`${V1}/holds/${id}`),

  bundle: (body: T.BundleRequest, key: string) =>
    post<{ items: T.Booking[] }>(`${V1}/bundles`, body, fresh(key)),
  series: () => get<T.List<T.Series>>(`${V1}/series`),
  checkSeries: (body: T.SeriesRequest) => post<T.SeriesReport>(`${V1}/series?dry_run=true`, body),
  makeSeries: (body: T.SeriesRequest, key: string) =>
    post<T.SeriesReport>(`${V1}/series`, body, fresh(key)),
  endSeries: (id: number, from?: string) =>
    remove<T.SeriesEnded>(withQuery(`${V1}/series/${id}`, { from })),

  waits: () => get<T.List<T.Wait>>(`${V1}/waitlist`),
  wait: (body: T.WaitRequest) => post<T.Wait>(`${V1}/waitlist`, body),
  withdrawWait: (id: number) => remove(`${V1}/waitlist/${id}`),
  acceptOffer: (id: number, details?: T.Details) =>
    post<T.Booking>(`${V1}/waitlist/${id}/accept`, details && { details }),
  declineOffer: (id: number) => post<void>(`${V1}/waitlist/${id}/decline`),

  pool: (query: Parameters<typeof withQuery>[1], signal?: AbortSignal) =>
    get<T.PoolAnswer>(withQuery(`${V1}/availability`, query), signal),

  reportProblem: (body: { instrument: string; text: string; photo?: string }) =>
    post<T.ProblemReport>(`${V1}/problems`, body),
  problems: (instrument: string, open?: boolean) =>
    get<T.List<T.ProblemReport>>(withQuery(`${V1}/problems`, { instrument, open, limit: 200 })),

  projects: () => get<T.List<T.Project>>(`${V1}/projects?mine=true`),
  qualifications: () => get<T.List<T.Qualification>>(`${V1}/qualifications?mine=true`),
  penalties: () => get<T.List<T.Penalty>>(`${V1}/penalties?mine=true`),
  appeal: (id: number, text: string) => post<T.Penalty>(`${V1}/penalties/${id}/appeal`, { text }),
  declareRun: (body: T.DeclaredRun) => post<T.Run>(`${V1}/runs`, body),

  /** Ends one's other sessions. */
  changePassword: (old: string, fresh: string) =>
    put<void>(`${V1}/me/password`, { old, new: fresh }),
  tokens: () => get<{ items: T.Token[] }>(`${V1}/tokens`),
  makeToken: (body: { name: string; scope: T.Token['scope']; expires_in_days: number }) =>
    post<T.Token & { token: string }>(`${V1}/tokens`, body),
  revokeToken: (id: number) => remove(`${V1}/tokens/${id}`),

  notices: (query: { unseen?: boolean; limit?: number; cursor?: string }) =>
    get<T.List<T.Notice>>(withQuery(`${V1}/notices`, query)),
  seen: (upTo: number) => post<void>(`${V1}/notices/seen`, { up_to: upTo }),
  members: (q: string, lab?: number) =>
    get<{ items: T.Person[] }>(withQuery(`${V1}/members`, { q, lab })),
};

/** Every page of a list, up to `most` items: what a person has of one kind is not much. */
export async function bookingsOf(
  query: Parameters<typeof api.bookings>[0],
  most = 1000,
): Promise<T.Booking[]> {
  const items: T.Booking[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.bookings({ ...query, limit: 500, cursor });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return items;
}
