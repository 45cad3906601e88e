import { describe, expect, it } from 'vitest';
import {
  grown,
  joined,
  obstacle,
  type Schedule,
  scheduleOf,
  spanFromNow,
  stepMinutes,
} from '../src/lib/schedule';
import { HOUR_MS } from '../src/lib/time';
import type { RulesInForce } from '../src/lib/types';

const DAY = Date.parse('2026-11-24T00:00:00+08:00');
const at = (hour: number) => DAY + hour * HOUR_MS;
const iso = (hour: number) => new Date(at(hour)).toISOString();
const span = (from: number, to: number) => ({ startMs: at(from), endMs: at(to) });
const rules: RulesInForce = {
  zone: 'Asia/Shanghai',
  opening_hours: [],
  alignment: 'PT15M',
  shortest: 'PT1H',
  longest: 'PT8H',
  horizon: 'P14D',
  policy_version: 1,
};

/** Open 8 to 22, now 9:30; others 10 to 12, mine 14 to 16, an outage 20 to 21. */
function day(): Schedule {
  const slot = (from: number, to: number) => ({ start: iso(from), end: iso(to) });
  const rest = { label: '', purpose: null };
  return scheduleOf({
    from: iso(0),
    to: iso(24),
    zone: 'Asia/Shanghai',
    status: 'idle',
    free: [slot(9.5, 10), slot(12, 14), slot(16, 20), slot(21, 22)],
    closed: [slot(0, 8), slot(22, 24)],
    occupied: [
      { ...slot(10, 12), ...rest, kind: 'booking', mine: false, booking: null },
      { ...slot(14, 16), ...rest, kind: 'booking', mine: true, booking: 7 },
      { ...slot(20, 21), ...rest, kind: 'outage', mine: false, booking: null },
    ],
  });
}
const now = at(9.5);
const kind = (from: number, to: number, moving: number | null = null) =>
  obstacle(span(from, to), day(), rules, now, moving)?.kind ?? null;

describe('what stands in the way of a slot', () => {
  it.each([
    [12, 14, null],
    [16, 20, null],
    [9, 10, 'past'],
    [11.75, 13, 'overlap'],
    [13, 14.25, 'overlap'],
    [19, 20.25, 'overlap'],
    [21.5, 22.5, 'closed'],
    [6, 7, 'past'],
  ])('%d to %d: %s', (from, to, expected) => {
    expect(kind(from, to)).toBe(expected);
  });

  it('touching a neighbour is no overlap', () => {
    expect(kind(12, 13)).toBeNull();
    expect(kind(9.5, 10)).toBeNull();
  });

  it('lets a booking move over its own place, and nobody else over it', () => {
    expect(kind(15, 17, 7)).toBeNull();
    expect(kind(12.5, 15, 7)).toBeNull();
    expect(kind(15, 17)).toBe('overlap');
    expect(kind(11, 15, 7)).toBe('overlap');
  });

  it('names the slot that is in the way', () => {
    const against = obstacle(span(19, 20.5), day(), rules, now);
    expect(against).toMatchObject({ kind: 'overlap', with: { kind: 'outage' } });
  });

  it('knows the longest and the horizon, and rules that are not set', () => {
    const open: Schedule = { known: span(0, 900), taken: [], closed: [], free: [span(0, 900)] };
    expect(obstacle(span(10, 19), open, rules, now)?.kind).toBe('longest');
    expect(obstacle(span(400, 401), open, rules, now)?.kind).toBe('horizon');
    const none = { ...rules, longest: null, horizon: null };
    expect(obstacle(span(10, 400), open, none, now)).toBeNull();
  });

  it('with several lanes, free time is free although somebody is there', () => {
    const shared = { ...day(), free: [span(9.5, 22)] };
    expect(obstacle(span(11, 13), shared, rules, now)).toBeNull();
  });
});

describe('selecting', () => {
  it('grows a short pull to the shortest rule where that is free', () => {
    expect(grown(span(12, 12.25), day(), rules, now)).toEqual(span(12, 13));
    expect(grown(span(13.5, 13.75), day(), rules, now)).toEqual(span(13.5, 13.75));
    expect(grown(span(12, 14), day(), rules, now)).toEqual(span(12, 14));
  });
  it('steps by the alignment', () => {
    expect(stepMinutes(rules)).toBe(15);
    expect(stepMinutes({ ...rules, alignment: null })).toBe(15);
    expect(stepMinutes({ ...rules, alignment: 'PT2H' })).toBe(60);
  });
  it('ends on the grid when it begins now', () => {
    const minute = 1 / 60;
    const ends = (from: number, minutes: number, more: Partial<RulesInForce> = {}) =>
      spanFromNow(at(from), minutes, { ...rules, ...more }, rules.zone);
    expect(ends(9 + 7 * minute, 60)).toEqual(span(9 + 7 * minute, 10.25));
    expect(ends(9, 60)).toEqual(span(9, 10));
    expect(ends(9 + 7 * minute, 480)).toEqual(span(9 + 7 * minute, 17));
    expect(ends(22 + 7 * minute, 60, { alignment: 'PT24H' }).endMs).toBe(at(24));
    expect(ends(9 + 7 * minute, 60, { alignment: null }).endMs).toBe(at(10 + 7 * minute));
  });
  it('joins what touches', () => {
    expect(joined([span(3, 4), span(1, 2), span(2, 3), span(6, 8), span(7, 7.5)])).toEqual([
      span(1, 4),
      span(6, 8),
    ]);
  });
});
