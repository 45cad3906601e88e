import { describe, expect, it } from 'vitest';
import {
  addDays,
  ageName,
  clockRange,
  dayName,
  durationMs,
  HOUR_MS,
  instantOf,
  lengthName,
  mondayOf,
  offsetMinutes,
  startOfDay,
  wallOf,
  weekdays,
  zoneLabel,
} from '../src/lib/time';

const SHANGHAI = 'Asia/Shanghai';
const BERLIN = 'Europe/Berlin';

describe('wall-clock time of a zone', () => {
  it.each([
    ['2026-11-24T10:00', SHANGHAI, '2026-11-24T02:00:00Z'],
    ['2026-11-24', SHANGHAI, '2026-11-23T16:00:00Z'],
    ['2026-07-01T10:00', BERLIN, '2026-07-01T08:00:00Z'],
    ['2026-12-01T10:00', BERLIN, '2026-12-01T09:00:00Z'],
    // Clocks go forward at 02:00 and back at 03:00.
    ['2026-03-29T01:59', BERLIN, '2026-03-29T00:59:00Z'],
    ['2026-03-29T03:00', BERLIN, '2026-03-29T01:00:00Z'],
    ['2026-03-29T02:30', BERLIN, '2026-03-29T01:30:00Z'],
    ['2026-10-25T02:30', BERLIN, '2026-10-25T00:30:00Z'],
    ['2026-10-25T03:00', BERLIN, '2026-10-25T02:00:00Z'],
    ['2026-11-24T10:00', 'Asia/Kathmandu', '2026-11-24T04:15:00Z'],
  ])('%s in %s is %s', (wall, zone, utc) => {
    expect(instantOf(wall, zone)).toBe(Date.parse(utc));
  });

  it('goes there and back for every hour of a year with two clock changes', () => {
    const begin = Date.parse('2026-01-01T00:00:00Z');
    for (let hour = 0; hour < 365 * 24; hour += 1) {
      const ms = begin + hour * HOUR_MS;
      const back = instantOf(wallOf(ms, BERLIN), BERLIN);
      // The hour that comes twice is read as its first coming.
      expect(back === ms || back === ms - HOUR_MS).toBe(true);
      expect(instantOf(wallOf(ms, SHANGHAI), SHANGHAI)).toBe(ms);
    }
  });

  it('knows offsets on both sides of a change', () => {
    expect(offsetMinutes(Date.parse('2026-03-29T00:59:59Z'), BERLIN)).toBe(60);
    expect(offsetMinutes(Date.parse('2026-03-29T01:00:00Z'), BERLIN)).toBe(120);
    expect(offsetMinutes(0, SHANGHAI)).toBe(480);
  });
});

describe('days', () => {
  it('begins the week on Monday', () => {
    expect(mondayOf('2026-11-24')).toBe('2026-11-23');
    expect(mondayOf('2026-11-29')).toBe('2026-11-23');
    expect(mondayOf('2026-11-23')).toBe('2026-11-23');
    expect(weekdays('zh')).toEqual(['周一', '周二', '周三', '周四', '周五', '周六', '周日']);
    expect(weekdays('en')[0]).toBe('Mon');
  });
  it('counts over months and leap days', () => {
    expect(addDays('2028-02-28', 2)).toBe('2028-03-01');
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31');
  });
  it('starts where the zone has midnight', () => {
    const at = Date.parse('2026-11-23T16:30:00Z');
    expect(startOfDay(at, SHANGHAI)).toBe(Date.parse('2026-11-23T16:00:00Z'));
  });
});

describe('in words', () => {
  const ten = Date.parse('2026-11-24T02:00:00Z');
  it('names days, ranges and zones', () => {
    expect(dayName(ten, SHANGHAI, 'zh')).toBe('11月24日 周二');
    expect(dayName(ten, SHANGHAI, 'en')).toBe('Tue 24 Nov');
    expect(clockRange(ten, ten + 2.5 * HOUR_MS, SHANGHAI)).toBe('10:00–12:30');
    expect(clockRange(ten, ten + 14 * HOUR_MS, SHANGHAI)).toBe('10:00–24:00');
    expect(zoneLabel(ten, SHANGHAI, 'zh')).toBe('北京时间 UTC+8');
    expect(zoneLabel(ten, SHANGHAI, 'en')).toBe('Beijing time UTC+8');
    expect(zoneLabel(ten, 'Asia/Kathmandu', 'en')).toBe('Asia/Kathmandu UTC+5:45');
    expect(zoneLabel(ten, 'America/New_York', 'en')).toBe('America/New_York UTC−5');
  });
  it('reads durations and refuses what is none', () => {
    expect(durationMs('PT15M')).toBe(15 * 60_000);
    expect(durationMs('P14D')).toBe(14 * 24 * HOUR_MS);
    expect(durationMs('P1W')).toBe(7 * 24 * HOUR_MS);
    expect(durationMs('PT1H30M')).toBe(1.5 * HOUR_MS);
    expect(durationMs('PT0.5S')).toBe(500);
    for (const none of ['', 'P', 'PT', '15M', 'P1Y', 'PT1H-']) expect(durationMs(none)).toBeNaN();
  });
  it('says lengths and ages', () => {
    expect(lengthName(90 * 60_000, 'zh')).toBe('1.5 小时');
    expect(lengthName(45 * 60_000, 'en')).toBe('45 min');
    expect(lengthName(14 * 24 * HOUR_MS, 'zh')).toBe('14 天');
    expect(ageName(59_999, 'zh')).toBe('59 秒');
    expect(ageName(7 * 60_000, 'en')).toBe('7 min');
    expect(ageName(-5, 'en')).toBe('0 s');
  });
});
