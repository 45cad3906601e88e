// What the week calendar draws, as the calendar library wants it; and its roles put right.
import type { Calendar } from '@event-calendar/core';
import { i18n } from './i18n/index.svelte';
import type { Schedule, Taken } from './schedule';
import { clockRange, dayName, MINUTE_MS, wallOf } from './time';

/** Up to this length a slot has its time and title on one line. */
const SHORT_MS = 45 * MINUTE_MS;
/** Up to this length the title gets one line. */
const TIGHT_MS = 75 * MINUTE_MS;

/** Wall text of the library's dates, whose local fields carry the wall clock of its own zone. */
export function wallOfLocal(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Whether a person may pull this event elsewhere: only own bookings that have not ended. */
export function rightsOf(
  taken: Taken,
  nowMs: number,
): { startEditable: boolean; durationEditable: boolean } {
  const own = taken.kind === 'booking' && taken.mine && taken.booking !== null;
  return {
    startEditable: own && taken.startMs > nowMs,
    durationEditable: own && taken.endMs > nowMs,
  };
}

export function classOf(taken: Taken): string {
  if (taken.kind === 'outage') return 'slot-outage';
  if (taken.kind === 'hold' || taken.kind === 'offer' || taken.kind === 'buffer')
    return 'slot-hold';
  return taken.mine ? 'slot-mine' : 'slot-others';
}

/** Grows whenever a slot begins or ends: when rights and looks of slots change by time alone. */
export function phaseOf(schedule: Schedule, nowMs: number): number {
  return (
    schedule.taken.filter(({ startMs }) => startMs <= nowMs).length +
    schedule.taken.filter(({ endMs }) => endMs <= nowMs).length
  );
}

/** Taken slots as events and closed time as background, both in wall-clock time of `zone`. */
export function calendarEvents(
  schedule: Schedule,
  zone: string,
  nowMs: number,
): Calendar.EventInput[] {
  const wall = (ms: number) => `${wallOf(ms, zone)}:00`;
  const taken = schedule.taken.map((one): Calendar.EventInput => {
    const classNames = [classOf(one)];
    const length = one.endMs - one.startMs;
    if (length <= SHORT_MS) classNames.push('slot-short');
    if (length <= TIGHT_MS) classNames.push('slot-tight');
    if (one.endMs <= nowMs) classNames.push('slot-over');
    return {
      id: `${one.kind}-${one.booking ?? ''}-${one.startMs}`,
      start: wall(one.startMs),
      end: wall(one.endMs),
      title: titleOf(one),
      classNames,
      ...rightsOf(one, nowMs),
      extendedProps: { taken: one },
    };
  });
  const closed = schedule.closed.map((one): Calendar.EventInput => ({
    id: `closed-${one.startMs}`,
    start: wall(one.startMs),
    end: wall(one.endMs),
    display: 'background',
    classNames: ['slot-closed'],
  }));
  return [...closed, ...taken];
}

/** What is written on a slot: one's own purpose, else the gateway's label. */
export function titleOf(taken: Taken): string {
  if (taken.mine && taken.purpose) return taken.purpose;
  return taken.label;
}

export function kindName(taken: Taken): string {
  const { mine, others, outage, hold, buffer } = i18n.t.instrument;
  if (taken.kind === 'outage') return outage;
  if (taken.kind === 'hold' || taken.kind === 'offer') return hold;
  if (taken.kind === 'buffer') return buffer;
  return taken.mine ? mine : others;
}

/** The inside of an event: time and title for the eye, one full sentence for a screen reader. */
export function eventContent(event: Calendar.Event, zone: string): { domNodes: Node[] } {
  const taken = event.extendedProps.taken as Taken | undefined;
  // The preview of a new selection has no slot behind it; the label at the pointer tells its time.
  if (!taken) return { domNodes: [] };
  const range = clockRange(taken.startMs, taken.endMs, zone);
  const element = (tag: string, className: string, text: string) => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const time = element('time', 'ec-event-time', range) as HTMLTimeElement;
  time.dateTime = wallOf(taken.startMs, zone);
  const title = element('span', 'ec-event-title', titleOf(taken));
  time.ariaHidden = 'true';
  title.ariaHidden = 'true';
  const day = dayName(taken.startMs, zone, i18n.language);
  const sentence = i18n.t.instrument.event(kindName(taken), day, range, titleOf(taken));
  return { domNodes: [time, title, element('span', 'sr', sentence)] };
}

/**
 * Puts the calendar's roles right and keeps them so: its grid is a labelled group instead of a
 * table without rows, and its scrolling part can be reached by keyboard. The library draws every
 * slot anew when one changes, so the focus is carried to the slot that took its place.
 */
export function accessible(box: HTMLElement, label: string): () => void {
  const fix = () => {
    for (const node of box.querySelectorAll('[role="table"]')) {
      node.setAttribute('role', 'group');
      node.setAttribute('aria-label', label);
    }
    const parts = '[role="row"], [role="rowgroup"], [role="cell"], [role="columnheader"]';
    for (const node of box.querySelectorAll(parts)) {
      node.removeAttribute('role');
      node.removeAttribute('aria-colindex');
    }
    const main = box.querySelector<HTMLElement>('.ec-main');
    if (main && main.tabIndex !== 0) {
      main.tabIndex = 0;
      main.setAttribute('role', 'group');
      main.setAttribute('aria-label', label);
    }
  };
  const slotOf = (node: Element | null) => node?.querySelector('time')?.getAttribute('datetime');
  let focused: Element | null = null;
  const remember = (event: FocusEvent) => {
    focused = (event.target as Element).closest('.ec-event');
  };
  const carry = () => {
    if (!focused || focused.isConnected || document.activeElement !== document.body) return;
    const slot = slotOf(focused);
    const successor = [...box.querySelectorAll<HTMLElement>('.ec-event')].find(
      (node) => slotOf(node) === slot,
    );
    successor?.focus({ preventScroll: true });
  };
  fix();
  const observer = new MutationObserver(() => {
    fix();
    carry();
  });
  observer.observe(box, { childList: true, subtree: true });
  box.addEventListener('focusin', remember);
  return () => {
    observer.disconnect();
    box.removeEventListener('focusin', remember);
  };
}
