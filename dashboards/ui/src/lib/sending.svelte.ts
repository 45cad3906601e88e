// A form being sent: one press at a time, and what went wrong.
import { ApiError } from './api';

export class Sending {
  busy = $state(false);
  error = $state.raw<unknown>();

  /** What the gateway says against one field. */
  fault(field: string): string | undefined {
    const problem = this.error instanceof ApiError ? this.error.problem : null;
    return problem?.errors?.find((one) => one.field === field)?.message;
  }

  /** Does something unless it is being done; what it throws is kept and shown. */
  async run(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = undefined;
    try {
      await act();
    } catch (failed) {
      this.error = failed;
    } finally {
      this.busy = false;
    }
  }
}
