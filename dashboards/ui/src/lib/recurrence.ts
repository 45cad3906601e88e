// A repetition as a form holds it, and its RFC 5545 rule: pure.

export type Frequency = 'DAILY' | 'WEEKLY' | 'MONTHLY';
export interface Repeat {
  frequency: Frequency;
  /** Every so many days, weeks or months; 1 to 99. */
  interval: number;
  /** ISO weekdays, Monday 1 to Sunday 7; only for weeks. Empty: the first slot's own. */
  weekdays: number[];
  /** By its date, or by its place among the weekdays of the month. */
  monthly: 'date' | 'weekday';
  end: 'count' | 'until';
  /** 1 to 200. */
  count: number;
  /** Last day, `YYYY-MM-DD`, included. */
  until: string;
}

export const COUNT_MAX = 200;
const CODES = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;

/** ISO weekday of a day. */
export const weekdayOf = (day: string): number =>
  ((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7) + 1;

/** Which of its weekdays of the month a day is: 1 to 4, or -1 for a fifth, the last. */
export function ordinalOf(day: string): number {
  const place = Math.floor((Number(day.slice(8, 10)) - 1) / 7) + 1;
  return place > 4 ? -1 : place;
}

export function repeatFrom(day: string): Repeat {
  return {
    frequency: 'WEEKLY',
    interval: 1,
    weekdays: [weekdayOf(day)],
    monthly: 'date',
    end: 'count',
    count: 8,
    until: day,
  };
}

/** The rule of a repetition whose first slot is on `day`. */
export function ruleOf(repeat: Repeat, day: string): string {
  const parts = [`FREQ=${repeat.frequency}`];
  if (repeat.interval > 1) parts.push(`INTERVAL=${repeat.interval}`);
  const code = (weekday: number) => CODES[weekday - 1] ?? 'MO';
  if (repeat.frequency === 'WEEKLY' && repeat.weekdays.length > 0) {
    const days = [...new Set(repeat.weekdays)].sort((a, b) => a - b);
    parts.push(`BYDAY=${days.map(code).join(',')}`);
  }
  if (repeat.frequency === 'MONTHLY') {
    const byWeekday = `BYDAY=${ordinalOf(day)}${code(weekdayOf(day))}`;
    parts.push(repeat.monthly === 'weekday' ? byWeekday : `BYMONTHDAY=${Number(day.slice(8, 10))}`);
  }
  parts.push(
    repeat.end === 'count' ? `COUNT=${repeat.count}` : `UNTIL=${repeat.until.replaceAll('-', '')}`,
  );
  return parts.join(';');
}

/** What is wrong with the form, or null. */
export function faultOf(
  repeat: Repeat,
  day: string,
): 'interval' | 'count' | 'until' | 'first_day' | null {
  const whole = (n: number, most: number) => Number.isInteger(n) && n >= 1 && n <= most;
  if (!whole(repeat.interval, 99)) return 'interval';
  if (repeat.end === 'count' && !whole(repeat.count, COUNT_MAX)) return 'count';
  if (repeat.end === 'until' && !(repeat.until >= day)) return 'until';
  // The first slot is part of the series only if the rule names its weekday.
  const named = repeat.weekdays.length === 0 || repeat.weekdays.includes(weekdayOf(day));
  return repeat.frequency === 'WEEKLY' && !named ? 'first_day' : null;
}
