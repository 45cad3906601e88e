// The slot of an open form, kept for its member while the form is filled in.
import { life } from './api-life';
import { V1 } from './api';

export class HeldSlot {
  /** What is held now; `slot` names instrument, start and end. */
  held = $state.raw<{ id: number; slot: string; expiresMs: number }>();
  #wanted: string | null = null;

  /** Its claim for `slot`, or undefined when another slot or nothing is held. */
  idFor(slot: string | null): number | undefined {
    return this.held && this.held.slot === slot ? this.held.id : undefined;
  }

  /**
   * Keeps a slot that was found free. A refusal (too many holds, taken meanwhile) is no fault of
   * the form: it goes on without a hold, and the booking itself decides.
   */
  async keep(slot: string, at: { instrument: string; start: string; end: string }): Promise<void> {
    if (this.#wanted === slot) return;
    this.drop();
    this.#wanted = slot;
    try {
      const hold = await life.hold(at);
      if (this.#wanted !== slot) return void life.release(hold.id).catch(() => {});
      this.held = { id: hold.id, slot, expiresMs: Date.parse(hold.expires_at) };
    } catch {
      if (this.#wanted === slot) this.#wanted = null;
    }
  }

  /** Gives it back; the gateway's clock ends it anyway if this does not get through. */
  drop(): void {
    const { held } = this;
    this.#wanted = null;
    this.held = undefined;
    if (held) void life.release(held.id).catch(() => {});
  }

  /** The booking took its place: there is nothing to give back. */
  used(): void {
    this.#wanted = null;
    this.held = undefined;
  }

  /** The page goes away with the form open. */
  leave(): void {
    if (!this.held) return;
    void fetch(`${V1}/holds/${this.held.id}`, { method: 'DELETE', keepalive: true }).catch(
      () => {},
    );
  }
}
