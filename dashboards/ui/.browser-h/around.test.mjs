// What goes with bookings: problems with photos, the search over all instruments, labels.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  answerOf,
  assertAccessible,
  call,
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

const manager = login('manager', 2);

test('a problem is reported with a photo that is made smaller, seen by all, and closed', async () => {
  const who = login('researcher', 11);
  const instrument = await manageable(manager);
  const { page, faults, context } = await open({ who });
  await page.goto(`/i/${instrument.key}`);
  await page.getByRole('button', { name: '报告问题' }).click();
  const form = page.getByTestId('problem-form');
  // A picture wider than is kept, drawn by the browser itself.
  const picture = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2400, 1200];
    canvas.getContext('2d').fillRect(0, 0, 1200, 600);
    return canvas.toDataURL('image/png').split(',')[1];
  });
  await form.locator('[name=photo]').setInputFiles({
    name: 'photo.png',
    mimeType: 'image/png',
    buffer: Buffer.from(picture, 'base64'),
  });
  await form.locator('img').waitFor();
  await form.locator('button[type=submit]').click();
  await form.getByText('请描述问题。').waitFor();
  await form.locator('[name=text]').fill('水冷机报警（浏览器测试）');
  const answer = answerOf(page, 'POST', '/problems');
  await form.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201);
  const problem = await response.json();
  await page.getByTestId('open-problems').filter({ hasText: '水冷机报警' }).waitFor();
  const size = await page.evaluate(async (at) => {
    const picture = await createImageBitmap(await (await fetch(at)).blob());
    return [picture.width, picture.height];
  }, problem.photo);
  assert.deepEqual(size, [1600, 800]);

  const desk = await open({ who: manager, language: 'en' });
  await desk.page.goto(`/i/${instrument.key}/problems`);
  const item = desk.page.locator(`[data-problem-id="${problem.id}"]`);
  await item.locator('summary').click();
  await assertAccessible(desk.page, 'problems');
  await shoot(desk.page, 'problems-en');
  await item.getByRole('button', { name: 'Close' }).click();
  await item.locator('[name=cause]').selectOption('supply');
  await item.locator('[name=remedy]').fill('Chiller refilled');
  await item.locator('button[type=submit]').click();
  await item.filter({ hasText: 'Chiller refilled' }).waitFor();
  assert.deepEqual([...faults, ...desk.faults], []);
  await context.close();
  await desk.context.close();
});

test('the earliest slots over all instruments are found, and one is booked', async () => {
  const who = login('researcher', 12);
  const { instrument } = await freeSlot(who, { hours: 1 });
  const capability = instrument.capabilities[0];
  const { page, faults, context } = await open({ who });
  await page.goto(`/search?capability=${encodeURIComponent(capability)}`);
  const form = page.getByTestId('search-form');
  await form.locator('[name=length]').selectOption('60');
  await form.locator('button[type=submit]').click();
  const offer = page.locator('[data-offer]').first();
  await offer.waitFor();
  await assertAccessible(page, 'search');
  await shoot(page, 'search-zh');
  await offer.getByRole('button', { name: '预约' }).click();
  const booking = page.getByTestId('booking-form');
  await booking.locator('[data-check=free], [data-check=approval]').waitFor();
  await booking.locator('[name=purpose]').fill('找时段测试');
  const answer = answerOf(page, 'POST', '/bookings');
  await booking.locator('button[type=submit]').click();
  const response = await answer;
  assert.equal(response.status(), 201, await response.text());
  await call(who, 'DELETE', `/api/v1/bookings/${(await response.json()).id}`);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a label carries the address with the code, black on white in either theme', async () => {
  const instrument = await manageable(manager);
  const label = (await call(manager, 'GET', `/api/v1/instruments/${instrument.key}/qr`)).body;
  const { page, faults, context } = await open({ who: manager, dark: true });
  await page.goto(`/i/${instrument.key}/label`);
  await page.locator(`[data-testid=label][data-address="${label.text}"]`).waitFor();
  assert.match(label.text, new RegExp(`/i/${instrument.key}\\?c=`));
  await assertAccessible(page, 'label');
  await shoot(page, 'label-zh');
  assert.deepEqual(faults, []);
  await context.close();
});
