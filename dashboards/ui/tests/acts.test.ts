import { describe, expect, it } from 'vitest';
import { buttonsOf, cancelPoints, canOf, grouped, undoLeftMs } from '../src/lib/acts';
import { countdown } from '../src/lib/countdown';
import type { Act, Booking, BookingStatus } from '../src/lib/types';

const MINUTE = 60_000;
const start = '2026-11-25T10:00:00+08:00';
const end = '2026-11-25T12:00:00+08:00';
const at = (minutes: number) => Date.parse(start) + minutes * MINUTE;
const [BEFORE, WITHIN, AFTER] = [at(-60), at(30), at(180)];
const one = (status: BookingStatus, can?: Act[], undo_until: string | null = null) => ({
  status,
  start,
  end,
  undo_until,
  ...(can ? { can } : {}),
});

describe('what a booking offers', () => {
  it('splits a change by where the booking is in its life', () => {
    const change = (status: BookingStatus, nowMs: number) =>
      buttonsOf(one(status, ['change']), nowMs);
    expect(change('confirmed', BEFORE)).toEqual(['move', 'extend']);
    expect(change('pending', BEFORE)).toEqual(['move', 'extend']);
    expect(change('in_use', WITHIN)).toEqual(['shorten', 'extend', 'answers']);
    expect(change('confirmed', WITHIN)).toEqual(['shorten', 'extend']);
    expect(change('completed', AFTER)).toEqual(['answers']);
    expect(change('in_use', AFTER)).toEqual(['answers']);
  });
  it('shows what the gateway allows and nothing else, in one order', () => {
    const all: Act[] = ['cancel', 'transfer', 'check_in', 'change'];
    expect(buttonsOf(one('confirmed', all), BEFORE)).toEqual([
      'check_in',
      'move',
      'extend',
      'transfer',
      'cancel',
    ]);
    expect(buttonsOf(one('pending', ['approve', 'decline']), BEFORE)).toEqual([
      'approve',
      'decline',
    ]);
    expect(buttonsOf(one('no_show', ['appeal']), AFTER)).toEqual(['appeal']);
    expect(buttonsOf(one('confirmed', []), BEFORE)).toEqual([]);
    expect(buttonsOf(one('confirmed', ['override']), BEFORE)).toEqual([]);
  });
  it('restores only within the undo time', () => {
    const cancelled = one('cancelled', ['restore'], '2026-11-25T09:05:00+08:00');
    expect(buttonsOf(cancelled, BEFORE)).toEqual(['restore']);
    expect(buttonsOf(cancelled, BEFORE + 5 * MINUTE)).toEqual([]);
    expect(undoLeftMs(cancelled, BEFORE + 2 * MINUTE)).toBe(3 * MINUTE);
  });
  it('falls back to changes while the slot lasts where nothing is said', () => {
    expect([...canOf(one('confirmed'), BEFORE)]).toEqual(['change', 'cancel']);
    expect([...canOf(one('confirmed'), AFTER)]).toEqual([]);
    expect([...canOf(one('cancelled'), BEFORE)]).toEqual([]);
  });
});

describe('what cancelling costs', () => {
  const rule = { minutes: 120, points: 2 };
  const booked = {
    status: 'confirmed' as const,
    start,
    created_at: '2026-11-20T10:00:00+08:00',
    at_risk: false,
  };
  it('is nothing early, points late, and free just after booking or at risk', () => {
    expect(cancelPoints(booked, rule, at(-121))).toBe(0);
    expect(cancelPoints(booked, rule, at(-120))).toBe(0);
    expect(cancelPoints(booked, rule, at(-119))).toBe(2);
    expect(cancelPoints(booked, null, at(-1))).toBe(0);
    expect(cancelPoints({ ...booked, at_risk: true }, rule, at(-1))).toBe(0);
    expect(cancelPoints({ ...booked, status: 'pending' }, rule, at(-1))).toBe(0);
    const fresh = { ...booked, created_at: new Date(at(-14)).toISOString() };
    expect(cancelPoints(fresh, rule, at(-9))).toBe(0);
    expect(cancelPoints(fresh, rule, at(-8))).toBe(2);
  });
});

describe('bookings made together', () => {
  it('come in one heap each', () => {
    const list = [
      { id: 1, series: 7 },
      { id: 2 },
      { id: 3, bundle: 7 },
      { id: 4, series: 7 },
      { id: 5, series: null, bundle: null },
    ] as Booking[];
    expect(
      grouped(list).map(({ group, bookings }) => [group, bookings.map(({ id }) => id)]),
    ).toEqual([
      ['series-7', [1, 4]],
      [null, [2]],
      ['bundle-7', [3]],
      [null, [5]],
    ]);
  });
});

describe('countdown', () => {
  it('never shows less than is left, nor more than nothing', () => {
    expect([0, -5000, 1, 1000, 59_001].map(countdown)).toEqual([
      '0:00',
      '0:00',
      '0:01',
      '0:01',
      '1:00',
    ]);
    expect(countdown(605_000)).toBe('10:05');
    expect(countdown(3_729_000)).toBe('1:02:09');
    expect(countdown(2 * 86_400_000 + 61_000)).toBe('2 d 0:01:01');
  });
});
