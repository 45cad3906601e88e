import { describe, expect, it } from 'vitest';
import {
  COUNT_MAX,
  faultOf,
  ordinalOf,
  repeatFrom,
  type Repeat,
  ruleOf,
  weekdayOf,
} from '../src/lib/recurrence';

const repeat = (day: string, change: Partial<Repeat>): Repeat => ({
  ...repeatFrom(day),
  ...change,
});

describe('a repetition as an RFC 5545 rule', () => {
  const day = '2026-11-25'; // the fourth Wednesday
  it.each<[string, Partial<Repeat>]>([
    ['FREQ=WEEKLY;BYDAY=WE;COUNT=8', {}],
    ['FREQ=DAILY;COUNT=5', { frequency: 'DAILY', count: 5 }],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=8', { interval: 2, weekdays: [5, 1, 3, 1] }],
    ['FREQ=WEEKLY;COUNT=8', { weekdays: [] }],
    ['FREQ=MONTHLY;BYMONTHDAY=25;COUNT=8', { frequency: 'MONTHLY' }],
    ['FREQ=MONTHLY;BYDAY=4WE;COUNT=8', { frequency: 'MONTHLY', monthly: 'weekday' }],
    ['FREQ=WEEKLY;BYDAY=WE;UNTIL=20261231', { end: 'until', until: '2026-12-31' }],
  ])('%s', (rule, change) => {
    expect(ruleOf(repeat(day, change), day)).toBe(rule);
  });
  it('counts weekdays of a month, a fifth being the last', () => {
    expect(['2026-11-01', '2026-11-07', '2026-11-08', '2026-11-28'].map(ordinalOf)).toEqual([
      1, 1, 2, 4,
    ]);
    expect(ordinalOf('2026-11-29')).toBe(-1);
    const last = repeat('2026-11-29', { frequency: 'MONTHLY', monthly: 'weekday' });
    expect(ruleOf(last, '2026-11-29')).toBe('FREQ=MONTHLY;BYDAY=-1SU;COUNT=8');
  });
  it('knows weekdays', () => {
    expect(['2026-11-23', '2026-11-29'].map(weekdayOf)).toEqual([1, 7]);
  });
  it('names what is wrong', () => {
    expect(faultOf(repeat(day, {}), day)).toBeNull();
    expect(faultOf(repeat(day, { interval: 0 }), day)).toBe('interval');
    expect(faultOf(repeat(day, { count: COUNT_MAX + 1 }), day)).toBe('count');
    expect(faultOf(repeat(day, { end: 'until', until: '2026-11-24' }), day)).toBe('until');
    expect(faultOf(repeat(day, { end: 'until', until: '' }), day)).toBe('until');
    expect(faultOf(repeat(day, { weekdays: [1, 5] }), day)).toBe('first_day');
    expect(faultOf(repeat(day, { weekdays: [1, 5], frequency: 'DAILY' }), day)).toBeNull();
  });
});
