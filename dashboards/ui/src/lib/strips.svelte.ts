// Today's free and busy hours of the rows in view, fetched in groups and kept for a while.
import { ApiError, api } from './api';
import { now } from './now.svelte';
import { DAY_MS, DEFAULT_ZONE, startOfDay } from './time';
import type { GridItem } from './types';

/** The gateway's limit of keys in one call. */
const KEYS_MAX = 50;
/** Rows pass quickly while scrolling; ask when they rest. */
const SETTLE_MS = 120;
/** Least time between two calls: long scrolling must not use up a visitor's allowance. */
const SPACING_MS = 1500;
/** A strip is asked for again after this time even if no booking changed: the hours pass. */
const FRESH_MS = 5 * 60_000;

export class Strips {
  items = $state.raw<ReadonlyMap<string, GridItem>>(new Map());
  #askedMs = new Map<string, number>();
  #wanted: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** No call before this time (browser clock). */
  #nextMs = 0;

  /** Tells which rows are in view. */
  want(keys: string[]): void {
    this.#wanted = keys;
    clearTimeout(this.#timer);
    const waitMs = Math.max(SETTLE_MS, this.#nextMs - Date.now());
    this.#timer = setTimeout(() => void this.#fetch(), waitMs);
  }

  /** Bookings of these instruments changed: what was fetched is old. */
  changed(keys: ReadonlySet<string>): void {
    for (const key of keys) this.#askedMs.delete(key);
    if (this.#wanted.some((key) => keys.has(key))) this.want(this.#wanted);
  }

  forget(): void {
    this.#askedMs.clear();
    this.want(this.#wanted);
  }

  async #fetch(): Promise<void> {
    const nowMs = now.read();
    const due = this.#wanted
      .filter((key) => nowMs - (this.#askedMs.get(key) ?? 0) > FRESH_MS)
      .slice(0, KEYS_MAX);
    if (due.length === 0) return;
    for (const key of due) this.#askedMs.set(key, nowMs);
    this.#nextMs = Date.now() + SPACING_MS;
    const from = startOfDay(nowMs, DEFAULT_ZONE);
    const [first, last] = [new Date(from).toISOString(), new Date(from + DAY_MS).toISOString()];
    try {
      const grid = await api.grid(due, first, last, 'PT1H');
      const items = new Map(this.items);
      for (const item of grid.items) items.set(item.key, item);
      this.items = items;
    } catch (error) {
      // The rows stay without a strip for now; the connection bar tells when the gateway is away.
      for (const key of due) this.#askedMs.delete(key);
      const problem = error instanceof ApiError ? error.problem : null;
      this.#nextMs = Date.now() + (problem?.retry_after_s ?? 10) * 1000;
    }
    // Rows beyond one call's limit, and those that failed, come next.
    this.want(this.#wanted);
  }
}
