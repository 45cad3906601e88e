// What the region looks like right now: the shown status of every instrument, the counts, and how
// fresh all that is. Fed by one event stream per tab; polled while the stream is away.
import { api } from './api';
import { EventStream, type StreamEvent } from './event-stream';
import { now } from './now.svelte';
import { type Counts, STATUSES, type Status, type StatusSnapshot } from './types';

/** `live`: changes arrive. `stale`: trying to come back. `offline`: the gateway cannot be reached. */
export type Freshness = 'connecting' | 'live' | 'stale' | 'offline';

/** A line that drops and is back within this time is not worth a word. */
const QUIET_MS = 10_000;
const OFFLINE_MS = 60_000;
const POLL_MS = 15_000;
const SETTLE_MS = 30;
/** A hidden tab leaves its stream after this time: browsers allow six connections to a host. */
const HIDDEN_MS = 60_000;

export interface LiveReadings {
  key: string;
  time_ms: number;
  values: Record<string, number | null>;
}
type Watcher = {
  bookings?: (keys: ReadonlySet<string>) => void;
  readings?: (readings: LiveReadings) => void;
  status?: (key: string, status: Status) => void;
  /** Whatever was missed while away is now known to be missed: load again. */
  returned?: () => void;
};

class Live {
  /** Replaced with each change, so that reading it follows every change. */
  status = $state.raw<ReadonlyMap<string, Status>>(new Map());
  since = $state.raw<ReadonlyMap<string, string>>(new Map());
  counts = $state.raw<Counts | null>(null);
  /** Server time of the last sign of life; 0 before the first. */
  heardMs = $state(0);
  /** Another build of the pages is being served than the one that runs here. */
  newBuild = $state(false);

  #open = $state(false);
  #lostMs = $state(0);
  #unreached = $state(false);
  /** The browser itself says that it has no network. */
  #unplugged = $state(!navigator.onLine);
  #build: string | null = null;
  #keys: string[] = [];
  #watchers = new Set<Watcher>();
  #connecting: ReturnType<typeof setTimeout> | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #stream = new EventStream({
    onEvent: (event) => this.#take(event),
    onAlive: () => this.#alive(),
    onLost: () => this.#lost(),
  });

  freshness: Freshness = $derived.by(() => {
    if (this.#unplugged) return 'offline';
    if (this.#open) return 'live';
    const away = now.ms - this.#lostMs;
    if (this.#unreached && (this.heardMs === 0 || away > QUIET_MS)) return 'offline';
    if (this.heardMs === 0) return 'connecting';
    if (away <= QUIET_MS) return 'live';
    return away <= OFFLINE_MS ? 'stale' : 'offline';
  });

  start(): void {
    this.#connect();
    addEventListener('offline', () => {
      this.#unplugged = true;
      this.#leave();
    });
    addEventListener('online', () => {
      this.#unplugged = false;
      this.#connect();
    });
    let hidden: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(hidden);
      if (document.hidden) hidden = setTimeout(() => this.#leave(), HIDDEN_MS);
      else if (!this.#open && !this.#unplugged) this.#connect();
    });
  }

  /** Follows changes until the returned function is called; `keys` adds their readings. */
  watch(watcher: Watcher, keys: string[] = []): () => void {
    this.#watchers.add(watcher);
    if (keys.join() !== this.#keys.join()) {
      this.#keys = keys;
      this.#connect();
    }
    return () => this.#watchers.delete(watcher);
  }

  hurry(): void {
    void this.#fetchStatus();
    this.#stream.hurry();
  }

  /** Every call to the gateway says whether it got through. */
  reached(yes: boolean): void {
    this.#unreached = !yes;
    if (!yes && !this.#open && this.#lostMs === 0) this.#lostMs = now.read();
  }

  #connect() {
    // A page that has just come asks for its own keys; one connection is enough for both.
    clearTimeout(this.#connecting);
    this.#connecting = setTimeout(() => {
      const keys = this.#keys.map(encodeURIComponent).join(',');
      this.#stream.connect(keys === '' ? '/api/v1/live' : `/api/v1/live?keys=${keys}`);
    }, SETTLE_MS);
  }

  #alive() {
    this.heardMs = now.read();
    this.#unreached = false;
    if (this.#open) return;
    const returned = this.#lostMs !== 0;
    this.#open = true;
    clearInterval(this.#poll);
    this.#poll = undefined;
    if (returned) for (const watcher of this.#watchers) watcher.returned?.();
  }

  /** Nobody looks or no network: the stream goes, and what is missed is fetched on the return. */
  #leave() {
    this.#stream.close();
    this.#open = false;
    this.#lostMs = now.read();
  }

  #lost() {
    if (this.#open || this.#lostMs === 0) this.#lostMs = now.read();
    this.#open = false;
    this.#poll ??= setInterval(() => void this.#fetchStatus(), POLL_MS);
  }

  async #fetchStatus(): Promise<void> {
    try {
      this.#snapshot(await api.status());
      this.heardMs = now.read();
    } catch {
      // `reached` was told; the stream goes on trying.
    }
  }

  #snapshot({
    server_time,
    status,
    counts,
  }: Omit<StatusSnapshot, 'server_time'> & { server_time?: string }) {
    if (server_time) now.learn(server_time);
    this.status = new Map(Object.entries(status));
    this.counts = counts;
  }

  #take({ type, data }: StreamEvent) {
    const body = JSON.parse(data);
    if (type === 'hello') {
      now.learn(body.server_time);
      this.newBuild ||= this.#build !== null && this.#build !== body.build;
      this.#build = body.build;
    } else if (type === 'status' && body.status) {
      this.#snapshot(body);
    } else if (type === 'status') {
      this.#changed(body.changes, body.counts);
    } else if (type === 'bookings') {
      const keys = new Set<string>(body.instruments);
      for (const watcher of this.#watchers) watcher.bookings?.(keys);
    } else if (type === 'readings') {
      for (const watcher of this.#watchers) watcher.readings?.(body);
    } else if (type === 'skipped') {
      // The gateway let messages go because this tab was too slow: start from its present.
      void this.#fetchStatus();
      for (const watcher of this.#watchers) watcher.returned?.();
    }
  }

  #changed(changes: { key: string; status: Status; since: string | null }[], counts?: Counts) {
    const status = new Map(this.status);
    const since = new Map(this.since);
    for (const change of changes) {
      status.set(change.key, change.status);
      if (change.since) since.set(change.key, change.since);
      for (const watcher of this.#watchers) watcher.status?.(change.key, change.status);
    }
    this.status = status;
    this.since = since;
    this.counts = counts ?? countsOf(status);
  }
}

function countsOf(status: ReadonlyMap<string, Status>): Counts {
  const counts = Object.fromEntries(STATUSES.map((name) => [name, 0])) as Counts;
  for (const name of status.values()) counts[name] += 1;
  return counts;
}

export const live = new Live();
