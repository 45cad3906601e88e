// What managers decide and administrators keep: rules tried first, outages with a choice, use
// entered by hand, qualifications, people, the tree, projects.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  assertAccessible,
  book,
  call,
  clockOf,
  dayOf,
  freeSlot,
  launch,
  login,
  manageable,
  open,
  quit,
  shoot,
} from './stage.mjs';

before(launch);
after(quit);

const HOUR_MS = 3_600_000;
const manager = login('manager', 1);
const unique = () => Date.now().toString(36);

test('rules are tried on real bookings before they are saved', async () => {
  const who = login('researcher', 13);
  const instrument = await manageable(manager);
  const path = `/api/v1/instruments/${instrument.key}/policy`;
  const before = (await call(manager, 'GET', path)).body;
  const slot = await freeSlot(who, { hours: 2, among: [instrument] });
  const booking = await book(who, slot);
  const { page, faults, context } = await open({ who: manager });
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('policy-form');
  const longest = form.locator('fieldset[data-kind=longest]');
  if ((await longest.locator('[data-rule=longest]').count()) === 0)
    await longest.locator('.add').click();
  await longest.locator('[name=mode]').first().selectOption('binding');
  await longest.locator('[name=longest-minutes]').first().fill('0');
  await longest.getByText('数值超出范围。').waitFor();
  await longest.locator('[name=longest-minutes]').first().fill('60');
  await form.getByRole('button', { name: '试算影响' }).click();
  const simulation = form.getByTestId('simulation');
  await simulation.filter({ hasText: /个预约会被拒绝/ }).waitFor();
  await simulation.locator(`a[href="/i/${instrument.key}"]`).first().waitFor();
  await assertAccessible(page, 'rules with a simulation');
  await shoot(page, 'simulation-zh');
  await form.locator('button[type=submit]').click();
  await page.locator('[role=status]').filter({ hasText: '已保存' }).waitFor();
  const held = (await call(manager, 'GET', path)).body.rules;
  assert.deepEqual(
    held
      .filter(({ rule, mode }) => rule === 'longest' && mode === 'binding')
      .map((one) => one.minutes),
    [60],
  );
  // An accepted booking stays.
  assert.equal((await call(who, 'GET', `/api/v1/bookings/${booking.id}`)).body.status, 'confirmed');
  await call(manager, 'PUT', path, { rules: before.rules });
  await call(who, 'DELETE', `/api/v1/bookings/${booking.id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('an outage asks what becomes of a booking inside, and does it', async () => {
  const who = login('researcher', 14);
  const instrument = await manageable(manager);
  const slot = await freeSlot(who, { hours: 1, among: [instrument] });
  const booking = await book(who, slot);
  const { page, faults, context } = await open({ who: manager });
  await page.goto(`/i/${instrument.key}`);
  await page.getByRole('button', { name: '登记停机' }).click();
  const form = page.getByTestId('outage-form');
  await form.locator('[name=start]').fill(`${dayOf(slot.start)}T${clockOf(slot.start)}`);
  await form.locator('[name=end]').fill(`${dayOf(slot.end)}T${clockOf(slot.end)}`);
  await form.locator('[name=reason]').fill('更换探测器');
  // The first press shows what is inside; nothing is done yet.
  await form.locator('button[type=submit]').click();
  const choice = form.locator(`[data-booking="${booking.id}"] select`);
  await choice.waitFor();
  await assertAccessible(page, 'outage with choices');
  await shoot(page, 'outage-choices-zh');
  await choice.selectOption('cancel');
  const answer = page.waitForResponse(
    (one) => one.url().endsWith('/api/v1/outages') && one.request().method() === 'POST',
  );
  await form.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201, await response.text());
  const stored = (await call(who, 'GET', `/api/v1/bookings/${booking.id}`)).body;
  assert.equal(stored.status, 'cancelled');
  await call(manager, 'DELETE', `/api/v1/outages/${(await response.json()).id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('use entered by hand waits until the manager accepts it', async () => {
  const who = login('researcher', 15);
  const instrument = await manageable(manager);
  const note = `停电补录 ${unique()}`;
  const { page, faults, context } = await open({ who });
  await page.goto(`/my/declare?i=${instrument.key}`);
  const form = page.getByTestId('declare-form');
  await form.locator('[name=note]').fill(note);
  // A minute nobody else has: this month, at an hour of this run's own.
  const from = Date.now() - (48 + Math.floor(Math.random() * 200)) * HOUR_MS;
  await form.locator('[name=start]').fill(`${dayOf(from)}T${clockOf(from)}`);
  const to = from + 10 * 60_000;
  await form.locator('[name=end]').fill(`${dayOf(to)}T${clockOf(to)}`);
  const answer = page.waitForResponse(
    (one) => one.url().endsWith('/api/v1/runs') && one.request().method() === 'POST',
  );
  await form.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201, await response.text());
  const { id } = await response.json();

  const desk = await open({ who: manager, language: 'en' });
  await desk.page.goto(`/manage/inbox?lab=${instrument.lab.id}`);
  const run = desk.page.locator(`[data-run="${id}"]`).filter({ hasText: note });
  await run.waitFor();
  await run.getByRole('button', { name: 'Settle…' }).click();
  await run.getByTestId('settle-form').waitFor();
  await assertAccessible(desk.page, 'settling a run');
  await run.getByRole('button', { name: 'Accept' }).click();
  await run.waitFor({ state: 'detached' });
  const stored = (await call(who, 'GET', `/api/v1/runs/${id}`)).body;
  assert.equal(stored.state, 'settled');
  assert.deepEqual([...faults, ...desk.faults], []);
  await context.close();
  await desk.context.close();
});

test('questions are edited with their kinds, in order', async () => {
  const instrument = await manageable(manager);
  const path = `/api/v1/instruments/${instrument.key}/questions`;
  const before = (await call(manager, 'GET', path)).body.questions;
  await call(manager, 'PUT', path, { questions: [] });
  const { page, faults, context } = await open({ who: manager });
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('questions-form');
  await form.getByRole('button', { name: '增加问题' }).click();
  await form.locator('button[type=submit]').click();
  await form.getByText('请填写问题。').waitFor();
  const first = form.locator('[data-question=q1]');
  await first.locator('[name=label]').fill('气氛');
  await first.locator('[name=kind]').selectOption('choice');
  await first.locator('[name=options]').fill('空气\n氮气');
  await first.locator('[name=required]').check();
  await form.getByRole('button', { name: '增加问题' }).click();
  const second = form.locator('[data-question=q2]');
  await second.locator('[name=label]').fill('最高温度');
  await second.locator('[name=kind]').selectOption('number');
  await second.locator('[name=after_use]').check();
  await second.getByRole('button', { name: '上移' }).click();
  const answer = page.waitForResponse(
    (one) => one.url().endsWith('/questions') && one.request().method() === 'PUT',
  );
  await form.locator('button[type=submit]').click();
  assert.equal((await answer).status(), 200);
  const stored = (await call(manager, 'GET', path)).body.questions;
  assert.deepEqual(
    stored.map(({ name, answer: { kind } }) => [name, kind]),
    [
      ['q2', 'number'],
      ['q1', 'choice'],
    ],
  );
  assert.deepEqual(stored[1].answer.options, ['空气', '氮气']);
  await call(manager, 'PUT', path, { questions: before });
  assert.deepEqual(faults, []);
  await context.close();
});

test('a qualification is granted to a person found by name, and revoked', async () => {
  const who = login('researcher', 0);
  const member = (await call(who, 'GET', '/api/v1/me')).body.member;
  const name = `test-${unique()}`;
  const { page, faults, context } = await open({ who: manager });
  await page.goto('/manage/qualifications');
  const form = page.getByTestId('grant-form');
  await form.locator('[name=member]').fill(member.display_name);
  await form.locator(`[data-member="${member.id}"]`).click();
  await form.locator('[name=name]').fill(name);
  await form.locator('button[type=submit]').click();
  const row = page.locator('[data-qualification]', { hasText: name });
  await row.waitFor();
  await assertAccessible(page, 'qualifications');
  await row.getByRole('button', { name: '撤销' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await context.close();
});

test('an administrator adds a person, whose password is shown once and works', async () => {
  const admin = login('region_admin');
  const name = `page-${unique()}`;
  const { page, faults, context } = await open({ who: admin });
  await page.goto('/admin/people');
  await page.getByRole('button', { name: '新建人员' }).click();
  const form = page.getByTestId('person-form');
  await form.locator('[name=login]').fill(name);
  await form.locator('[name=name]').fill('页面测试');
  await assertAccessible(page, 'person form');
  await form.locator('button[type=submit]').click();
  const password = await page.getByTestId('password').textContent();
  await page.getByRole('button', { name: '我已保存' }).click();
  assert.equal((await page.content()).includes(password), false);
  const visitor = await open({});
  await visitor.page.goto('/login?next=/my');
  await visitor.page.fill('input[name=username]', name);
  await visitor.page.fill('input[name=password]', password);
  await visitor.page.click('button[type=submit]');
  await visitor.page.waitForURL('**/my');
  await visitor.context.close();

  await page.locator('[name=q]').fill(name);
  const row = page.locator(`[data-person="${name}"]`);
  await row.getByRole('button').click();
  await page.getByTestId('person-form').getByRole('button', { name: '停用账号' }).click();
  await row.filter({ hasText: '已停用' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('the tree gets a lab, and an institution a project', async () => {
  const admin = login('region_admin');
  const name = `测试实验室 ${unique()}`;
  const { page, faults, context } = await open({ who: admin });
  await page.goto('/admin/tree');
  const nodes = (await call(admin, 'GET', '/api/v1/nodes')).body.items;
  const institution = nodes.find(({ kind }) => kind === 'institution');
  await page
    .locator(`[data-node="${institution.id}"]`)
    .getByRole('button', { name: '新建下级' })
    .click();
  await page.getByTestId('node-form').locator('[name=name]').fill(name);
  await page.getByTestId('node-form').locator('button[type=submit]').click();
  await page.locator('[data-node]', { hasText: name }).waitFor();
  await assertAccessible(page, 'tree');

  const code = `T-${unique()}`;
  await page.goto('/admin/projects');
  await page.getByRole('button', { name: '新建课题' }).click();
  const form = page.getByTestId('project-form');
  await form.locator('button[type=submit]').click();
  await form.getByText('请填写编号和名称。').first().waitFor();
  await form.locator('[name=code]').fill(code);
  await form.locator('[name=name]').fill('页面测试课题');
  await form.locator('[name=budget]').fill('100');
  await assertAccessible(page, 'project form');
  await form.locator('button[type=submit]').click();
  await page.locator(`[data-project="${code}"]`).filter({ hasText: '100 小时' }).waitFor();
  const { items } = (await call(admin, 'GET', '/api/v1/projects?limit=500')).body;
  assert.equal(items.find((one) => one.code === code).budget, 'PT100H');
  assert.deepEqual(faults, []);
  await context.close();
});
