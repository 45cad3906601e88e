import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backOffMs, EventParser, EventStream, type StreamEvent } from '../src/lib/event-stream';

describe('parser', () => {
  const text =
    ': hello\n\nevent: status\nid: 7\ndata: {"a":1}\ndata: {"b":2}\n\ndata:x\r\n\r\nevent: lonely\n\n';
  const wanted: StreamEvent[] = [
    { type: 'status', id: '7', data: '{"a":1}\n{"b":2}' },
    { type: 'message', id: '7', data: 'x' },
  ];
  it('reads a whole stream', () => {
    expect(new EventParser().push(text)).toEqual(wanted);
  });
  it('reads the same however the chunks break', () => {
    for (let size = 1; size < text.length; size += 1) {
      const parser = new EventParser();
      const events: StreamEvent[] = [];
      for (let from = 0; from < text.length; from += size) {
        events.push(...parser.push(text.slice(from, from + size)));
      }
      expect(events).toEqual(wanted);
    }
  });
});

it('waits 1, 2, 4 ... 30 s, spread out', () => {
  expect([0, 1, 2, 3, 4, 5, 20].map((n) => backOffMs(n, 1))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
  expect(backOffMs(3, 0)).toBe(4000);
});

describe('stream', () => {
  /** Connections in the order they were opened; each can be fed and cut. */
  let opened: {
    url: string;
    headers: Record<string, string>;
    send: (text: string) => void;
    cut: () => void;
  }[];
  let refuse = false;
  const hooks = { onEvent: vi.fn(), onAlive: vi.fn(), onLost: vi.fn() };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    opened = [];
    refuse = false;
    for (const hook of Object.values(hooks)) hook.mockReset();
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      if (refuse) throw new TypeError('connection refused');
      let feed!: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => void (feed = controller),
      });
      init.signal?.addEventListener('abort', () => {
        try {
          feed.error(new DOMException('aborted', 'AbortError'));
        } catch {
          // Cut before.
        }
      });
      opened.push({
        url,
        headers: init.headers as Record<string, string>,
        send: (text) => feed.enqueue(new TextEncoder().encode(text)),
        cut: () => feed.close(),
      });
      return new Response(body);
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  const settle = () => vi.advanceTimersByTimeAsync(0);

  it('comes back after the back-off with the last event it saw', async () => {
    const stream = new EventStream(hooks);
    stream.connect('/live');
    await settle();
    expect(opened[0]?.headers['Last-Event-ID']).toBeUndefined();
    opened[0]?.send('id: 41\ndata: a\n\nid: 42\ndata: b\n\n');
    await settle();
    expect(hooks.onEvent).toHaveBeenCalledTimes(2);
    opened[0]?.cut();
    await settle();
    expect(hooks.onLost).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(opened).toHaveLength(2);
    expect(opened[1]?.headers['Last-Event-ID']).toBe('42');
    stream.close();
  });

  it('waits longer while refused, and hurries when told', async () => {
    refuse = true;
    const stream = new EventStream(hooks);
    stream.connect('/live');
    await vi.advanceTimersByTimeAsync(1000 + 2000 + 4000);
    expect(hooks.onLost).toHaveBeenCalledTimes(4);
    refuse = false;
    stream.hurry();
    await settle();
    expect(opened).toHaveLength(1);
    stream.close();
  });

  it('gives up a line that says nothing, not one with heartbeats', async () => {
    const stream = new EventStream(hooks);
    stream.connect('/live');
    await settle();
    for (let beat = 0; beat < 5; beat += 1) {
      opened[0]?.send(': beat\n\n');
      await vi.advanceTimersByTimeAsync(15_000);
    }
    expect(hooks.onLost).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(hooks.onLost).toHaveBeenCalledTimes(1);
    stream.close();
  });

  it('a change of address is no loss, and closing is final', async () => {
    const stream = new EventStream(hooks);
    stream.connect('/live');
    await settle();
    stream.connect('/live?keys=NM-1');
    await settle();
    expect(opened.map(({ url }) => url)).toEqual(['/live', '/live?keys=NM-1']);
    stream.close();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(hooks.onLost).not.toHaveBeenCalled();
    expect(opened).toHaveLength(2);
  });
});
