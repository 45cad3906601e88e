// Cancelling with a way back: what every page that lists bookings offers.
import { api } from './api';
import { failureReasons, failureText } from './failure';
import { i18n } from './i18n/index.svelte';
import { clockRange, DEFAULT_ZONE, dayName } from './time';
import { toasts } from './toasts.svelte';
import type { Booking } from './types';

export function slotText(booking: { start: string; end: string }, zone = DEFAULT_ZONE): string {
  const [start, end] = [Date.parse(booking.start), Date.parse(booking.end)];
  return `${dayName(start, zone, i18n.language)} ${clockRange(start, end, zone)}`;
}

function refused(error: unknown): void {
  toasts.show('refused', [failureText(error), ...failureReasons(error)].join(' '));
}

/** Tells that a booking was made, with undo. */
export function tellBooked(booking: Booking, zone: string, changed: () => void): void {
  const undo = () =>
    void api.cancel(booking.id).then(() => {
      toasts.show('done', i18n.t.booking.cancelled);
      changed();
    }, refused);
  toasts.show('done', i18n.t.booking.booked(slotText(booking, zone)), {
    name: i18n.t.common.undo,
    run: undo,
  });
}

/** Cancels; undo books the same slot again, if it is still free. */
export async function cancelBooking(booking: Booking, changed: () => void): Promise<void> {
  try {
    await api.cancel(booking.id);
  } catch (error) {
    refused(error);
    return;
  }
  changed();
  const { instrument, start, end, purpose, project } = booking;
  const again = {
    instrument: instrument.key,
    start,
    end,
    purpose,
    ...(project ? { project } : {}),
  };
  const undo = () =>
    void api.book(again, `undo-${booking.id}-${booking.version}`).then(() => {
      toasts.show('done', i18n.t.booking.restored);
      changed();
    }, refused);
  const undoable = Date.parse(start) > Date.now();
  toasts.show(
    'done',
    i18n.t.booking.cancelled,
    undoable ? { name: i18n.t.common.undo, run: undo } : undefined,
  );
}
