// One's own account, an instrument's run history, and what every way to book asks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  answerOf,
  assertAccessible,
  call,
  clockOf,
  dayOf,
  iso,
  launch,
  login,
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
const manager = login('manager', 0);
/** Open at any hour at which the tests may run. */
const ALWAYS = [
  {
    rule: 'opening_hours',
    mode: 'default',
    weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
  },
];

/** Somebody new, whose password nobody else needs. */
async function somebody() {
  const admin = login('region_admin');
  const { body } = await call(admin, 'GET', '/api/v1/nodes');
  const node = body.items.find(({ kind }) => kind === 'institution').id;
  const made = await call(admin, 'POST', '/api/v1/members', {
    login: `browser-${Date.now()}`,
    name: '新人',
    roles: [{ role: 'researcher', node }],
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { name: made.body.login, password: made.body.password };
}

test('a password is changed by its owner, who stays signed in here only', async () => {
  const who = await somebody();
  const { page, faults, context } = await open({ who });
  await page.goto('/my/account');
  const form = page.getByTestId('password-form');
  await form.locator('[name=old]').fill('certainly wrong');
  await form.locator('[name=new]').fill('a-new-password');
  await form.locator('[name=again]').fill('another-one');
  await form.getByText('两次输入的新密码不同').waitFor();
  await form.locator('[name=again]').fill('a-new-password');
  await form.getByRole('button').click();
  await form
    .getByText(/原密码不正确/)
    .first()
    .waitFor();
  await assertAccessible(page, 'account');
  await shoot(page, 'account-zh');
  await form.locator('[name=old]').fill(who.password);
  const changed = answerOf(page, 'PUT', '/me/password');
  await form.getByRole('button').click();
  assert.equal((await changed).status(), 204);
  await page.reload();
  await page.getByTestId('token-form').waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('a token is made for reading, shown once, and revoked', async () => {
  const who = await somebody();
  const { page, faults, context } = await open({ who, language: 'en' });
  await page.goto('/my/account');
  const form = page.getByTestId('token-form');
  await form.locator('[name=name]').fill('notebook');
  await form.getByRole('button').click();
  const token = await page.getByTestId('token').textContent();
  const mine = { token };
  assert.equal((await call(mine, 'GET', '/api/v1/me')).status, 200);
  const wish = { name: 'x', expires_in_days: 1 };
  assert.equal((await call(mine, 'POST', '/api/v1/tokens', wish)).status, 403);
  const row = page.getByTestId('tokens').locator('li', { hasText: 'notebook' });
  await row.getByRole('button').click();
  await row.waitFor({ state: 'detached' });
  assert.equal((await call(mine, 'GET', '/api/v1/me')).status, 401);
  assert.deepEqual(faults, []);
  await context.close();
});

test('an instrument’s runs are told with evidence, attribution and corrections', async () => {
  const instrument = await registered(manager);
  const now = Date.now();
  const declared = await call(manager, 'POST', '/api/v1/runs', {
    instrument: instrument.key,
    start: iso(now - 3 * HOUR_MS),
    end: iso(now - 2 * HOUR_MS),
    note: '停网期间手工登记',
  });
  assert.equal(declared.status, 201, JSON.stringify(declared.body));
  const { id } = declared.body;
  const settled = await call(manager, 'PATCH', `/api/v1/runs/${id}`, {
    accept: true,
    note: '值班记录可查',
  });
  assert.equal(settled.status, 200, JSON.stringify(settled.body));
  const { page, faults, context } = await open({ who: manager });
  await page.goto(`/i/${instrument.key}`);
  await page.getByRole('link', { name: '上机记录' }).click();
  const run = page.locator(`[data-run="${id}"]`);
  await run.filter({ hasText: '手工填写' }).filter({ hasText: '已认定' }).waitFor();
  await run.locator('summary').click();
  await run
    .getByText(/值班记录可查/)
    .last()
    .waitFor();
  await assertAccessible(page, 'runs');
  await shoot(page, 'runs-zh');
  assert.deepEqual(faults, []);
  await context.close();
});

test('a repeated booking and a wish to be booked at once answer what is asked', async () => {
  const instrument = await registered(manager);
  const question = {
    name: 'sample',
    label: '样品编号',
    required: true,
    answer: { kind: 'text', characters_max: 20 },
  };
  const path = `/api/v1/instruments/${instrument.key}/questions`;
  const asked = await call(manager, 'PUT', path, { questions: [question] });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  await withRules(manager, instrument, ALWAYS, async () => {
    const start = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 2 * HOUR_MS;
    const { page, faults, context } = await open({ who: manager });
    await showDay(page, instrument, start);
    await page.getByTestId('reserve').click();
    const form = page.getByTestId('booking-form');
    await form.locator('[name=date]').fill(dayOf(start));
    await form.locator('[name=start]').selectOption(clockOf(start));
    await form.locator('[data-check=free]').waitFor();
    await form.locator('[name=purpose]').fill('重复测试');
    await form.getByRole('button', { name: '重复预约…' }).click();
    const series = page.getByTestId('series-form');
    await series.locator('[name=count]').fill('2');
    const submit = series.getByRole('button', { name: '预约 2 次' });
    await submit.click();
    await series.getByText('必须填写。').waitFor();
    await series.locator('[name=answer-sample]').fill('S-9');
    await assertAccessible(page, 'series form with questions');
    const made = answerOf(page, 'POST', '/series');
    await submit.click();
    const response = await made;
    assert.equal(response.status(), 201, await response.text());
    const { occurrences } = await response.json();
    assert.equal(occurrences[0].booking.details.answers.sample, 'S-9');

    // Taken now, by oneself: who wants it at once says everything first.
    await page.getByTestId('reserve').click();
    await form.locator('[name=date]').fill(dayOf(start));
    await form.locator('[name=start]').selectOption(clockOf(start));
    await form.locator('[data-check=refused]').waitFor();
    await form.locator('[name=purpose]').fill('候补测试');
    const join = form.getByTestId('join-wait');
    await join.getByRole('button', { name: '加入候补' }).click();
    await join.locator('input[type=checkbox]').check();
    await join.getByRole('button', { name: '加入候补' }).click();
    await form.getByText('必须填写。').waitFor();
    await form.locator('[name=answer-sample]').fill('S-10');
    const joined = answerOf(page, 'POST', '/waitlist');
    await join.getByRole('button', { name: '加入候补' }).click();
    const waiting = await joined;
    assert.equal(waiting.status(), 201, await waiting.text());
    const wish = await waiting.json();
    assert.equal(wish.details.answers.sample, 'S-10');
    await call(manager, 'DELETE', `/api/v1/waitlist/${wish.id}`);
    await call(manager, 'PUT', path, { questions: [] });
    assert.deepEqual(faults, []);
    await context.close();
  });
});
