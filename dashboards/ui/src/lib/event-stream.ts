// One server-sent event stream that comes back by itself.
//
// The browser's EventSource cannot choose its back-off, cannot notice a silent line and forgets
// the last event when its address changes, so this reads the stream with `fetch`: back-off 1, 2,
// 4 ... 30 s with jitter, `Last-Event-ID` on every return, and a line that says nothing for
// `SILENT_MS_MAX` (the gateway sends a heartbeat each 15 s) is given up.

export interface StreamEvent {
  type: string;
  id: string | null;
  data: string;
}

/** Cuts a stream of text into events, as the HTML standard says, wherever the chunks break. */
export class EventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() as string;
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) {
          const type = this.#type === '' ? 'message' : this.#type;
          events.push({ type, id: this.#id, data: this.#data.join('\n') });
        }
        this.#type = '';
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') this.#type = value;
      else if (field === 'data') this.#data.push(value);
      else if (field === 'id' && !value.includes('\0')) this.#id = value;
    }
    return events;
  }
}

const SILENT_MS_MAX = 40_000;
const BACK_OFF_MS_FIRST = 1000;
const BACK_OFF_MS_MAX = 30_000;

/** Waiting time before attempt `attempt` (0 = first return); `random` in [0, 1) spreads tabs out. */
export function backOffMs(attempt: number, random: number): number {
  const full = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_FIRST * 2 ** attempt);
  return full * (0.5 + random / 2);
}

interface Hooks {
  onEvent: (event: StreamEvent) => void;
  /** Any bytes came, heartbeats too: the line is alive. */
  onAlive: () => void;
  onLost: () => void;
}

export class EventStream {
  #hooks: Hooks;
  #url: string | null = null;
  #lastId: string | null = null;
  #attempt = 0;
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  /** Connects to `url`, leaving the address it was at; events after the last one seen follow. */
  connect(url: string): void {
    this.#url = url;
    this.#attempt = 0;
    this.#open();
  }

  /** Tries again now instead of at the end of the back-off. */
  hurry(): void {
    if (this.#url !== null && this.#abort === null) this.#open();
  }

  close(): void {
    this.#url = null;
    this.#leave();
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  #open() {
    this.#leave();
    const abort = new AbortController();
    this.#abort = abort;
    void this.#read(abort)
      .catch(() => {})
      .then(() => this.#lost(abort));
  }

  async #read(abort: AbortController): Promise<void> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.#lastId !== null) headers['Last-Event-ID'] = this.#lastId;
    this.#watch(abort);
    const response = await fetch(this.#url as string, {
      headers,
      signal: abort.signal,
      cache: 'no-store',
    });
    if (!response.ok || !response.body) return;
    const [reader, parser] = [response.body.getReader(), new EventParser()];
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || abort.signal.aborted) return;
      this.#attempt = 0;
      this.#watch(abort);
      this.#hooks.onAlive();
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (event.id !== null) this.#lastId = event.id;
        this.#hooks.onEvent(event);
      }
    }
  }

  #watch(abort: AbortController) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => abort.abort(), SILENT_MS_MAX);
  }

  #lost(abort: AbortController) {
    // A stream that was left on purpose has a successor, or wants none.
    if (this.#abort !== abort) return;
    this.#leave();
    this.#hooks.onLost();
    this.#timer = setTimeout(() => this.#open(), backOffMs(this.#attempt, Math.random()));
    this.#attempt += 1;
  }
}
