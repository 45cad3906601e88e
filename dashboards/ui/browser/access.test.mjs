// No serious finding of axe on any page, in light and dark, Chinese and English, and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  assertAccessible,
  book,
  call,
  demo,
  freeSlot,
  launch,
  login,
  open,
  quit,
  shoot,
} from './stage.mjs';

before(launch);
after(quit);

/** Waits until a page has what it is for. */
const READY = {
  find: (page) => page.locator('[data-key] [data-status]').first().waitFor(),
  instrument: async (page) => {
    await page.locator('.ec-body .ec-day').first().waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  },
  card: (page) => page.locator('main section').first().waitFor(),
  manage: (page) => page.locator('main li a').first().waitFor(),
  settings: (page) => page.getByTestId('policy-form').waitFor(),
  admin: (page) => page.locator('main tbody tr').first().waitFor(),
  login: (page) => page.locator('input[name=password]').waitFor(),
  notFound: (page) => page.locator('main a.btn').first().waitFor(),
};

async function visit(page, name, path, ready) {
  await page.goto(path);
  await READY[ready](page);
  await assertAccessible(page, name);
  await shoot(page, name);
}

for (const [dark, language, look] of [
  [false, 'zh', 'light-zh'],
  [true, 'en', 'dark-en'],
]) {
  test(`pages for everybody (${look})`, async () => {
    const researcher = login('researcher', 13);
    const slot = await freeSlot(researcher, { hours: 1 });
    const booking = await book(researcher, slot);
    const { page, faults, context } = await open({ who: researcher, dark, language });
    await visit(page, `find-${look}`, '/', 'find');
    await visit(page, `instrument-${look}`, `/i/${slot.instrument.key}`, 'instrument');
    await page.getByTestId('reserve').click();
    await page
      .getByTestId('booking-form')
      .locator('[data-check]:not([data-check=checking])')
      .waitFor();
    await assertAccessible(page, `booking form ${look}`);
    await shoot(page, `form-${look}`);
    await visit(page, `my-${look}`, '/my', 'card');
    await visit(page, `my-waitlist-${look}`, '/my/waitlist', 'card');
    await visit(page, `my-record-${look}`, '/my/record', 'card');
    await visit(page, `my-declare-${look}`, '/my/declare', 'card');
    await visit(page, `notices-${look}`, '/notices', 'card');
    await visit(page, `search-${look}`, '/search', 'card');
    await visit(page, `problems-${look}`, `/i/${slot.instrument.key}/problems`, 'card');
    await visit(page, `help-${look}`, '/help', 'card');
    await visit(page, `not-found-${look}`, '/no/such/page', 'notFound');
    await visit(page, `no-instrument-${look}`, '/i/NO-SUCH-KEY', 'notFound');
    assert.deepEqual(faults, []);
    await context.close();
    const visitor = await open({ dark, language });
    await visit(visitor.page, `login-${look}`, '/login', 'login');
    await visitor.context.close();
    await call(researcher, 'DELETE', `/api/v1/bookings/${booking.id}`);
  });

  test(`pages for managers and administrators (${look})`, async () => {
    const manager = await open({ who: login('manager', 0), dark, language });
    await visit(manager.page, `manage-${look}`, '/manage', 'manage');
    const settings = await manager.page
      .locator('main li a[href^="/manage/i/"]')
      .first()
      .getAttribute('href');
    const rules = await manager.page.locator('main a[href^="/manage/lab/"]').getAttribute('href');
    await visit(manager.page, `settings-${look}`, settings, 'settings');
    await visit(manager.page, `lab-rules-${look}`, rules, 'settings');
    await visit(manager.page, `register-${look}`, '/manage/new', 'card');
    await visit(manager.page, `agents-${look}`, '/manage/agents', 'card');
    await visit(manager.page, `devices-${look}`, '/manage/devices', 'card');
    await visit(manager.page, `inbox-${look}`, '/manage/inbox', 'card');
    await visit(manager.page, `qualifications-${look}`, '/manage/qualifications', 'card');
    assert.deepEqual(manager.faults, []);
    await manager.context.close();
    const admin = await open({ who: login('region_admin', 0), dark, language });
    await visit(admin.page, `admin-${look}`, '/admin', 'admin');
    await visit(admin.page, `tree-${look}`, '/admin/tree', 'card');
    await visit(admin.page, `people-${look}`, '/admin/people', 'card');
    await visit(admin.page, `projects-${look}`, '/admin/projects', 'card');
    assert.deepEqual(admin.faults, []);
    await admin.context.close();
  });
}

test('pages on a phone are readable and no wider than it', async () => {
  const { page, faults, context } = await open({ who: login('researcher', 14), phone: true });
  const key = (
    await call(login('researcher', 14), 'GET', '/api/v1/instruments?bookable=true&limit=1')
  ).body.items[0].key;
  for (const [name, path, ready] of [
    ['find-phone', '/', 'find'],
    ['instrument-phone', `/i/${key}`, 'instrument'],
    ['my-phone', '/my', 'card'],
    ['waitlist-phone', '/my/waitlist', 'card'],
    ['search-phone', '/search', 'card'],
    ['notices-phone', '/notices', 'card'],
    ['help-phone', '/help', 'card'],
  ]) {
    await visit(page, name, path, ready);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px wider than the phone`);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test('pages ask no other host for anything', async () => {
  const { page, context } = await open();
  const hosts = new Set();
  page.on('request', (request) => hosts.add(new URL(request.url()).origin));
  await page.goto('/');
  await READY.find(page);
  await page.locator('[data-key]').first().click();
  await READY.instrument(page);
  assert.deepEqual([...hosts], [new URL(demo.url).origin]);
  await context.close();
});
