// One thing loaded from the gateway, with its loading and failed states.
import { ApiError } from './api';

export class Resource<R> {
  value = $state.raw<R | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  loading = $state(false);
  #call = 0;
  #abort: AbortController | undefined;

  /** Starts `fetch` and drops the answer of an earlier call that is still on its way. */
  async load(fetch: (signal: AbortSignal) => Promise<R>): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const call = ++this.#call;
    this.loading = true;
    try {
      const value = await fetch(abort.signal);
      if (call !== this.#call) return;
      this.value = value;
      this.error = undefined;
    } catch (error) {
      if (call !== this.#call || abort.signal.aborted) return;
      this.error = error;
    } finally {
      if (call === this.#call) this.loading = false;
    }
  }

  clear(): void {
    this.#abort?.abort();
    this.#call += 1;
    this.value = undefined;
    this.error = undefined;
    this.loading = false;
  }

  get slug(): string | undefined {
    return this.error instanceof ApiError ? this.error.slug : undefined;
  }
}
