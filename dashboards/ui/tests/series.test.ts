import { describe, expect, it } from 'vitest';
import { bandsOf, hoursOf, scaleOf, seriesOf, valueText } from '../src/lib/series';
import { HOUR_MS, MINUTE_MS } from '../src/lib/time';
import type { Readings, StateInterval } from '../src/lib/types';

const at = (hour: number) => hour * HOUR_MS;
const state = (name: StateInterval['state'], from: number, to: number | null): StateInterval => ({
  state: name,
  reason: null,
  start: new Date(at(from)).toISOString(),
  end: to === null ? null : new Date(at(to)).toISOString(),
});
const readings = (points: [hour: number, value: number | null][]): Readings => ({
  instrument: 'NM-00001',
  channel: 'power_w',
  unit: 'W',
  from: '',
  to: '',
  step: 'PT1M',
  times_ms: points.map(([hour]) => at(hour)),
  mean: points.map(([, value]) => value),
});

describe('state bands', () => {
  it('cuts to the window, ends the open one, and shows what is not known', () => {
    const bands = bandsOf(
      [state('running', -2, 1), state('off', 2, 3), state('standby', 3, null)],
      at(0),
      at(4),
    );
    expect(bands.map((band) => [band.state, band.startMs / HOUR_MS, band.endMs / HOUR_MS])).toEqual(
      [
        ['running', 0, 1],
        ['unknown', 1, 2],
        ['off', 2, 3],
        ['standby', 3, 4],
      ],
    );
    expect(hoursOf(bands)).toEqual(
      new Map([
        ['running', 1],
        ['unknown', 1],
        ['off', 1],
        ['standby', 1],
      ]),
    );
  });
  it('is all unknown where nothing was heard, and leaves out what lies outside', () => {
    expect(bandsOf([], at(0), at(4))).toEqual([{ state: 'unknown', startMs: 0, endMs: at(4) }]);
    expect(bandsOf([state('off', 5, 9)], at(0), at(4)).map((band) => band.state)).toEqual([
      'unknown',
    ]);
  });
});

describe('the line', () => {
  const covered = bandsOf([state('running', 0, 24)], at(0), at(24));
  const line = (points: [hour: number, value: number | null][], bands = covered, to = 24) => {
    const { times, values } = seriesOf(readings(points), bands, at(to));
    return times.map((seconds, place) => [
      Math.round((seconds / 3600) * 1000) / 1000,
      values[place],
    ]);
  };
  it('holds a value until the next one where an instrument reports by exception', () => {
    expect(
      line(
        [
          [1, 5],
          [2, 6],
        ],
        covered,
        3,
      ),
    ).toEqual([
      [1, 5],
      [2, 6],
      [3, 6],
    ]);
  });
  it('ends where the instrument fell silent, not at zero', () => {
    const bands = bandsOf(
      [state('running', 0, 1.2), state('offline', 1.2, 1.8), state('running', 1.8, 24)],
      0,
      at(24),
    );
    expect(
      line(
        [
          [1, 5],
          [2, 6],
        ],
        bands,
        2.5,
      ),
    ).toEqual([
      [1, 5],
      [1.2, null],
      [2, 6],
      [2.5, 6],
    ]);
    const gone = bandsOf([state('running', 0, 2.2), state('offline', 2.2, null)], 0, at(3));
    expect(line([[2, 6]], gone, 3)).toEqual([
      [2, 6],
      [2.2, null],
    ]);
  });
  it('breaks at a silence longer than any report interval', () => {
    expect(
      line(
        [
          [1, 5],
          [3, 6],
        ],
        covered,
        3,
      ),
    ).toEqual([
      [1, 5],
      [1, null],
      [3, 6],
    ]);
    expect(line([[1, 5]], covered, 9)).toEqual([
      [1, 5],
      [1, null],
    ]);
  });
  it('keeps bad readings as gaps and takes raw values too', () => {
    expect(
      line(
        [
          [1, 5],
          [1.1, null],
          [1.2, 6],
        ],
        covered,
        1.2,
      ),
    ).toEqual([
      [1, 5],
      [1.1, null],
      [1.2, 6],
    ]);
    const { mean, ...rest } = readings([[1, 5]]);
    expect(seriesOf({ ...rest, values: mean ?? [] }, covered, at(1)).values).toEqual([5]);
    expect(seriesOf(readings([]), covered, at(24))).toEqual({ times: [], values: [] });
  });
  it('keeps up with a day at one reading a minute', () => {
    const day = readings(Array.from({ length: 1440 }, (_, n) => [(n * MINUTE_MS) / HOUR_MS, n]));
    expect(seriesOf(day, covered, at(24)).values).toHaveLength(1441);
  });
});

describe('figures', () => {
  it('keeps them short', () => {
    expect(scaleOf('W', 2300)).toEqual({ divisor: 1000, unit: 'kW' });
    expect(scaleOf('W', 900)).toEqual({ divisor: 1, unit: 'W' });
    expect(scaleOf('°C', 2300)).toEqual({ divisor: 1, unit: '°C' });
    expect(valueText(2345.6, 'W')).toBe('2.35 kW');
    expect(valueText(1_283_420, 'Wh')).toBe('1.28 MWh');
    expect(valueText(0, 'W')).toBe('0 W');
    expect(valueText(-12.345, '°C')).toBe('-12.35 °C');
    expect(valueText(1, '')).toBe('1');
    expect(valueText(249.6, 'degC')).toBe('249.6 °C');
  });
});
