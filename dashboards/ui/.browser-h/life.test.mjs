// A booking's life as its member sees it: kept while the form is open, asked, waited for, repeated,
// cancelled and brought back, used now, and what goes with it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  answerOf,
  assertAccessible,
  block,
  book,
  call,
  clockOf,
  dayOf,
  freeSlot,
  iso,
  launch,
  login,
  manageable,
  open,
  quit,
  registered,
  shoot,
  showDay,
  withRules,
} from './stage.mjs';

before(launch);
after(quit);

const HOUR_MS = 3_600_000;
const manager = login('manager', 2);
/** Opens the booking form at a slot. */
async function formAt(page, slot) {
  await page.getByTestId('reserve').click();
  const form = page.getByTestId('booking-form');
  await form.locator('[name=date]').fill(dayOf(slot.start));
  await form.locator('[name=start]').selectOption(clockOf(slot.start));
  return form;
}

test('a slot is kept while its form is open, and given back when it is closed', async () => {
  const who = login('researcher', 0);
  const rival = login('researcher', 1);
  const slot = await freeSlot(who, { hours: 1 });
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  const form = await formAt(page, slot);
  await form.locator('[data-check=free]').waitFor();
  await form
    .getByTestId('hold')
    .filter({ hasText: /\d+:\d\d/ })
    .waitFor();
  const wish = {
    instrument: slot.instrument.key,
    start: iso(slot.start),
    end: iso(slot.end),
    purpose: 'rival',
  };
  const path = '/api/v1/bookings?dry_run=true';
  const held = (await call(rival, 'POST', path, wish)).body;
  assert.deepEqual([held.would, held.conflicts.map(({ kind }) => kind)], ['refuse', ['hold']]);
  await assertAccessible(page, 'booking form with a hold');
  await shoot(page, 'hold-zh');

  const released = page.waitForResponse(
    (answer) => answer.request().method() === 'DELETE' && answer.url().includes('/holds/'),
  );
  await page.keyboard.press('Escape');
  await released;
  assert.equal((await call(rival, 'POST', path, wish)).body.would, 'accept');
  assert.equal((await call(who, 'GET', '/api/v1/holds')).body.items.length, 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('the instrument’s questions are asked, kept, and filled in as last time', async () => {
  const who = login('researcher', 2);
  const instrument = await manageable(manager);
  const path = `/api/v1/instruments/${instrument.key}/questions`;
  const set = (questions) => call(manager, 'PUT', path, { questions });
  const before = (await call(manager, 'GET', path)).body.questions;
  const asked = await set([
    {
      name: 'sample',
      label: '样品编号',
      label_en: 'Sample code',
      required: true,
      answer: { kind: 'text', characters_max: 20 },
    },
    { name: 'toxic', label: '有毒', label_en: 'Toxic', answer: { kind: 'yes_no' } },
  ]);
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  const slot = await freeSlot(who, { hours: 1, after: 1, among: [instrument] });
  const { page, faults, context } = await open({ who });
  await showDay(page, instrument, slot.start);
  const form = await formAt(page, slot);
  await form.locator('[data-check=free]').waitFor();
  await form.locator('[name=purpose]').fill('问题测试');
  await form.locator('button[type=submit]').click();
  await form.getByText('必须填写。').waitFor();
  await form.locator('[name=answer-sample]').fill('S-7');
  await form.locator('[name=answer-toxic]').selectOption('no');
  await form.locator('summary').click();
  await form.locator('[name=service]').selectOption('self_service');
  await form.locator('[name=samples]').fill('3');
  const answer = answerOf(page, 'POST', '/bookings');
  await form.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201, await response.text());
  const booking = await response.json();
  assert.deepEqual(booking.details, {
    service: 'self_service',
    samples: 3,
    answers: { sample: 'S-7', toxic: false },
  });

  await form.waitFor({ state: 'detached' });
  await page.getByTestId('reserve').click();
  await form.getByRole('button', { name: '照上次填写' }).click();
  await form.locator('[name=answer-sample]').waitFor();
  await page.waitForFunction(() => document.querySelector('[name=answer-sample]')?.value === 'S-7');
  assert.equal(await form.locator('[name=purpose]').inputValue(), '问题测试');
  await page.keyboard.press('Escape');
  await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
  await set(before);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a manager sets a rule aside with a reason, for somebody else', async () => {
  const instrument = await manageable(manager);
  const slot = await freeSlot(manager, { hours: 2, among: [instrument] });
  await withRules(
    manager,
    instrument,
    [{ rule: 'longest', mode: 'binding', minutes: 60 }],
    async () => {
      const { page, faults, context } = await open({ who: manager, language: 'en' });
      await showDay(page, instrument, slot.start);
      const form = await formAt(page, slot);
      await form.locator('[name=end]').selectOption(clockOf(slot.end));
      await form.locator('[data-check=refused]').waitFor();
      await form.getByTestId('override').waitFor();
      await form.locator('[name=purpose]').fill('Urgent');
      await form.locator('button[type=submit]').click();
      await form.getByText('Please give a reason.').waitFor();
      await form.locator('[name=override_reason]').fill('Agreed with the lab');
      const answer = answerOf(page, 'POST', '/bookings');
      await form.getByRole('button', { name: 'Set aside and book' }).click();
      const response = await answer;
      assert.equal(response.status(), 201, await response.text());
      const { id } = await response.json();
      const stored = (await call(manager, 'GET', `/api/v1/bookings/${id}`)).body;
      assert.equal(stored.overrides[0].reason, 'Agreed with the lab');
      assert.deepEqual(stored.overrides[0].rules, ['longest']);
      await call(manager, 'DELETE', `/api/v1/bookings/${id}`);
      assert.deepEqual(faults, []);
      await context.close();
    },
  );
});

test('a booking that needs a yes is asked for, approved in the inbox, and told', async () => {
  const who = login('researcher', 3);
  const instrument = await manageable(manager);
  const slot = await freeSlot(who, { hours: 1, among: [instrument] });
  await withRules(manager, instrument, [{ rule: 'approval', mode: 'binding' }], async () => {
    const { page, faults, context } = await open({ who });
    await showDay(page, instrument, slot.start);
    const form = await formAt(page, slot);
    await form.locator('[data-check=approval]').waitFor();
    await form.locator('[name=purpose]').fill('请批准');
    const answer = answerOf(page, 'POST', '/bookings');
    await form.getByRole('button', { name: '提交申请' }).click();
    const booking = await (await answer).json();
    assert.equal(booking.status, 'pending');

    const desk = await open({ who: manager });
    await desk.page.goto(`/manage/inbox?lab=${instrument.lab.id}`);
    const item = desk.page.locator(`[data-booking="${booking.id}"]`);
    await item.waitFor();
    await assertAccessible(desk.page, 'inbox');
    await shoot(desk.page, 'inbox-zh');
    await item.getByRole('button', { name: '批准', exact: true }).click();
    await item.waitFor({ state: 'detached' });

    await page.goto('/my');
    await page.locator(`[data-booking="${booking.id}"] [data-booking-status=confirmed]`).waitFor();
    await page.goto('/notices');
    await page.locator('[data-notice=approved]').first().waitFor();
    await assertAccessible(page, 'notices');
    await page.getByRole('button', { name: '全部标为已读' }).click();
    await page.locator('header .bell b').waitFor({ state: 'detached' });
    await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
    assert.deepEqual([...faults, ...desk.faults], []);
    await context.close();
    await desk.context.close();
  });
});

test('a series shows each occurrence with what stands against it, and books the others', async () => {
  const who = login('researcher', 4);
  const slot = await freeSlot(who, { hours: 1 });
  // Somebody has the second day.
  const day = 24 * HOUR_MS;
  const second = { ...slot, start: slot.start + day, end: slot.end + day };
  const rival = login('researcher', 5);
  const taken = await call(rival, 'POST', '/api/v1/bookings', {
    instrument: slot.instrument.key,
    start: iso(second.start),
    end: iso(second.end),
    purpose: 'rival',
  });
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  const form = await formAt(page, slot);
  await form.locator('[data-check=free]').waitFor();
  await form.locator('[name=purpose]').fill('重复测试');
  await form.getByRole('button', { name: '重复预约…' }).click();
  const series = page.getByTestId('series-form');
  await series.locator('[name=frequency]').selectOption('DAILY');
  const checked = page.waitForResponse(
    (answer) =>
      answer.url().endsWith('/series?dry_run=true') &&
      answer.request().postDataJSON().rule === 'FREQ=DAILY;COUNT=3',
  );
  await series.locator('[name=count]').fill('3');
  const { occurrences } = await (await checked).json();
  assert.equal(occurrences.length, 3);
  assert.equal(occurrences[1].would, 'refuse');
  await series.locator('[data-would=refuse]').first().waitFor();
  await assertAccessible(page, 'series form');
  await shoot(page, 'series-zh');
  const passing = occurrences.filter(({ would }) => would !== 'refuse').length;
  const made = answerOf(page, 'POST', '/series');
  await series.getByRole('button', { name: `预约 ${passing} 次` }).click();
  const response = await made;
  assert.equal(response.status(), 201, await response.text());
  await block(page, slot, 'slot-mine').waitFor();

  await page.goto('/my/waitlist');
  await page.locator('[data-series]').first().waitFor();
  await page.locator('[data-series]').first().getByRole('button').click();
  await page.getByText(/^已取消 \d+ 次/).waitFor();
  if (taken.status === 201) await call(rival, 'DELETE', `/api/v1/bookings/${taken.body.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('where a time is taken one waits for it, sees one’s place, and may withdraw', async () => {
  const who = login('researcher', 6);
  const slot = await freeSlot(who, { hours: 1 });
  const rival = login('researcher', 7);
  const taken = await book(rival, slot);
  const { page, faults, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  const form = await formAt(page, slot);
  await form.locator('[data-check=refused]').waitFor();
  await form.locator('[name=purpose]').fill('候补测试');
  const join = form.getByTestId('join-wait');
  await join.getByRole('button', { name: '加入候补' }).click();
  const answer = answerOf(page, 'POST', '/waitlist');
  await join.getByRole('button', { name: '加入候补' }).click();
  const response = await answer;
  assert.equal(response.status(), 201, await response.text());
  const { id } = await response.json();
  await page.goto('/my/waitlist');
  const item = page.locator(`[data-wait="${id}"]`);
  await item.filter({ hasText: '第 1 位' }).waitFor();
  await assertAccessible(page, 'waitlist');
  await shoot(page, 'waitlist-zh');
  await item.getByRole('button', { name: '撤回' }).click();
  await page.getByText('已撤回候补').waitFor();
  await call(rival, 'DELETE', `/api/v1/bookings/${taken.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a cancelled booking comes back as the same booking', async () => {
  const who = login('researcher', 8);
  const slot = await freeSlot(who, { hours: 1 });
  const booking = await book(who, slot);
  const { page, faults, context } = await open({ who });
  await page.goto('/my');
  const row = page.locator(`li[data-booking="${booking.id}"]`);
  await row.locator('[data-act=cancel]').click();
  await row.locator('[data-booking-status=cancelled]').waitFor();
  const restored = answerOf(page, 'POST', `/bookings/${booking.id}/restore`);
  await page.getByRole('button', { name: '撤销' }).click();
  assert.equal((await restored).status(), 200);
  await row.locator('[data-booking-status=confirmed]').waitFor();
  await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a booking is extended, judged before it is sent', async () => {
  const who = login('researcher', 9);
  const slot = await freeSlot(who, { hours: 1, after: 2 });
  const booking = await book(who, slot);
  const { page, faults, context } = await open({ who, language: 'en' });
  await page.goto('/my');
  await page.locator(`li[data-booking="${booking.id}"] [data-act=extend]`).click();
  const form = page.getByTestId('extend-form');
  await form.getByRole('button', { name: '+ 1 h' }).click();
  await form.locator('[data-check=free]').waitFor();
  await assertAccessible(page, 'extend form');
  await form.locator('button[type=submit]').click();
  await form.waitFor({ state: 'detached' });
  const stored = (await call(who, 'GET', `/api/v1/bookings/${booking.id}`)).body;
  assert.equal(Date.parse(stored.end), slot.end + HOUR_MS);
  await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('an instrument that is free is used at once, and left by its label', async () => {
  const who = login('researcher', 10);
  // Open at any hour at which the test may run.
  const weekly = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }];
  const always = [{ rule: 'opening_hours', mode: 'default', weekly }];
  const instrument = await registered(manager);
  await withRules(manager, instrument, always, () => useNow(who, instrument));
});

async function useNow(who, instrument) {
  const label = (await call(manager, 'GET', `/api/v1/instruments/${instrument.key}/qr`)).body;
  const address = new URL(label.text);
  const { page, faults, context } = await open({ who });
  await page.goto(address.pathname + address.search);
  await page.getByTestId('check-in').getByRole('button', { name: '现在开始使用' }).click();
  const form = page.getByTestId('booking-form');
  await form.locator('[data-check=free]').waitFor();
  await form.locator('[name=purpose]').fill('现场使用');
  const answer = answerOf(page, 'POST', '/bookings');
  await form.getByRole('button', { name: '开始使用', exact: true }).click();
  const booking = await (await answer).json();
  assert.equal(booking.status, 'in_use');
  await page.reload();
  await page.getByTestId('check-in').getByRole('button', { name: '签退' }).click();
  await page.getByText('已签退').waitFor();
  const stored = (await call(who, 'GET', `/api/v1/bookings/${booking.id}`)).body;
  assert.equal(stored.status, 'completed');
  assert.deepEqual(faults, []);
  await context.close();
}
