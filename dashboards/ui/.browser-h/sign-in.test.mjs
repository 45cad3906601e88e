// Each role signs in by the form, sees the pages of its role, and finds an instrument.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, login, open, quit, shoot } from './stage.mjs';

before(launch);
after(quit);

const ROLES = [
  { role: 'researcher', language: 'zh', links: ['/', '/my', '/help'] },
  { role: 'manager', language: 'en', links: ['/', '/my', '/manage', '/help'] },
  { role: 'region_admin', language: 'zh', links: ['/', '/my', '/manage', '/admin', '/help'] },
];

for (const { role, language, links } of ROLES) {
  test(`${role} signs in and sees the pages of the role`, async () => {
    const who = login(role, role === 'researcher' ? 15 : 0);
    const { page, faults, context } = await open({ language });
    await page.goto('/login?next=/my');
    await page.fill('input[name=username]', who.name);
    await page.fill('input[name=password]', 'certainly wrong');
    await page.click('button[type=submit]');
    await page
      .getByText(language === 'zh' ? '账号或密码不对。' : 'Account or password is wrong.')
      .waitFor();
    await page.fill('input[name=password]', who.password);
    await page.click('button[type=submit]');
    await page.waitForURL('**/my');
    await page.getByRole('banner').locator('nav a[href="/my"]').waitFor();
    const shown = await page
      .getByRole('banner')
      .locator('nav a')
      .evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    assert.deepEqual(shown, links);
    await shoot(page, `my-${role}`);

    await page.getByRole('button', { name: language === 'zh' ? '退出' : 'Sign out' }).click();
    await page.locator('header a[href^="/login"]').waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test('a visitor searches all instruments, filters by status, and comes back to the same list', async () => {
  const { page, faults, context } = await open();
  await page.goto('/');
  const count = page.getByTestId('count');
  await count.filter({ hasText: /^[\d,]+ 台仪器$/ }).waitFor();
  const total = Number((await count.textContent()).replace(/\D/g, ''));
  const first = page.locator('[data-key]').first();
  const key = await first.getAttribute('data-key');
  await first.locator('[data-status]').waitFor();
  await shoot(page, 'find-zh');

  await page.keyboard.press('/');
  await page.keyboard.type(key);
  await count.filter({ hasText: `1 / ${total.toLocaleString('en')} 台仪器` }).waitFor();
  assert.equal(await page.locator('[data-key]').count(), 1);
  assert.match(page.url(), new RegExp(`q=${key}`));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/i/${key}`);
  await page.getByTestId('state').locator('[data-status]').waitFor();
  await page.goBack();
  await page.waitForURL('**/?q=*');
  await page.locator(`[data-key="${key}"]`).waitFor();

  await page.fill('input[type=search]', 'no such thing anywhere');
  await page.getByText('没有符合条件的仪器').waitFor();
  await page.getByRole('button', { name: '清除条件' }).click();
  await count.filter({ hasText: /^[\d,]+ 台仪器$/ }).waitFor();

  const idle = page.locator('button[aria-pressed]', { has: page.locator('[data-count=idle]') });
  await idle.click();
  await page.waitForURL('**/?status=idle');
  await page.waitForFunction(() => {
    const chips = [...document.querySelectorAll('[data-key] [data-status]')];
    return chips.every((chip) => chip.dataset.status === 'idle');
  });
  assert.deepEqual(faults, []);
  await context.close();
});

test('the list holds every instrument, drawing only those in view', async () => {
  const { page, context } = await open({ phone: true });
  await page.goto('/');
  await page.locator('[data-key]').first().waitFor();
  const total = Number((await page.getByTestId('count').textContent()).replace(/\D/g, ''));
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator(`[aria-posinset="${total}"]`).waitFor();
  assert.ok((await page.locator('[data-key]').count()) < 60);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'nothing is wider than a phone');
  await context.close();
});
