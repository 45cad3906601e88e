// How many notices have not been seen. Asked for now and then, and when something changed.
import { get, V1 } from './api';
import { session } from './session.svelte';

const EVERY_MS = 60_000;

class Bell {
  unseen = $state(0);

  start(): void {
    setInterval(() => {
      if (!document.hidden) void this.ask();
    }, EVERY_MS);
  }

  async ask(): Promise<void> {
    if (!session.member) {
      this.unseen = 0;
      return;
    }
    try {
      this.unseen = (await get<{ total: number }>(`${V1}/notices?unseen=true&limit=1`)).total;
    } catch {
      // The next round asks again; nothing depends on it.
    }
  }
}

export const bell = new Bell();
