// A lab manager's work: outages, details, rules, agents. What others see of it at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  block,
  call,
  clockOf,
  dayOf,
  freeSlot,
  launch,
  login,
  open,
  quit,
  shoot,
  showDay,
} from './stage.mjs';

before(launch);
after(quit);

const HOUR_MS = 3_600_000;
const manager = login('manager', 2);

/** A bookable instrument that the manager may edit, with a free slot on it. */
async function ownSlot() {
  const { member } = (await call(manager, 'GET', '/api/v1/me')).body;
  const lab = member.roles.find(({ role }) => role === 'manager').node.id;
  const { items } = (
    await call(manager, 'GET', `/api/v1/instruments?lab=${lab}&bookable=true&limit=500`)
  ).body;
  return freeSlot(manager, { hours: 2, among: items });
}

test('an outage is registered and ended, and others see it without reload', async () => {
  const slot = await ownSlot();
  const { page, faults, context } = await open({ who: manager });
  const other = await open({ language: 'en' });
  await showDay(other.page, slot.instrument, slot.start);
  await showDay(page, slot.instrument, slot.start);
  await page.getByRole('button', { name: '登记停机' }).click();
  const form = page.getByTestId('outage-form');
  await form.locator('[name=start]').fill(`${dayOf(slot.start)}T${clockOf(slot.start)}`);
  await form.locator('[name=end]').fill(`${dayOf(slot.end)}T${clockOf(slot.end)}`);
  await form.locator('button[type=submit]').click();
  await form.getByText('请填写原因。').waitFor();
  await form.locator('[name=reason]').fill('更换灯丝');
  await form.locator('button[type=submit]').click();
  await block(page, slot, 'slot-outage').filter({ hasText: '更换灯丝' }).waitFor();
  await block(other.page, slot, 'slot-outage').waitFor();
  await shoot(other.page, 'outage-en');

  await block(page, slot, 'slot-outage').click();
  await page.getByTestId('slot-sheet').getByRole('button', { name: '结束停机' }).click();
  await block(other.page, slot, 'slot-outage').waitFor({ state: 'detached' });
  assert.deepEqual([...faults, ...other.faults], []);
  await context.close();
  await other.context.close();
});

test('details and rules are edited; a stale edit is not lost', async () => {
  const { instrument } = await ownSlot();
  const path = `/api/v1/instruments/${instrument.key}`;
  const before = (await call(manager, 'GET', `${path}/policy`)).body;
  const { page, faults, context } = await open({ who: manager, language: 'en' });
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('instrument-form');
  const room = form.locator('[name=room]');
  await room.waitFor();
  // Somebody else was faster.
  assert.equal(
    (await call(manager, 'PATCH', path, { manufacturer: `${instrument.manufacturer} Co` })).status,
    200,
  );
  await room.fill('Z-1');
  await form.locator('button[type=submit]').click();
  await page.getByText('Somebody else has just changed this record.', { exact: false }).waitFor();
  await room.fill('Z-2');
  await form.locator('button[type=submit]').click();
  await page.getByText('Saved').waitFor();
  const stored = (await call(manager, 'GET', path)).body;
  assert.deepEqual([stored.room, stored.manufacturer], ['Z-2', `${instrument.manufacturer} Co`]);
  await call(manager, 'PATCH', path, {
    room: instrument.room,
    manufacturer: instrument.manufacturer,
  });

  const policy = page.getByTestId('policy-form');
  const longest = policy.locator('fieldset[data-kind=longest]');
  if ((await longest.locator('[data-rule=longest]').count()) === 0)
    await longest.locator('.add').click();
  await longest.locator('[name=mode]').first().selectOption('binding');
  await longest.locator('[name=longest-minutes]').first().fill('90');
  await longest.getByText('= 1.5 h').first().waitFor();
  // Tried first, saved then.
  await policy.getByRole('button', { name: 'Try it' }).click();
  await policy.getByTestId('simulation').waitFor();
  await policy.locator('button[type=submit]').click();
  await page.locator('[role=status]').filter({ hasText: 'Saved' }).waitFor();
  // The word of the save before may still stand there: what counts is what the gateway holds.
  const held = async () => (await call(manager, 'GET', path)).body.rules.longest;
  const until = Date.now() + 5000;
  while ((await held()) !== 'PT1H30M' && Date.now() < until) await page.waitForTimeout(50);
  assert.equal(await held(), 'PT1H30M');
  await call(manager, 'PUT', `${path}/policy`, { rules: before.rules });
  assert.deepEqual(faults, []);
  await context.close();
});

test('an agent is made, its secret shown once, and it is revoked', async () => {
  const { page, faults, context } = await open({ who: manager });
  const name = `page-test-${Date.now().toString(36)}`;
  await page.goto('/manage/agents');
  await page.getByRole('button', { name: '新建采集代理' }).first().click();
  const form = page.getByTestId('agent-form');
  await form.locator('[name=name]').fill(name);
  await form.locator('button[type=submit]').click();
  const shown = page.getByTestId('once-shown');
  const secret = await shown.getByTestId('secret').textContent();
  assert.match(secret, /^\S{32,}$/);
  assert.ok((await shown.locator('textarea').inputValue()).includes(secret));
  await shown.getByRole('button', { name: '我已保存' }).click();
  const row = page.locator(`[data-agent="${name}"]`);
  await row.waitFor();
  assert.equal((await page.content()).includes(secret), false);
  await row.getByRole('button', { name: '吊销' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '吊销' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await context.close();
});

test('a lost gateway is said at once, booking stops, and all comes back by itself', async () => {
  const who = login('researcher', 12);
  const slot = await freeSlot(who, { hours: 1 });
  const { page, context } = await open({ who });
  await showDay(page, slot.instrument, slot.start);
  await page.locator('[data-freshness=live]').waitFor();
  await page.getByTestId('reserve').click();
  const form = page.getByTestId('booking-form');
  await form.locator('[name=purpose]').fill('写到一半');
  await context.setOffline(true);
  await form.locator('[name=date]').fill(dayOf(slot.start + 24 * HOUR_MS));
  await form.locator('[data-check=failed]').waitFor();
  assert.equal(await form.locator('[name=purpose]').inputValue(), '写到一半');
  await page.keyboard.press('Escape');
  await page.locator('[data-freshness=offline]').waitFor();
  await page.locator('.bar.offline').waitFor();
  assert.equal(await page.getByTestId('reserve').isDisabled(), true);
  await shoot(page, 'offline-zh');
  await context.setOffline(false);
  await page.locator('[data-freshness=live]').waitFor();
  await page.locator('.bar.offline').waitFor({ state: 'detached' });
  assert.equal(await page.getByTestId('reserve').isDisabled(), false);
  await context.close();
});

test('theme and language are kept, and the system’s choice is the beginning', async () => {
  const { page, context } = await open({ dark: true });
  await page.goto('/help');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.getByRole('button', { name: '浅色' }).click();
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  await context.close();
});
