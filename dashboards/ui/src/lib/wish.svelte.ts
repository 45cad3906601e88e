// A slot being chosen in the booking form, checked by the gateway while it changes.
import { ApiError } from './api';
import { now } from './now.svelte';
import type { Span } from './schedule';
import { addDays, clock, dayOf, HOUR_MS, instantOf, MINUTE_MS } from './time';
import type { Conflict, Interval, Verdict } from './types';

/** Typing settles before the gateway is asked. */
const SETTLE_MS = 250;

export type Check =
  | { kind: 'none' }
  | { kind: 'checking' }
  | { kind: 'free' }
  | { kind: 'approval' }
  | {
      kind: 'refused';
      reasons: string[];
      conflicts: Conflict[];
      nextFree: Interval[];
      /** The caller may set every reason aside. */
      overridable: boolean;
    }
  | { kind: 'signedOut' }
  | { kind: 'failed'; error: unknown };

/** The reasons of a refusal, whether a dry run or a failed booking gave it. */
export function refusalOf(body: Partial<Verdict>): Check {
  return {
    kind: 'refused',
    reasons: body.refusals?.map(({ message }) => message) ?? [],
    conflicts: body.conflicts ?? [],
    nextFree: body.next_free ?? [],
    overridable: body.overridable ?? false,
  };
}

export class Wish {
  day = $state('');
  time = $state('');
  minutes = $state(60);
  check = $state.raw<Check>({ kind: 'none' });
  readonly zone: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  constructor(span: Span, zone: string) {
    this.zone = zone;
    this.take(span);
  }

  take(span: Span): void {
    this.day = dayOf(span.startMs, this.zone);
    this.time = clock(span.startMs, this.zone);
    this.minutes = Math.round((span.endMs - span.startMs) / MINUTE_MS);
  }

  /** The chosen slot, or null while the form is incomplete. */
  span: Span | null = $derived.by(() => {
    const whole = /^\d{4}-\d\d-\d\d$/.test(this.day) && /^\d\d:\d\d/.test(this.time);
    if (!whole || !(this.minutes > 0)) return null;
    const startMs = instantOf(`${this.day}T${this.time.slice(0, 5)}`, this.zone);
    return { startMs, endMs: startMs + this.minutes * MINUTE_MS };
  });

  get endTime(): string {
    return this.span ? clock(this.span.endMs, this.zone) : '';
  }
  /** Takes an end on the clock; one that is not after the start is meant for the next day. */
  set endTime(time: string) {
    if (!this.span || !/^\d\d:\d\d/.test(time)) return;
    const clockTime = time.slice(0, 5) === '24:00' ? '00:00' : time.slice(0, 5);
    let end = instantOf(`${this.day}T${clockTime}`, this.zone);
    if (end <= this.span.startMs)
      end = instantOf(`${addDays(this.day, 1)}T${clockTime}`, this.zone);
    this.minutes = Math.round((end - this.span.startMs) / MINUTE_MS);
  }

  /** Asks the gateway by `dryRun` what it would say, once the choice has settled. */
  ask(dryRun: ((signal: AbortSignal) => Promise<Verdict>) | null): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    if (!dryRun) {
      this.check = { kind: 'none' };
      return;
    }
    this.check = { kind: 'checking' };
    const abort = new AbortController();
    this.#abort = abort;
    this.#timer = setTimeout(() => void this.#ask(dryRun, abort), SETTLE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  async #ask(
    dryRun: (signal: AbortSignal) => Promise<Verdict>,
    abort: AbortController,
  ): Promise<void> {
    try {
      const verdict = await dryRun(abort.signal);
      if (abort.signal.aborted) return;
      if (verdict.would === 'accept') this.check = { kind: 'free' };
      else if (verdict.would === 'ask_approval') this.check = { kind: 'approval' };
      else this.check = refusalOf(verdict);
    } catch (error) {
      if (abort.signal.aborted) return;
      const problem = error instanceof ApiError ? error.problem : null;
      if (error instanceof ApiError && error.status === 401) this.check = { kind: 'signedOut' };
      else if (problem?.refusals || problem?.conflicts) this.check = refusalOf(problem);
      else this.check = { kind: 'failed', error };
    }
  }
}

/** Where the form starts when nothing was pointed at: the next full hour. */
export function nextHour(): Span {
  const startMs = Math.ceil(now.read() / HOUR_MS) * HOUR_MS;
  return { startMs, endMs: startMs + HOUR_MS };
}
