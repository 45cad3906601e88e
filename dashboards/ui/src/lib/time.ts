// Wall-clock time of an instrument's zone, whatever zone the browser is in.
//
// Instants are milliseconds since 1970 (UTC); "wall" texts are `YYYY-MM-DDTHH:MM` without an
// offset, as forms and the calendar use them. Any IANA zone works, across daylight saving time.

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const DEFAULT_ZONE = 'Asia/Shanghai';

export type Language = 'zh' | 'en';
const LOCALE: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' };

const formats = new Map<string, Intl.DateTimeFormat>();
function format(locale: string, zone: string, options: Intl.DateTimeFormatOptions) {
  const name = `${locale}|${zone}|${JSON.stringify(options)}`;
  let found = formats.get(name);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    formats.set(name, found);
  }
  return found;
}

/** Minutes east of UTC that `zone` has at the instant `ms`. */
export function offsetMinutes(ms: number, zone: string): number {
  const parts = format('en-GB', zone, {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  const [month, hour] = [part('month') - 1, part('hour')];
  const wall = Date.UTC(part('year'), month, part('day'), hour, part('minute'), part('second'));
  return Math.round((wall - Math.floor(ms / 1000) * 1000) / MINUTE_MS);
}

/** The wall text of an instant, to the minute. */
export function wallOf(ms: number, zone: string): string {
  return new Date(ms + offsetMinutes(ms, zone) * MINUTE_MS).toISOString().slice(0, 16);
}

/**
 * The instant of a wall text. A time that the zone skips (clocks go forward) gives the instant
 * after the skip; one that comes twice gives the first.
 */
export function instantOf(wall: string, zone: string): number {
  const asUtc = Date.parse(`${wall.length === 10 ? `${wall}T00:00` : wall.slice(0, 16)}:00Z`);
  const text = new Date(asUtc).toISOString().slice(0, 16);
  // The offset that applies is the one of the day before or of the day after.
  const before = asUtc - offsetMinutes(asUtc - DAY_MS, zone) * MINUTE_MS;
  const after = asUtc - offsetMinutes(asUtc + DAY_MS, zone) * MINUTE_MS;
  return wallOf(before, zone) !== text && wallOf(after, zone) === text ? after : before;
}

/** `YYYY-MM-DD` of an instant. */
export const dayOf = (ms: number, zone: string): string => wallOf(ms, zone).slice(0, 10);

/** The day `days` after `day`, by the calendar. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The Monday of the week that `day` is in. */
export function mondayOf(day: string): string {
  const weekday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
  return addDays(day, -weekday);
}

/** Midnight at the start of the day of `ms`. */
export const startOfDay = (ms: number, zone: string): number => instantOf(dayOf(ms, zone), zone);

export function clock(ms: number, zone: string): string {
  return wallOf(ms, zone).slice(11);
}

/** `10:00–12:30`; an end at midnight of the next day is written 24:00. */
export function clockRange(start: number, end: number, zone: string): string {
  const last = clock(end, zone);
  const midnight = last === '00:00' && dayOf(end - 1, zone) === dayOf(start, zone);
  return `${clock(start, zone)}–${midnight ? '24:00' : last}`;
}

/** `11月24日 周二` / `Tue 24 Nov`. */
export function dayName(ms: number, zone: string, language: Language): string {
  const text = format(LOCALE[language], zone, {
    month: language === 'zh' ? 'long' : 'short',
    day: 'numeric',
    weekday: 'short',
  });
  if (language === 'en') return text.format(ms).replace(',', '');
  const parts = text.formatToParts(ms);
  const weekday = parts.find((part) => part.type === 'weekday')?.value ?? '';
  const date = parts.filter((part) => part.type !== 'weekday').map((part) => part.value);
  return `${date.join('').trim()} ${weekday}`;
}

/** Short name of the weekday of a day: `周二` / `Tue`. */
export function weekdayName(ms: number, zone: string, language: Language): string {
  return format(LOCALE[language], zone, { weekday: 'short' }).format(ms);
}

/** ISO weekday names from Monday (1) to Sunday (7). */
export function weekdays(language: Language): string[] {
  const monday = Date.UTC(2024, 0, 1, 12);
  return Array.from({ length: 7 }, (_, day) => weekdayName(monday + day * DAY_MS, 'UTC', language));
}

/** Day and time: `11月24日 周二 10:00`. */
export function dayClock(ms: number, zone: string, language: Language): string {
  return `${dayName(ms, zone, language)} ${clock(ms, zone)}`;
}

/** Name of a zone with its offset at `ms`: `北京时间 UTC+8`, `Europe/Berlin UTC+1`. */
export function zoneLabel(ms: number, zone: string, language: Language): string {
  const minutes = offsetMinutes(ms, zone);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = `UTC${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
  const name = zone === DEFAULT_ZONE ? (language === 'zh' ? '北京时间' : 'Beijing time') : zone;
  return `${name} ${offset}`;
}

/** Milliseconds of an ISO 8601 duration with weeks, days, hours, minutes and seconds; NaN if it is none. */
export function durationMs(text: string): number {
  const found = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(
    text,
  );
  if (!found || text === 'P' || text.endsWith('T')) return Number.NaN;
  const [weeks, days, hours, minutes, seconds] = found
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  return (weeks * 7 + days) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1000;
}

/** A length of time in words: `2.5 小时`, `45 分钟`, `14 天` / `2.5 h`, `45 min`, `14 days`. */
export function lengthName(ms: number, language: Language): string {
  const trim = (value: number) => String(Math.round(value * 100) / 100);
  const zh = language === 'zh';
  if (ms >= 2 * DAY_MS && ms % DAY_MS === 0) return `${ms / DAY_MS} ${zh ? '天' : 'days'}`;
  if (ms >= HOUR_MS) return `${trim(ms / HOUR_MS)} ${zh ? '小时' : 'h'}`;
  if (ms >= MINUTE_MS) return `${trim(ms / MINUTE_MS)} ${zh ? '分钟' : 'min'}`;
  return `${trim(ms / 1000)} ${zh ? '秒' : 's'}`;
}

/** How long ago, coarse: `5 秒`, `7 分钟`, `3 小时`, `2 天`. */
export function ageName(ms: number, language: Language): string {
  const zh = language === 'zh';
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} ${zh ? '秒' : 's'}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${zh ? '分钟' : 'min'}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} ${zh ? '小时' : 'h'}`;
  return `${Math.floor(seconds / 86_400)} ${zh ? '天' : 'd'}`;
}
