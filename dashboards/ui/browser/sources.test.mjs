// Devices of other makers: a source is made and its secret shown once, a Tasmota message is tried
// before any mapping counts, an unknown device is adopted, and the gateway's faults stand at their
// fields.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import {
  answerOf,
  assertAccessible,
  call,
  demo,
  launch,
  login,
  open,
  quit,
  registered,
  shoot,
} from './stage.mjs';

before(launch);
after(quit);

const manager = login('manager', 1);
const run = Date.now().toString(36);
const name = `plugs-${run}`;
const plug = `plug-${run}`;
/** As a Tasmota plug with an energy meter sends it. */
const SENSOR = JSON.stringify({
  Time: '2026-01-01T00:00:00',
  ENERGY: { Total: 3.185, Power: 1460, Voltage: 229, Current: 6.4, Factor: 0.99 },
});
const publish = (secret, topic, payload) => {
  const { hostname, port } = new URL(demo.mqtt_url);
  const to = ['-h', hostname, '-p', port, '-u', name, '-P', secret, '-i', plug];
  return promisify(execFile)('mosquitto_pub', [...to, '-q', '1', '-t', topic, '-m', payload]);
};

test('a source is made, its devices are tried and adopted, and it is revoked', async () => {
  const instrument = await registered(manager);
  const { page, faults, context } = await open({ who: manager, language: 'en' });
  await page.goto('/manage/devices');
  await page.getByRole('button', { name: 'Make source' }).click();
  const form = page.getByTestId('new-source-form');
  await form.locator('[name=name]').fill(name);
  // A wildcard on the first level is refused, at the field.
  await form.locator('[name=filters]').fill('#');
  await form.locator('button[type=submit]').click();
  await form.locator('[name=filters][aria-invalid=true]').waitFor();
  await assertAccessible(page, 'making a source');
  await form.locator('[name=filters]').fill(`${run}/tele/#\n\n${run}/stat/#`);
  await form.locator('button[type=submit]').click();
  const shown = page.getByTestId('once-shown');
  const secret = await shown.getByTestId('secret').textContent();
  assert.match(secret, /^[0-9a-f]{64}$/);
  const settings = await shown.locator('textarea').inputValue();
  for (const part of [demo.mqtt_url, name, `${run}/tele/#`])
    assert.ok(settings.includes(part), part);
  await shown.getByRole('button', { name: 'I have saved it' }).click();
  const row = page.locator(`[data-source="${name}"]`);
  await row.getByText('No message since').waitFor();
  assert.equal((await page.content()).includes(secret), false);

  // A mapping is tried before it counts.
  await page.getByRole('button', { name: 'Make mapping' }).click();
  const mapping = page.getByTestId('mapping-form');
  await mapping.locator('[name=format]').selectOption('tasmota');
  await mapping.locator('[name=instrument]').fill(instrument.key);
  await mapping.locator('[name=topic]').fill(`${run}/tele/${plug}`);
  await mapping.getByLabel('Source').selectOption(name);
  await mapping.locator('[name=test-topic]').fill(`${run}/tele/${plug}/SENSOR`);
  await mapping.locator('[name=payload]').fill(SENSOR);
  await mapping.getByRole('button', { name: 'Test this message' }).click();
  const report = mapping.getByTestId('message-report');
  await report.getByRole('row').filter({ hasText: '/ENERGY/Power' }).waitFor();
  const power = report.getByRole('row').filter({ hasText: '/ENERGY/Power' });
  assert.match(await power.first().textContent(), new RegExp(`${instrument.key}.*1460\\s*W`));
  await assertAccessible(page, 'a tried mapping');
  await shoot(page, 'mapping-tried');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  // A topic that is not the source's own: the device is turned away, and here it is told why.
  await assert.rejects(publish(secret, `elsewhere/${run}`, '1'));
  await page.reload();
  await row.getByTestId('denied').waitFor();
  const told = await row.getByTestId('denied').textContent();
  assert.match(told, new RegExp(`the topic elsewhere/${run} is not its own .*1 times`));

  // Nobody takes its message: it is listed, and adopting it makes the mapping shown.
  await publish(secret, `${run}/tele/${plug}/SENSOR`, SENSOR);
  const unknown = page.locator(`[data-unknown="${run}/tele/${plug}/SENSOR"]`);
  const until = Date.now() + 20_000;
  do {
    const asked = page.waitForResponse((answer) => answer.url().endsWith('/unknown-devices'));
    await page.getByRole('button', { name: 'Refresh' }).click();
    await asked;
  } while ((await unknown.count()) === 0 && Date.now() < until);
  await unknown.getByText('Looks like tasmota').waitFor();
  await assertAccessible(page, 'other devices');
  await shoot(page, 'devices');
  await unknown.getByRole('button', { name: 'Adopt' }).click();
  assert.equal(await mapping.locator('[name=topic]').inputValue(), `${run}/tele/${plug}`);
  assert.ok((await mapping.locator('[name=payload]').inputValue()).includes('1460'));
  // No such instrument: said at the field.
  await mapping.locator('[name=instrument]').fill('NO-SUCH-ONE');
  await mapping.locator('button[type=submit]').click();
  await mapping.locator('[name=instrument][aria-invalid=true]').waitFor();
  await mapping.locator('[name=instrument]').fill(instrument.key);
  await mapping.locator('button[type=submit]').click();
  await unknown.waitFor({ state: 'detached' });
  const made = page.locator('[data-mapping]').filter({ hasText: instrument.key });
  await made.getByText(`${run}/tele/${plug}`).first().waitFor();

  // Edited to a free one with a faulty pointer: refused at the field, then put right.
  await made.getByRole('button', { name: 'Edit' }).click();
  await mapping.locator('[name=format]').selectOption('free');
  await mapping.locator('[name=topic]').fill(`${run}/tele/${plug}/SENSOR`);
  await mapping.locator('[name=pointer]').fill('ENERGY');
  await mapping.locator('[name=channel]').fill('power_w');
  await mapping.locator('button[type=submit]').click();
  await mapping.locator('[name=pointer][aria-invalid=true]').waitFor();
  await mapping.locator('[name=pointer]').fill('/ENERGY/Power');
  await mapping.locator('[name=unit]').fill('kW');
  await mapping.locator('[name=scale]').fill('0.001');
  await mapping.locator('button[type=submit]').click();
  await mapping.waitFor({ state: 'detached' });
  const { items } = (await call(manager, 'GET', '/api/v1/mappings')).body;
  const held = items.find((one) => one.mapping.instrument === instrument.key);
  assert.equal(held.version, 2);
  assert.deepEqual(
    held.mapping.values.map(({ channel, pointer, unit, scale }) => [channel, pointer, unit, scale]),
    [['power_w', '/ENERGY/Power', 'kW', 0.001]],
  );

  await made.getByRole('button', { name: 'Remove mapping' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove mapping' }).click();
  await made.waitFor({ state: 'detached' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await call(manager, 'DELETE', `/api/v1/instruments/${instrument.key}`);
  await context.close();
});

test('a Modbus unit that the gateway may not poll is refused at its field', async () => {
  const instrument = await registered(manager);
  const { page, faults, context } = await open({ who: manager });
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('source-form');
  await form.locator('[name=way]').selectOption('modbus');
  const profile = form.locator('[name=profile]');
  await profile.locator('option[value=sdm120]').waitFor({ state: 'attached' });
  await profile.selectOption('sdm120');
  await form.getByText('power_w').waitFor();
  await form.locator('[name=address]').fill('192.0.2.1:502');
  await form.locator('button[type=submit]').click();
  await form.locator('[role=alert]').waitFor();
  // Without any permitted network it is the way itself that is refused.
  const said = form.locator('p.fault');
  await said.first().waitFor();
  assert.equal(await said.count(), 1);
  await form.locator('[name=way]').selectOption('none');
  await form.locator('button[type=submit]').click();
  await page.getByText('已保存').first().waitFor();
  await assertAccessible(page, 'the source form');
  const { body } = await call(manager, 'GET', `/api/v1/instruments/${instrument.key}/source`);
  assert.equal(body, null);
  assert.deepEqual(faults, []);
  await call(manager, 'DELETE', `/api/v1/instruments/${instrument.key}`);
  await context.close();
});

test('a unit that is polled comes back into the form, and an agent’s losses and clock are said', async () => {
  const instrument = await registered(manager);
  const { page, faults, context } = await open({ who: manager, language: 'en' });
  // The demo permits no Modbus network and its agents lose nothing: the answers are written here.
  const unit = { profile: 'sdm120', address: '10.0.0.5:502', unit: 3 };
  const modbus = { ...unit, every: 'PT0.5S', timeout: 'PT2S' };
  let asked;
  await page.route(`**/instruments/${instrument.key}/source`, (route) => {
    if (route.request().method() === 'PUT') asked = route.request().postDataJSON();
    return route.fulfill({ json: { agent: 'gateway-lab-1', device: instrument.key, modbus } });
  });
  await page.route('**/api/v1/agents', async (route) => {
    const answer = await route.fetch();
    const { items } = await answer.json();
    Object.assign(items[0], {
      is_gateway: true,
      lost_records: 12,
      last_loss: new Date(Date.now() - 7_200_000).toISOString(),
      is_clock_off: true,
      clock_skew_ms: -90_000,
    });
    await route.fulfill({ json: { items } });
  });
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('source-form');
  await form.locator('[name=every]').waitFor();
  assert.equal(await form.locator('[name=address]').inputValue(), unit.address);
  await form.locator('[name=profile] option[value=sdm630]').waitFor({ state: 'attached' });
  assert.equal(await form.locator('[name=profile]').inputValue(), unit.profile);
  await form.locator('[name=every]').fill('2');
  await form.locator('button[type=submit]').click();
  await page.getByText('Saved').first().waitFor();
  assert.deepEqual(asked, { agent: null, modbus: { ...modbus, every: 'PT2S' } });

  await page.goto('/manage/agents');
  const row = page.locator('[data-agent]').first();
  await row.getByText('12 records lost, last noticed 2 h ago').waitFor();
  await row.getByText('Its clock is off by −1 min').waitFor();
  await row.getByText('the gateway itself').waitFor();
  await assertAccessible(page, 'agents with warnings');
  assert.deepEqual(faults, []);
  await call(manager, 'DELETE', `/api/v1/instruments/${instrument.key}`);
  await context.close();
});

test('a rule of a status register is written, tried and kept', async () => {
  const instrument = await registered(manager);
  const { page, faults, context } = await open({ who: manager, language: 'en' });
  const rule = `/api/v1/instruments/${instrument.key}/state-rule`;
  await page.goto(`/manage/i/${instrument.key}`);
  const form = page.getByTestId('state-rule-form');
  await form.locator('[name=kind]').selectOption('register');
  await form.locator('[name=channel]').fill('mode');
  const meanings = form.locator('[data-meaning]');
  await meanings.nth(1).getByRole('button', { name: 'Remove' }).click();
  await meanings.nth(1).locator('[name=from]').fill('9');
  await meanings.nth(1).locator('[name=to]').fill('3');
  await form.locator('button[type=submit]').click();
  await page.getByText('must not be below from').first().waitFor();
  await meanings.nth(1).locator('[name=from]').fill('3');
  await meanings.nth(1).locator('[name=to]').fill('9');
  await form.locator('[name=dwellS]').fill('2');
  await form.getByRole('button', { name: 'Add an alarm' }).click();
  await form.locator('[data-alarm] [name=channel]').fill('alarm');
  await form.locator('[data-alarm] [name=bits]').fill('0, 60');
  await form.getByText('Whole numbers from 0 to 52').waitFor();
  assert.ok(await form.locator('button[type=submit]').isDisabled());
  await form.locator('[data-alarm] [name=bits]').fill('0, 3');
  await form.locator('[name=has_outage]').check();
  await form.locator('[name=afterMin]').fill('1.5');
  await page.getByTestId('state-rule-trial').getByRole('button', { name: 'Try' }).click();
  await page.getByTestId('state-rule-trial').locator('table').waitFor();
  await assertAccessible(page, 'a rule of a register');
  await shoot(page, 'state-rule-register-en');
  await form.locator('button[type=submit]').click();
  await page.getByText('Saved').first().waitFor();
  const kept = (await call(manager, 'GET', rule)).body;
  const table = [
    { from: 0, state: 'off' },
    { from: 3, to: 9, state: 'running' },
  ];
  assert.deepEqual([kept.kind, kept.channel, kept.table], ['register', 'mode', table]);
  assert.deepEqual(kept.alarms, [{ channel: 'alarm', bits: [0, 3] }]);
  assert.equal(kept.on_fault.after, 'PT1M30S');
  await page.reload();
  await form.locator('[data-alarm]').waitFor();
  assert.equal(await form.locator('[name=kind]').inputValue(), 'register');
  assert.equal(await meanings.nth(1).locator('[name=to]').inputValue(), '9');
  assert.equal(await form.locator('[name=afterMin]').inputValue(), '1.5');
  assert.ok(await form.locator('[name=ends_itself]').isChecked());
  // Conditions nest: they are written as text.
  await form.locator('[name=kind]').selectOption('cases');
  const text = form.locator('[name=rule]');
  const cases = await text.inputValue();
  await text.fill('{"kind":');
  await form.getByText('Not JSON').waitFor();
  assert.ok(await form.locator('button[type=submit]').isDisabled());
  await text.fill(cases);
  const answered = answerOf(page, 'PUT', rule);
  await form.locator('button[type=submit]').click();
  assert.equal((await answered).status(), 200);
  assert.equal((await call(manager, 'GET', rule)).body.kind, 'cases');
  // Back to thresholds.
  await form.locator('[name=kind]').selectOption('levels');
  await form.locator('[name=above]').fill('90');
  await form.locator('[name=below]').fill('60');
  const put = answerOf(page, 'PUT', rule);
  await form.locator('button[type=submit]').click();
  assert.equal((await put).status(), 200);
  const back = (await call(manager, 'GET', rule)).body;
  assert.deepEqual([back.kind, back.running_above, back.cases], [undefined, 90, undefined]);
  assert.deepEqual(faults, []);
  await call(manager, 'DELETE', `/api/v1/instruments/${instrument.key}`);
  await context.close();
});
