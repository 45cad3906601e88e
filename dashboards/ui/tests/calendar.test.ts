import { render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { rightsOf } from '../src/lib/calendar';
import { now } from '../src/lib/now.svelte';
import { type Schedule, type Taken } from '../src/lib/schedule';
import { addDays, dayOf, HOUR_MS, instantOf, mondayOf } from '../src/lib/time';
import WeekCalendar from '../src/parts/WeekCalendar.svelte';

const ZONE = 'Asia/Shanghai';
const taken = (startMs: number, hours: number, rest: Partial<Taken>): Taken => ({
  startMs,
  endMs: startMs + hours * HOUR_MS,
  kind: 'booking',
  mine: false,
  label: '已预约',
  booking: null,
  purpose: null,
  ...rest,
});

describe('rights on the calendar', () => {
  it('are for own bookings that have not ended', () => {
    const nowMs = 1000 * HOUR_MS;
    const own = { mine: true, booking: 1 };
    const none = { startEditable: false, durationEditable: false };
    const both = { startEditable: true, durationEditable: true };
    expect(rightsOf(taken(nowMs + HOUR_MS, 1, own), nowMs)).toEqual(both);
    expect(rightsOf(taken(nowMs - HOUR_MS, 2, own), nowMs)).toEqual({
      startEditable: false,
      durationEditable: true,
    });
    expect(rightsOf(taken(nowMs - 2 * HOUR_MS, 1, own), nowMs)).toEqual(none);
    expect(rightsOf(taken(nowMs + HOUR_MS, 1, {}), nowMs)).toEqual(none);
    // A manager sees the number of others' bookings; they stay others'.
    expect(rightsOf(taken(nowMs + HOUR_MS, 1, { booking: 5 }), nowMs)).toEqual(none);
    expect(rightsOf(taken(nowMs + HOUR_MS, 1, { ...own, kind: 'outage' }), nowMs)).toEqual(none);
  });

  // The calendar library moves every event unless told otherwise in its own way; an update of it
  // that changes this must fail here.
  it('reach the drawn events: only own ones can be pulled or resized', async () => {
    const firstDay = mondayOf(addDays(dayOf(now.ms, ZONE), 7));
    const tuesday = instantOf(`${addDays(firstDay, 1)}T10:00`, ZONE);
    const schedule: Schedule = {
      known: { startMs: tuesday - 48 * HOUR_MS, endMs: tuesday + 200 * HOUR_MS },
      closed: [{ startMs: tuesday - 34 * HOUR_MS, endMs: tuesday - 26 * HOUR_MS }],
      free: [],
      taken: [
        taken(tuesday, 2, { mine: true, booking: 1, purpose: '粉末样品' }),
        taken(tuesday + 4 * HOUR_MS, 1, {}),
        taken(tuesday + 24 * HOUR_MS, 2, { kind: 'outage', label: '停机' }),
      ],
    };
    const rules = {
      zone: ZONE,
      opening_hours: [],
      alignment: 'PT15M',
      shortest: null,
      longest: null,
      horizon: null,
      policy_version: 1,
    };
    const onopen = vi.fn();
    const { container } = render(WeekCalendar, {
      schedule,
      rules,
      zone: ZONE,
      firstDay,
      days: 7,
      mayBook: true,
      onselect: vi.fn(),
      onmove: vi.fn(),
      onopen,
    });
    await tick();
    const found = (name: string) => [...container.querySelectorAll(`.ec-event.${name}`)];
    expect(found('slot-mine')).toHaveLength(1);
    expect(found('slot-others')).toHaveLength(1);
    expect(found('slot-outage')).toHaveLength(1);
    expect(container.querySelectorAll('.ec-bg-event.slot-closed').length).toBeGreaterThan(0);
    expect(container.querySelectorAll('.ec-draggable')).toHaveLength(1);
    expect(found('slot-mine')[0]?.classList.contains('ec-draggable')).toBe(true);
    for (const other of [...found('slot-others'), ...found('slot-outage')]) {
      expect(other.querySelector('.ec-resizer')).toBeNull();
    }
    expect(found('slot-mine')[0]?.querySelector('.ec-resizer')).not.toBeNull();

    // Its table roles are put right, and each slot says in one sentence what it is.
    expect(container.querySelectorAll('[role="table"], [role="row"], [role="cell"]')).toHaveLength(
      0,
    );
    expect(container.querySelector('.ec')?.getAttribute('aria-label')).toBe('一周日程');
    expect(found('slot-mine')[0]?.querySelector('.sr')?.textContent).toMatch(
      /^我的预约，.*10:00–12:00，粉末样品$/,
    );
    (found('slot-others')[0] as HTMLElement).click();
    expect(onopen).toHaveBeenCalledTimes(1);
  });
});
