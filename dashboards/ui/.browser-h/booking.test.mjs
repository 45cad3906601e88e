// Booking by drag and by form, undo, moving, and what other people see of it at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  block,
  book,
  call,
  clockOf,
  dayOf,
  drag,
  freeSlot,
  launch,
  login,
  open,
  pointAt,
  quit,
  shoot,
  showDay,
} from './stage.mjs';

before(launch);
after(quit);

const HOUR_MS = 3_600_000;
const iso = (ms) => new Date(ms).toISOString();
const created = (page) =>
  page.waitForResponse(
    (answer) => answer.url().endsWith('/api/v1/bookings') && answer.request().method() === 'POST',
  );
const bookingOf = (page, id) =>
  page.waitForResponse(
    (answer) => answer.url().endsWith(`/bookings/${id}`) && answer.request().method() !== 'GET',
  );

test('a researcher books by drag, and another browser sees it without reload', async () => {
  const who = login('researcher', 0);
  const slot = await freeSlot(who, { hours: 2 });
  const mine = await open({ who });
  const other = await open({ who: login('researcher', 1), language: 'en' });
  await showDay(other.page, slot.instrument, slot.start);
  await showDay(mine.page, slot.instrument, slot.start);

  await drag(mine.page, slot.start, slot.end, {
    beforeRelease: async () => {
      const hint = mine.page.getByTestId('drag-hint');
      await hint.filter({ hasText: `${clockOf(slot.start)}–${clockOf(slot.end)}` }).waitFor();
      await shoot(mine.page, 'drag-zh');
    },
  });
  const form = mine.page.getByTestId('booking-form');
  await form.locator('[data-check=free]').waitFor();
  assert.equal(await form.locator('[name=date]').inputValue(), dayOf(slot.start));
  assert.equal(await form.locator('[name=start]').inputValue(), clockOf(slot.start));
  await form.locator('[name=purpose]').fill('粉末样品物相分析');
  await shoot(mine.page, 'form-zh');
  const answer = created(mine.page);
  await form.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201);
  const booking = await response.json();
  assert.deepEqual([Date.parse(booking.start), Date.parse(booking.end)], [slot.start, slot.end]);
  assert.ok(response.request().headers()['idempotency-key']);
  await block(mine.page, slot, 'slot-mine').waitFor();
  await shoot(mine.page, 'booked-zh');

  // The other person's page was open all the time: the event stream brings it.
  await block(other.page, slot, 'slot-others').waitFor();
  assert.equal(await block(other.page, slot, 'slot-mine').count(), 0);
  await shoot(other.page, 'others-en');

  const cancelled = bookingOf(mine.page, booking.id);
  await mine.page.getByRole('button', { name: '撤销' }).click();
  assert.equal((await cancelled).status(), 200);
  await block(mine.page, slot, 'slot-mine').waitFor({ state: 'detached' });
  await block(other.page, slot, 'slot-others').waitFor({ state: 'detached' });
  assert.deepEqual([...mine.faults, ...other.faults], []);
  await mine.context.close();
  await other.context.close();
});

test('a researcher books by form with the keyboard alone, in English', async () => {
  const who = login('researcher', 2);
  const slot = await freeSlot(who, { hours: 1 });
  const { page, faults, context } = await open({ who, language: 'en' });
  await showDay(page, slot.instrument, slot.start);
  await page.keyboard.press('n');
  const form = page.getByTestId('booking-form');
  await form.locator('[name=date]').fill(dayOf(slot.start));
  await form.locator('[name=start]').selectOption(clockOf(slot.start));
  await form.getByRole('button', { name: '1 h', exact: true }).focus();
  await page.keyboard.press('Enter');
  await form.locator('[data-check=free]').waitFor();

  // Without a purpose the form says what is missing and keeps everything.
  await form.locator('[name=purpose]').focus();
  await page.keyboard.press('Enter');
  await form.getByText('Please give a purpose.').waitFor();
  await page.keyboard.type('Phase analysis');
  const answer = created(page);
  await page.keyboard.press('Enter');
  assert.equal((await answer).status(), 201);
  await block(page, slot, 'slot-mine').waitFor();

  await page.goto('/my');
  const row = page.locator('[data-booking]', { hasText: slot.instrument.key });
  await row.waitFor();
  await shoot(page, 'my-en');
  await row.getByRole('button', { name: 'Cancel booking' }).click();
  await page.getByText('Booking cancelled').waitFor();
  await page.locator('[data-booking]', { hasText: 'Cancelled' }).first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('an own booking is moved by drag and back by undo, and changed by form', async () => {
  const who = login('researcher', 3);
  const slot = await freeSlot(who, { hours: 1, after: 2 });
  const booking = await book(who, slot);
  const later = { start: slot.start + HOUR_MS, end: slot.end + HOUR_MS };
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  await block(page, slot, 'slot-mine').waitFor();

  const moved = bookingOf(page, booking.id);
  const from = await pointAt(page, slot.start);
  await page.mouse.move(from.x, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(from.x, from.y + 34, { steps: 3 });
  await page.mouse.move(from.x, from.y + 20 + 48, { steps: 8 });
  await page.mouse.up();
  assert.equal((await moved).status(), 200);
  await block(page, later, 'slot-mine').waitFor();
  const back = bookingOf(page, booking.id);
  await page.getByRole('button', { name: '撤销' }).click();
  assert.equal((await back).status(), 200);
  await block(page, slot, 'slot-mine').waitFor();

  await block(page, slot, 'slot-mine').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('slot-sheet').getByRole('button', { name: '修改时间' }).click();
  const form = page.getByTestId('booking-form');
  await form.locator('[name=start]').selectOption(clockOf(later.start));
  await form.locator('[data-check=free]').waitFor();
  const changed = bookingOf(page, booking.id);
  await form.locator('button[type=submit]').click();
  assert.equal((await changed).status(), 200);
  await block(page, later, 'slot-mine').waitFor();
  const stored = (await call(who, 'GET', `/api/v1/bookings/${booking.id}`)).body;
  assert.equal(iso(Date.parse(stored.start)), iso(later.start));
  await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});
