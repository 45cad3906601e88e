// What the browser tests stand on: a running demo, a real Chromium, people who are signed in, and
// free slots found by asking the gateway.
//
// Environment: ORTOO_DEMO_JSON or ORTOO_DEMO (demo.json of a running `ortoo demo`), CHROMIUM (default
// /usr/bin/chromium), ORTOO_SHOTS (folder for pictures; none are taken without it).
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const demoFile = process.env.ORTOO_DEMO_JSON ?? process.env.ORTOO_DEMO;
if (!demoFile) throw new Error('ORTOO_DEMO_JSON must name the demo.json of a running `ortoo demo`');
export const demo = JSON.parse(readFileSync(demoFile, 'utf8'));
const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);
const shots = process.env.ORTOO_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ZONE = 'Asia/Shanghai';
/** Longest wait for anything on a page; the machine may be busy. */
const WAIT_MS = 30_000;

let browser;
export async function launch() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
export async function quit() {
  await browser?.close();
}

/** The demo's login number `nth` of a role. */
export function login(role, nth = 0) {
  const found = demo.logins.filter((one) => one.role === role)[nth];
  assert.ok(found, `the demo has login ${nth} of role ${role}`);
  return found;
}

const states = new Map();
/** A signed-in session, made once for each person: sign-ins are limited per account. */
async function storageOf(who) {
  if (!states.has(who.name)) {
    const context = await browser.newContext({ baseURL: demo.url });
    const answer = await context.request.post('/api/v1/login', {
      data: { name: who.name, password: who.password },
      headers: { Origin: new URL(demo.url).origin },
    });
    assert.equal(answer.status(), 200, `${who.name} signs in`);
    states.set(who.name, await context.storageState());
    await context.close();
  }
  return states.get(who.name);
}

/**
 * A page of its own context. `who` is a login or null for a visitor; `faults` collects what must
 * not happen: uncaught errors and breaches of the content security policy.
 */
export async function open({ who = null, language = 'zh', dark = false, phone = false } = {}) {
  const context = await browser.newContext({
    baseURL: demo.url,
    viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
    locale: language === 'en' ? 'en-GB' : 'zh-CN',
    timezoneId: ZONE,
    ...(who ? { storageState: await storageOf(who) } : {}),
  });
  context.setDefaultTimeout(WAIT_MS);
  await context.addInitScript((chosen) => {
    if (!localStorage.getItem('ortoo.language')) localStorage.setItem('ortoo.language', chosen);
  }, language);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (/Content Security Policy|svelte\.dev\/e\//.test(text)) faults.push(text);
  });
  return { context, page, faults };
}

/** Calls the gateway with a person's token. */
export async function call(who, method, path, body) {
  const answer = await fetch(new URL(path, demo.url), {
    method,
    headers: {
      Authorization: `Bearer ${who.token}`,
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}

const wall = (ms) => new Date(ms + 8 * HOUR_MS).toISOString();
/** Day and times of an instant in the demo's zone, as the pages write them. */
export const dayOf = (ms) => wall(ms).slice(0, 10);
export const clockOf = (ms) => wall(ms).slice(11, 16);
export const iso = (ms) => new Date(ms).toISOString();
export const rangeOf = ({ start, end }) => `${clockOf(start)}–${clockOf(end)}`;

let list;
/** Bookable instruments in an order of this run's own, so that runs do not meet. */
async function bookable(who) {
  list ??= shuffled(
    (await call(who, 'GET', '/api/v1/instruments?bookable=true&limit=500')).body.items,
  );
  return list;
}
function shuffled(items) {
  const keyed = items.map((item) => ({ item, at: Math.random() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/**
 * An instrument and a free slot of `hours` on it that lies within one day, between 08:00 and
 * 20:00, with `after` hours free behind it. No instrument is given out twice, unless `among` says
 * which ones to look at.
 */
export async function freeSlot(who, { hours = 1, after = 0, among = null } = {}) {
  const candidates = among ? [...among] : await bookable(who);
  while (candidates.length > 0) {
    const { key } = candidates.shift();
    const instrument = (await call(who, 'GET', `/api/v1/instruments/${key}`)).body;
    if (!instrument.may.book) continue;
    const from = Date.now() + HOUR_MS;
    const query = `from=${new Date(from).toISOString()}&to=${new Date(from + 10 * DAY_MS).toISOString()}`;
    const { free } = (await call(who, 'GET', `/api/v1/instruments/${key}/availability?${query}`))
      .body;
    for (const stretch of free) {
      // A stretch of several open days is looked through day by day.
      for (
        let start = Math.ceil(Date.parse(stretch.start) / HOUR_MS) * HOUR_MS;
        ;
        start += HOUR_MS
      ) {
        const end = start + (hours + after) * HOUR_MS;
        if (end > Date.parse(stretch.end)) break;
        const inDay =
          clockOf(start) >= '08:00' && clockOf(end) <= '20:00' && dayOf(start) === dayOf(end);
        if (inDay) return { instrument, start, end: start + hours * HOUR_MS };
      }
    }
  }
  throw new Error('no instrument has a free slot');
}

export async function book(who, { instrument, start, end }, purpose = '浏览器测试') {
  const made = await call(who, 'POST', '/api/v1/bookings', {
    instrument: instrument.key,
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    purpose,
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

/** The answer of a call that the page makes. */
export const answerOf = (page, method, path) =>
  page.waitForResponse(
    (answer) =>
      answer.request().method() === method && new URL(answer.url()).pathname.endsWith(path),
  );

/** Opens an instrument's page at the week of `ms` and waits until its calendar shows the answer. */
export async function showDay(page, instrument, ms) {
  const answered = page.waitForResponse(
    (response) => response.url().includes('/availability?') && response.ok(),
  );
  await page.goto(`/i/${instrument.key}?day=${dayOf(ms)}`);
  await answered;
  await page.locator('.ec-body .ec-day').first().waitFor();
}

/** Where on the screen an instant lies in the week calendar; scrolls it into view first. */
export async function pointAt(page, ms) {
  const place = await page.evaluate(
    ({ weekday, hour }) => {
      const main = document.querySelector('.ec-main');
      const days = main.querySelectorAll('.ec-body .ec-day');
      const day = days[days.length === 7 ? weekday : 0];
      const hourPx = day.offsetHeight / 24;
      main.scrollTop = Math.max(0, (hour - 3) * hourPx);
      main.scrollIntoView({ block: 'center' });
      const box = day.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + hour * hourPx };
    },
    {
      weekday: (new Date(`${dayOf(ms)}T00:00:00Z`).getUTCDay() + 6) % 7,
      hour: Number(clockOf(ms).slice(0, 2)) + Number(clockOf(ms).slice(3)) / 60,
    },
  );
  return place;
}

/** Drags from one instant to another on the calendar with real pointer events. */
export async function drag(page, from, to, { beforeRelease } = {}) {
  const begin = await pointAt(page, from);
  const end = { x: begin.x, y: begin.y + ((to - from) / HOUR_MS) * 48 };
  await page.mouse.move(begin.x, begin.y + 4);
  await page.mouse.down();
  await page.mouse.move(begin.x, begin.y + 14, { steps: 3 });
  await page.mouse.move(end.x, end.y - 4, { steps: 8 });
  await beforeRelease?.();
  await page.mouse.up();
}

/** The week calendar's block of one slot. */
export const block = (page, slot, kind) =>
  page
    .locator(`.ec-event.${kind}:not(.ec-preview)`, {
      has: page.locator(`time[datetime="${dayOf(slot.start)}T${clockOf(slot.start)}"]`),
    })
    .filter({ hasText: rangeOf(slot) });

/** Fails on every serious or critical finding of axe on the page as it stands. */
export async function assertAccessible(page, name) {
  await page.evaluate(axeSource);
  const findings = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    // What happens to lie half under the sticky header is no small target: look from the top.
    const { scrollY } = window;
    window.scrollTo(0, 0);
    const { violations } = await window.axe.run(document, {
      runOnly: { type: 'tag', values: tags },
    });
    window.scrollTo(0, scrollY);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map((node) => `${node.html} ${node.failureSummary}`)
            .join(' | ')}`,
      );
  });
  assert.deepEqual(findings, [], `axe on ${name}`);
}

export async function shoot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}

/** The lab that a manager manages. */
async function labOf(manager) {
  const { member } = (await call(manager, 'GET', '/api/v1/me')).body;
  return member.roles.find(({ role }) => role === 'manager').node.id;
}

let given = 0;
/** A bookable instrument of a lab that a manager manages, another one each time. */
export async function manageable(manager) {
  const path = `/api/v1/instruments?lab=${await labOf(manager)}&bookable=true&limit=500`;
  const { items } = (await call(manager, 'GET', path)).body;
  assert.ok(items.length > 0, 'the manager’s lab has bookable instruments');
  return items[given++ % items.length];
}

/** An instrument that a manager has just registered: nobody has booked it at any hour. */
export async function registered(manager) {
  const made = await call(manager, 'POST', '/api/v1/instruments', {
    key: `BROWSER-${Date.now()}`,
    name: '新登记的仪器',
    name_en: 'Newly registered instrument',
    model: 'N-1',
    manufacturer: 'Ortoo',
    capabilities: ['test'],
    room: '101',
    lab: await labOf(manager),
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

/** Runs `during` with rules added to an instrument's own, and sets back what was there. */
export async function withRules(manager, { key }, rules, during) {
  const path = `/api/v1/instruments/${key}/policy`;
  const before = (await call(manager, 'GET', path)).body.rules;
  const kinds = new Set(rules.map(({ rule }) => rule));
  const kept = before.filter(({ rule }) => !kinds.has(rule));
  const set = await call(manager, 'PUT', path, { rules: [...kept, ...rules] });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  try {
    await during();
  } finally {
    await call(manager, 'PUT', path, { rules: before });
  }
}
