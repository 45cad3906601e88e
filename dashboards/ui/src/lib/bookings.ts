// Cancelling with a way back: what every page that lists bookings offers.
import { api } from './api';
import { life } from './api-life';
import { failureReasons, failureText } from './failure';
import { book } from './i18n/book.svelte';
import { i18n } from './i18n/index.svelte';
import { now } from './now.svelte';
import { personName } from './refs';
import { clockRange, DEFAULT_ZONE, dayName } from './time';
import { toasts } from './toasts.svelte';
import type { Booking } from './types';

export function slotText(booking: { start: string; end: string }, zone = DEFAULT_ZONE): string {
  const [start, end] = [Date.parse(booking.start), Date.parse(booking.end)];
  return `${dayName(start, zone, i18n.language)} ${clockRange(start, end, zone)}`;
}

/** Who said yes or no to a booking; empty where nobody had to. */
export function decisionText({ status, decided_by }: Booking): string {
  if (!decided_by) return '';
  const { approvedBy, declinedBy } = book.t.life;
  return (status === 'declined' ? declinedBy : approvedBy)(personName(decided_by));
}

export function refused(error: unknown): void {
  toasts.show('refused', [failureText(error), ...failureReasons(error)].join(' '));
}

/** Tells that a booking was made or asked for, with undo. */
export function tellBooked(booking: Booking, zone: string, changed: () => void): void {
  const undo = () =>
    void api.cancel(booking.id).then(() => {
      toasts.show('done', book.t.booking.cancelled);
      changed();
    }, refused);
  const slot = slotText(booking, zone);
  if (booking.status === 'in_use') {
    toasts.show('done', book.t.form.begun(slot));
    return;
  }
  const text = booking.status === 'pending' ? book.t.form.asked(slot) : book.t.booking.booked(slot);
  toasts.show('done', text, { name: i18n.t.common.undo, run: undo });
}

/** Cancels, tells what it cost, and offers to take it back while that is possible. */
export async function cancelBooking(
  booking: Booking,
  changed: () => void,
  reason?: string,
): Promise<void> {
  let answer: Awaited<ReturnType<typeof api.cancel>>;
  try {
    answer = await api.cancel(booking.id, reason);
  } catch (error) {
    refused(error);
    return;
  }
  changed();
  const undo = () =>
    void bringBack(booking, answer).then(() => {
      toasts.show('done', book.t.booking.restored);
      changed();
    }, refused);
  const undoable = answer?.can
    ? answer.can.includes('restore')
    : Date.parse(booking.start) > now.read();
  toasts.show(
    'done',
    answer?.points ? book.t.cancel.cost(answer.points) : book.t.booking.cancelled,
    undoable ? { name: i18n.t.common.undo, run: undo } : undefined,
  );
}

/** The same booking where the gateway can restore it, else the same slot again, if it is free. */
function bringBack(booking: Booking, cancelled: Booking | undefined): Promise<Booking> {
  if (cancelled?.can?.includes('restore')) return life.restore(booking.id);
  const { instrument, start, end, purpose, project, details } = booking;
  const again = {
    instrument: instrument.key,
    start,
    end,
    purpose,
    ...(project ? { project } : {}),
    ...(details ? { details } : {}),
  };
  return api.book(again, `undo-${booking.id}-${booking.version}`);
}

/** The late-cancellation rule in force at an instrument, or null; not knowing it is no obstacle. */
export async function lateRule(key: string): Promise<{ minutes: number; points: number } | null> {
  try {
    const policy = await life.effective(key);
    const rule = policy.rules.find((one) => one.rule === 'late_cancellation');
    const [minutes, points] = [Number(rule?.minutes), Number(rule?.points)];
    return Number.isFinite(minutes) && Number.isFinite(points) ? { minutes, points } : null;
  } catch {
    return null;
  }
}
