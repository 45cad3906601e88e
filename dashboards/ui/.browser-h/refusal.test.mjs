// What is taken, closed or somebody else's is refused, with the reason, in both languages.
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

for (const [language, nth, words] of [
  ['zh', 4, { refused: '不能预约：', conflict: '冲突', use: '改为' }],
  ['en', 6, { refused: 'Not possible:', conflict: 'Conflicts with', use: 'Use' }],
]) {
  test(`a slot taken in the last moment is refused with the reason and next free times (${language})`, async () => {
    const who = login('researcher', nth);
    const rival = login('researcher', nth + 1);
    const slot = await freeSlot(who, { hours: 1, after: 1 });
    const { page, faults, context } = await open({ who, language });
    // With a hold nobody could be faster: this is the form of one who has used up their holds.
    await page.route('**/api/v1/holds', (route) =>
      route.fulfill({
        status: 422,
        contentType: 'application/problem+json',
        body: JSON.stringify({ type: '/problems/refused-by-policy', status: 422 }),
      }),
    );
    await showDay(page, slot.instrument, slot.start);
    await drag(page, slot.start, slot.end);
    const form = page.getByTestId('booking-form');
    await form.locator('[data-check=free]').waitFor();
    await form.locator('[name=purpose]').fill('test');

    const taken = await book(rival, slot);
    const answer = page.waitForResponse(
      (one) => one.url().endsWith('/api/v1/bookings') && one.request().method() === 'POST',
    );
    await form.locator('button[type=submit]').click();
    assert.equal((await answer).status(), 409);
    const refused = form.locator('[data-check=refused]');
    await refused.waitFor();
    const text = await refused.textContent();
    assert.ok(text.includes(words.refused) && text.includes(words.conflict), text);
    assert.ok(text.includes(`${clockOf(slot.start)}–${clockOf(slot.end)}`), text);
    await shoot(page, `refused-${language}`);

    // A suggestion is one press away, and it can be booked.
    const next = form.locator('[data-next-free]').first();
    assert.ok((await next.textContent()).includes(words.use));
    await next.click();
    await form.locator('[data-check=free]').waitFor();
    const second = page.waitForResponse(
      (one) => one.url().endsWith('/api/v1/bookings') && one.request().method() === 'POST',
    );
    await form.locator('button[type=submit]').click();
    const made = await second;
    assert.equal(made.status(), 201);
    await call(who, 'DELETE', `/api/v1/bookings/${(await made.json()).id}`);
    await call(rival, 'DELETE', `/api/v1/bookings/${taken.id}`);
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test('a slot known to be taken is refused while dragging and by the form', async () => {
  const who = login('researcher', 8);
  const slot = await freeSlot(who, { hours: 1, after: 1 });
  const taken = await book(login('researcher', 9), slot);
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  await block(page, slot, 'slot-others').waitFor();

  // From the free hour behind it up into the taken one.
  const free = await pointAt(page, slot.end);
  await page.mouse.move(free.x, free.y + 30);
  await page.mouse.down();
  await page.mouse.move(free.x, free.y + 10, { steps: 3 });
  await page.mouse.move(free.x, free.y - 20, { steps: 5 });
  await page.getByTestId('drag-hint').filter({ hasText: '重叠' }).waitFor();
  await shoot(page, 'drag-refused-zh');
  await page.mouse.up();
  await page.getByText(/^未预约：与 .* 的占用重叠。$/).waitFor();
  assert.equal(await page.getByTestId('booking-form').count(), 0);

  await page.getByTestId('reserve').click();
  const form = page.getByTestId('booking-form');
  await form.locator('[name=date]').fill(dayOf(slot.start));
  await form.locator('[name=start]').selectOption(clockOf(slot.start));
  await form.locator('[data-check=refused]').filter({ hasText: '冲突' }).waitFor();
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  await call(login('researcher', 9), 'DELETE', `/api/v1/bookings/${taken.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('Escape gives a drag up', async () => {
  const who = login('researcher', 10);
  const slot = await freeSlot(who, { hours: 2 });
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  await drag(page, slot.start, slot.end, { beforeRelease: () => page.keyboard.press('Escape') });
  await page.locator('.ec-preview').waitFor({ state: 'detached' });
  assert.equal(await page.getByTestId('booking-form').count(), 0);
  // And the next one works as if nothing had been.
  await drag(page, slot.start, slot.end);
  await page.getByTestId('booking-form').locator('[data-check=free]').waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('others’ bookings cannot be pulled, not even by a manager of another lab', async () => {
  const owner = login('researcher', 11);
  const slot = await freeSlot(owner, { hours: 1, after: 2 });
  const booking = await book(owner, slot);
  for (const who of [login('researcher', 12), login('manager', 1), null]) {
    const { page, faults, context } = await open({ who });
    const asked = [];
    page.on(
      'request',
      (request) => request.method() !== 'GET' && asked.push(`${request.method()} ${request.url()}`),
    );
    await showDay(page, slot.instrument, slot.start);
    const other = block(page, slot, 'slot-others');
    await other.waitFor();
    assert.equal(await other.evaluate((node) => node.classList.contains('ec-draggable')), false);
    const at = await pointAt(page, slot.start);
    for (const grip of [20, 45]) {
      await page.mouse.move(at.x, at.y + grip);
      await page.mouse.down();
      await page.mouse.move(at.x, at.y + grip + 60, { steps: 8 });
      await page.mouse.up();
    }
    await other.waitFor();
    assert.deepEqual(
      asked.filter((one) => !one.includes('dry_run')),
      [],
    );
    await page.keyboard.press('Escape');
    assert.deepEqual(faults, []);
    await context.close();
  }
  const stored = (await call(owner, 'GET', `/api/v1/bookings/${booking.id}`)).body;
  assert.equal(Date.parse(stored.start), slot.start);
  await call(owner, 'DELETE', `/api/v1/bookings/${booking.id}`);
});
