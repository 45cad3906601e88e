// Short messages at the bottom of the page, some with one action such as "undo".

export interface Toast {
  id: number;
  kind: 'done' | 'refused';
  text: string;
  action?: { name: string; run: () => void } | undefined;
}

/** How long a toast stays when nobody points at it. */
const SHOWN_MS = 8000;
/** More than this at once would hide the page; the oldest leaves. */
const SHOWN_MAX = 3;

class Toasts {
  list = $state<Toast[]>([]);
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #next = 1;

  show(kind: Toast['kind'], text: string, action?: Toast['action']): number {
    const id = this.#next++;
    this.list = [...this.list.slice(1 - SHOWN_MAX), { id, kind, text, action }];
    this.resume(id);
    return id;
  }

  drop(id: number): void {
    this.pause(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  pause(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    this.pause(id);
    this.#timers.set(
      id,
      setTimeout(() => this.drop(id), SHOWN_MS),
    );
  }
}

export const toasts = new Toasts();
