// What a booking offers its reader now: buttons from its life and the gateway's `can`. Pure.
import { MINUTE_MS } from './time';
import type { Act, Booking, BookingStatus } from './types';

/** A button: some acts are shown as several (a change moves, shortens, extends, answers). */
export type Button =
  | 'check_in'
  | 'check_out'
  | 'move'
  | 'shorten'
  | 'extend'
  | 'answers'
  | 'transfer'
  | 'cancel'
  | 'restore'
  | 'approve'
  | 'decline'
  | 'appeal';

/** Shown in this order: what people need standing at the machine comes first. */
const ORDER: Button[] = [
  'check_in',
  'check_out',
  'approve',
  'decline',
  'restore',
  'move',
  'shorten',
  'extend',
  'answers',
  'transfer',
  'cancel',
  'appeal',
];

type Life = Pick<Booking, 'status' | 'start' | 'end' | 'can' | 'undo_until'>;
const LIVE: BookingStatus[] = ['pending', 'confirmed', 'in_use'];

/** What the gateway allows; one that does not say so allows changes until the slot is over. */
export function canOf(booking: Life, nowMs: number): ReadonlySet<Act> {
  if (booking.can) return new Set(booking.can);
  const over = Date.parse(booking.end) <= nowMs;
  return new Set(LIVE.includes(booking.status) && !over ? ['change', 'cancel'] : []);
}

export function buttonsOf(booking: Life, nowMs: number): Button[] {
  const can = canOf(booking, nowMs);
  const [begun, over] = [Date.parse(booking.start) <= nowMs, Date.parse(booking.end) <= nowMs];
  const shown = new Set<Button>();
  const same = [
    'check_in',
    'check_out',
    'approve',
    'decline',
    'transfer',
    'cancel',
    'appeal',
  ] as const;
  for (const act of same) if (can.has(act)) shown.add(act);
  if (can.has('restore') && undoLeftMs(booking, nowMs) > 0) shown.add('restore');
  if (can.has('change')) {
    const live = LIVE.includes(booking.status);
    if (live && !begun) shown.add('move');
    if (live && !over) shown.add('extend');
    // One that has not begun is shortened by moving it; one that has, from now on.
    if (live && begun && !over) shown.add('shorten');
    if (booking.status === 'in_use' || !live) shown.add('answers');
  }
  return ORDER.filter((button) => shown.has(button));
}

/** How long a cancelled booking can still be restored; without a limit told, for ever. */
export function undoLeftMs({ undo_until }: Pick<Booking, 'undo_until'>, nowMs: number): number {
  return undo_until ? Math.max(0, Date.parse(undo_until) - nowMs) : Number.POSITIVE_INFINITY;
}

/** Cancelling is free for so long after booking. */
const FREE_MS = 5 * MINUTE_MS;

/** Points that cancelling now costs by the rule in force; 0: free. */
export function cancelPoints(
  booking: Pick<Booking, 'start' | 'created_at' | 'status' | 'at_risk'>,
  rule: { minutes: number; points: number } | null,
  nowMs: number,
): number {
  if (!rule || booking.status !== 'confirmed' || booking.at_risk) return 0;
  if (nowMs - Date.parse(booking.created_at) <= FREE_MS) return 0;
  return Date.parse(booking.start) - nowMs < rule.minutes * MINUTE_MS ? rule.points : 0;
}

/** Bookings made together, in one heap; the others each alone. Order of first appearance. */
export function grouped(bookings: Booking[]): { group: string | null; bookings: Booking[] }[] {
  const heaps = new Map<string, Booking[]>();
  for (const booking of bookings) {
    const name = groupOf(booking) ?? `booking-${booking.id}`;
    const heap = heaps.get(name);
    if (heap) heap.push(booking);
    else heaps.set(name, [booking]);
  }
  return [...heaps].map(([name, heap]) => ({
    group: name.startsWith('booking-') ? null : name,
    bookings: heap,
  }));
}

export function groupOf({ series, bundle }: Pick<Booking, 'series' | 'bundle'>): string | null {
  if (series != null) return `series-${series}`;
  return bundle != null ? `bundle-${bundle}` : null;
}
