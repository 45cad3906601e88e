// Sentences made of figures: rules in force, obstacles while dragging, channel names.
import { book } from './i18n/book.svelte';
import { i18n } from './i18n/index.svelte';
import { limitMs, type Obstacle } from './schedule';
import { now } from './now.svelte';
import { clockRange, DEFAULT_ZONE, dayOf, lengthName, weekdays } from './time';
import type { RulesInForce } from './types';

/** `周一至周五`, `周一、周三`, `每天` / `Mon–Fri`, `Mon, Wed`, `every day`. */
export function daysText(days: number[]): string {
  const names = weekdays(i18n.language);
  const sorted = [...days].sort((a, b) => a - b);
  if (sorted.length === 7) return i18n.t.instrument.everyDay;
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return '';
  const zh = i18n.language === 'zh';
  const unbroken = last - first === sorted.length - 1;
  if (unbroken && sorted.length > 2)
    return `${names[first - 1]}${zh ? '至' : '–'}${names[last - 1]}`;
  return sorted.map((day) => names[day - 1]).join(zh ? '、' : ', ');
}

/** The rules in force, one sentence each. */
export function rulesText(rules: RulesInForce): string[] {
  const { t, language } = i18n;
  // An entry without days is how the gateway says that rules leave no common hours.
  const isAlways = (rules.opening_hours ?? []).some(
    ({ days, from, to }) => days.length === 7 && from === '00:00' && to === '24:00',
  );
  const lines = (isAlways ? [] : (rules.opening_hours ?? [])).map(({ days, from, to }) =>
    days.length === 0 ? t.instrument.ruleNever : t.instrument.ruleOpen(daysText(days), from, to),
  );
  if (lines.length === 0) lines.push(t.instrument.ruleAlways);
  lines.push(...calendarText(rules));
  const add = (rule: string | null, say: (length: string) => string) => {
    const ms = limitMs(rule);
    if (ms !== null) lines.push(say(lengthName(ms, language)));
  };
  add(rules.shortest, t.instrument.ruleShortest);
  add(rules.longest, t.instrument.ruleLongest);
  add(rules.alignment, t.instrument.ruleAlignment);
  add(rules.horizon, t.instrument.ruleHorizon);
  return lines;
}

/** Days that differ, holidays and fixed blocks, one sentence each. */
function calendarText({ exceptions, holidays, blocks }: RulesInForce): string[] {
  const { rules } = book.t;
  const today = dayOf(now.read(), DEFAULT_ZONE);
  const days = (exceptions ?? [])
    .filter(({ to }) => to >= today)
    .map(({ from, to, hours }) => {
      const when = from === to ? from : `${from} – ${to}`;
      const open = hours.map((one) => `${one.from}–${one.to}`).join(', ');
      return open === '' ? rules.closedOn(when) : rules.openOn(when, open);
    });
  const whole = (blocks ?? []).map((one) =>
    rules.block(daysText(one.days), `${one.from}–${endText(one.to)}`),
  );
  return [...(holidays === 'china' ? [rules.holidays] : []), ...days, ...whole];
}

/** `32:00` is eight o'clock of the next day. */
function endText(to: string): string {
  const hours = Number(to.slice(0, 2));
  if (hours < 24 || to === '24:00') return to;
  return book.t.rules.nextDay(`${String(hours - 24).padStart(2, '0')}${to.slice(2)}`);
}

export function obstacleText(obstacle: Obstacle, zone: string): string {
  const { drag } = book.t;
  switch (obstacle.kind) {
    case 'overlap':
      return drag.overlap(clockRange(obstacle.with.startMs, obstacle.with.endMs, zone));
    case 'longest':
      return drag.longest(lengthName(obstacle.ms, i18n.language));
    case 'horizon':
      return drag.horizon(lengthName(obstacle.ms, i18n.language));
    default:
      return drag[obstacle.kind];
  }
}

/** A channel's name in words, or its code where it has none. */
export const channelName = (code: string): string => book.t.channel[code] ?? code;
