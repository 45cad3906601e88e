// What may be put where on an instrument's calendar: pure, from its availability and rules.
//
// It answers while the pointer moves, before the gateway is asked; the gateway decides.
import { durationMs, MINUTE_MS, startOfDay } from './time';
import type { Availability, Occupied, RulesInForce } from './types';

export interface Span {
  startMs: number;
  endMs: number;
}
export interface Taken extends Span {
  kind: Occupied['kind'];
  mine: boolean;
  label: string;
  booking: number | null;
  purpose: string | null;
}
export interface Schedule {
  /** The part of time that is known; outside it nothing is judged. */
  known: Span;
  taken: Taken[];
  closed: Span[];
  free: Span[];
}

/** Why a slot cannot be taken; at most one is needed while dragging, the first that holds. */
export type Obstacle =
  | { kind: 'notAllowed' }
  | { kind: 'past' }
  | { kind: 'overlap'; with: Taken }
  | { kind: 'closed' }
  | { kind: 'longest'; ms: number }
  | { kind: 'horizon'; ms: number };

const spanOf = ({ start, end }: { start: string; end: string }): Span => ({
  startMs: Date.parse(start),
  endMs: Date.parse(end),
});

export function scheduleOf(availability: Availability): Schedule {
  return {
    known: spanOf({ start: availability.from, end: availability.to }),
    taken: availability.occupied.map((occupied) => ({ ...spanOf(occupied), ...occupied })),
    closed: availability.closed.map(spanOf),
    free: availability.free.map(spanOf),
  };
}

export const overlaps = (a: Span, b: Span): boolean => a.startMs < b.endMs && b.startMs < a.endMs;

/** A rule's length in milliseconds, or null where no rule limits it. */
export function limitMs(rule: string | null): number | null {
  const ms = rule === null ? Number.NaN : durationMs(rule);
  return Number.isNaN(ms) ? null : ms;
}

/**
 * The first thing that stands in the way of `slot`, or null. `moving` is the booking that is being
 * moved, which does not stand in its own way. With a capacity above one the instrument is taken
 * only where no lane is free, so overlaps count only outside the free time.
 */
export function obstacle(
  slot: Span,
  schedule: Schedule,
  rules: RulesInForce,
  nowMs: number,
  moving: number | null = null,
): Obstacle | null {
  if (slot.startMs < nowMs) return { kind: 'past' };
  const own = schedule.taken.filter(({ booking }) => moving !== null && booking === moving);
  const open = own.length === 0 ? schedule.free : joined([...schedule.free, ...own]);
  const isFree = open.some((free) => free.startMs <= slot.startMs && slot.endMs <= free.endMs);
  if (!isFree) {
    const hit = schedule.taken.find(
      (taken) => overlaps(taken, slot) && (moving === null || taken.booking !== moving),
    );
    if (hit) return { kind: 'overlap', with: hit };
    if (schedule.closed.some((closed) => overlaps(closed, slot))) return { kind: 'closed' };
  }
  const longest = limitMs(rules.longest);
  if (longest !== null && slot.endMs - slot.startMs > longest)
    return { kind: 'longest', ms: longest };
  const horizon = limitMs(rules.horizon);
  if (horizon !== null && slot.startMs > nowMs + horizon) return { kind: 'horizon', ms: horizon };
  return null;
}

/** Spans in order, those that touch or overlap made one. */
export function joined(spans: Span[]): Span[] {
  const result: Span[] = [];
  for (const { startMs, endMs } of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const last = result.at(-1);
    if (last && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else result.push({ startMs, endMs });
  }
  return result;
}

/** Step of starts and ends in minutes: the alignment rule where there is one, else 15. */
export function stepMinutes(rules: RulesInForce): number {
  const ms = limitMs(rules.alignment);
  return ms === null ? 15 : Math.max(1, Math.min(60, Math.round(ms / 60_000)));
}

/**
 * A use that begins now: its end lies on the grid of the alignment rule, which counts from civil
 * midnight; the next line of it, or the one before where the longest rule would stand against that.
 */
export function spanFromNow(
  startMs: number,
  minutes: number,
  rules: RulesInForce,
  zone: string,
): Span {
  const wanted = startMs + minutes * MINUTE_MS;
  const step = limitMs(rules.alignment) ?? MINUTE_MS;
  const midnight = startOfDay(wanted, zone);
  const line = (round: (lines: number) => number) =>
    midnight + round((wanted - midnight) / step) * step;
  const after = line(Math.ceil);
  const longest = limitMs(rules.longest);
  const isTooLong = longest !== null && after - startMs > longest;
  return { startMs, endMs: isTooLong && line(Math.floor) > startMs ? line(Math.floor) : after };
}

/**
 * Lets a slot shorter than the shortest rule grow to it where that is free, since a short pull is
 * how a person points at a start; otherwise it stays as drawn and the form tells.
 */
export function grown(slot: Span, schedule: Schedule, rules: RulesInForce, nowMs: number): Span {
  const shortest = limitMs(rules.shortest);
  if (shortest === null || slot.endMs - slot.startMs >= shortest) return slot;
  const longer = { startMs: slot.startMs, endMs: slot.startMs + shortest };
  return obstacle(longer, schedule, rules, nowMs) === null ? longer : slot;
}

/** The first free stretch of at least `lengthMs` that starts on a step, from `fromMs` on. */
export function firstFree(
  schedule: Schedule,
  lengthMs: number,
  stepMs: number,
  fromMs: number,
): Span | null {
  for (const free of schedule.free) {
    const startMs = Math.ceil(Math.max(free.startMs, fromMs) / stepMs) * stepMs;
    if (startMs + lengthMs <= free.endMs) return { startMs, endMs: startMs + lengthMs };
  }
  return null;
}
