// Today's free and busy hours of the rows in view, fetched in groups and kept for a while.
import { api } from './api';
import { now } from './now.svelte';
import { DAY_MS, DEFAULT_ZONE, startOfDay } from './time';
import type { GridItem } from './types';

/** The gateway's limit of keys in one call. */
const KEYS_MAX = 50;
/** Rows pass quickly while scrolling; ask when they rest. */
const SETTLE_MS = 120;
/** A strip is asked for again after this time even if no booking changed: the hours pass. */
const FRESH_MS = 5 * 60_000;

export class Strips {
  items = $state.raw<ReadonlyMap<string, GridItem>>(new Map());
  #askedMs = new Map<string, number>();
  #wanted: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Tells which rows are in view. */
  want(keys: string[]): void {
    this.#wanted = keys;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fetch(), SETTLE_MS);
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
    const due = this.#wanted.filter((key) => nowMs - (this.#askedMs.get(key) ?? 0) > FRESH_MS);
    const from = startOfDay(nowMs, DEFAULT_ZONE);
    for (let at = 0; at < due.length; at += KEYS_MAX) {
      const keys = due.slice(at, at + KEYS_MAX);
      for (const key of keys) this.#askedMs.set(key, nowMs);
      try {
        const to = new Date(from + DAY_MS).toISOString();
        const grid = await api.grid(keys, new Date(from).toISOString(), to, 'PT1H');
        const items = new Map(this.items);
        for (const item of grid.items) items.set(item.key, item);
        this.items = items;
      } catch {
        // The rows stay without a strip; the connection bar tells why, and scrolling asks again.
        for (const key of keys) this.#askedMs.delete(key);
      }
    }
  }
}
