// Readings and machine states prepared for drawing: pure.
//
// Instruments report by exception, so a quiet stretch between two readings is no gap by itself.
// A gap is a stretch where the instrument was offline or unknown, or a silence longer than any
// report interval allows.
import { HOUR_MS } from './time';
import type { MachineState, Readings, StateInterval } from './types';

/** Reports come at least hourly even from the coarsest history; a longer silence is a gap. */
const SILENCE_MS_MAX = 1.5 * HOUR_MS;

export interface Series {
  /** Seconds since 1970, ascending, as the chart wants them. */
  times: number[];
  /** One value per time; null draws a gap. */
  values: (number | null)[];
}
export interface Band {
  state: MachineState;
  startMs: number;
  endMs: number;
}

/** State intervals cut to the window, an open one ending at `toMs`; what is not covered is unknown. */
export function bandsOf(items: StateInterval[], fromMs: number, toMs: number): Band[] {
  const bands: Band[] = [];
  let at = fromMs;
  const cut = items
    .map(({ state, start, end }) => ({
      state,
      startMs: Math.max(fromMs, Date.parse(start)),
      endMs: Math.min(toMs, end === null ? toMs : Date.parse(end)),
    }))
    .filter(({ startMs, endMs }) => startMs < endMs)
    .sort((a, b) => a.startMs - b.startMs);
  for (const band of cut) {
    if (band.startMs > at) bands.push({ state: 'unknown', startMs: at, endMs: band.startMs });
    const startMs = Math.max(at, band.startMs);
    if (startMs < band.endMs) bands.push({ ...band, startMs });
    at = Math.max(at, band.endMs);
  }
  if (at < toMs) bands.push({ state: 'unknown', startMs: at, endMs: toMs });
  return bands;
}

/** Hours spent in each state, only the states that occurred. */
export function hoursOf(bands: Band[]): Map<MachineState, number> {
  const hours = new Map<MachineState, number>();
  for (const { state, startMs, endMs } of bands) {
    hours.set(state, (hours.get(state) ?? 0) + (endMs - startMs) / HOUR_MS);
  }
  return hours;
}

/**
 * The line to draw, held from one reading to the next: a value that was not reported anew still
 * stands. It ends where the instrument falls silent, and at `toMs` where it has not.
 */
export function seriesOf(readings: Readings, bands: Band[], toMs: number): Series {
  const silent = bands.filter(({ state }) => state === 'offline' || state === 'unknown');
  const raw = readings.mean ?? readings.values ?? [];
  const series: Series = { times: [], values: [] };
  const add = (ms: number, value: number | null) => {
    series.times.push(ms / 1000);
    series.values.push(value);
  };
  /** Where the line breaks between two readings, or null where it holds. */
  const breakMs = (lastMs: number, ms: number): number | null => {
    const silence = silent.find(({ startMs, endMs }) => startMs < ms && endMs > lastMs);
    if (silence) return Math.max(silence.startMs, lastMs + 1);
    return ms - lastMs > SILENCE_MS_MAX ? lastMs + 1 : null;
  };
  let last: { ms: number; value: number | null } | undefined;
  for (const [place, ms] of readings.times_ms.entries()) {
    const value = raw[place] ?? null;
    const broken = last && last.value !== null ? breakMs(last.ms, ms) : null;
    if (broken !== null && broken < ms) add(broken, null);
    add(ms, value);
    last = { ms, value };
  }
  if (last && last.value !== null && last.ms < toMs) {
    const broken = breakMs(last.ms, toMs);
    add(broken ?? toMs, broken === null ? last.value : null);
  }
  return series;
}

/** Divisor and unit that keep the figures short: 2,300 W are drawn as 2.3 kW. */
export function scaleOf(unit: string, greatest: number): { divisor: number; unit: string } {
  if ((unit === 'W' || unit === 'Wh') && Math.abs(greatest) >= 1000) {
    return Math.abs(greatest) >= 1e6
      ? { divisor: 1e6, unit: `M${unit}` }
      : { divisor: 1000, unit: `k${unit}` };
  }
  return { divisor: 1, unit: WRITTEN[unit] ?? unit };
}

/** Units as people write them; codes are what agents send. */
const WRITTEN: Record<string, string> = { degC: '°C', percent: '%', pct: '%', '1': '', bool: '' };

/** A value with as many digits as its size deserves, and its unit. */
export function valueText(value: number, unit: string): string {
  const scale = scaleOf(unit, value);
  const scaled = value / scale.divisor;
  const size = Math.abs(scaled);
  const digits = size === 0 || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return `${Number(scaled.toFixed(digits)).toLocaleString('en-GB', { maximumFractionDigits: digits })} ${scale.unit}`.trim();
}
