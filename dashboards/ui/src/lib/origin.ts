// Rules in force as the rule editor shows them: what they say, and who set them.
import { i18n } from './i18n/index.svelte';
import { ruleWords } from './i18n/policy.svelte';
import { CLASSES, type RuleName, RULE_TABLE } from './rules';
import { lengthName, MINUTE_MS } from './time';
import type { EffectiveRule, OpeningHours } from './types';
import { daysText } from './wording';

/** `8 小时`, `3 次`; hours of the week as days and times. */
export function figuresText(rule: EffectiveRule): string {
  const { t } = ruleWords;
  const shape = RULE_TABLE[rule.rule as RuleName];
  const figures = (shape?.figures ?? []).flatMap(({ name, unit }) => {
    const value = rule[name];
    if (typeof value !== 'number') return [];
    if (unit === 'minutes') return [lengthName(value * MINUTE_MS, i18n.language)];
    return [`${i18n.figure(value)} ${t.unit[unit]}`];
  });
  const weekly = (rule.weekly ?? rule.blocks ?? []) as OpeningHours[];
  const hours = weekly.map(({ days, from, to }) => `${daysText(days)} ${from}–${to}`);
  const words = [rule.name, rule.who].flatMap((word) => (word ? [String(word)] : []));
  return [...figures, ...hours, ...words].join(' · ') || t.whens.always;
}

/** `来自实验室 X`, and whom it speaks to where that is not everybody. */
export function originText(rule: EffectiveRule): string {
  const { t } = ruleWords;
  const level = t.level[rule.level ?? 'instrument'] ?? rule.level ?? '';
  const node = rule.node_name ? ` ${rule.node_name}` : '';
  const classes = CLASSES.filter((one) => rule.classes?.includes(one)).map((one) => t.class[one]);
  const whom = classes.length > 0 ? ` (${classes.join(', ')})` : '';
  return `${t.from_(`${level}${node}`)}${whom}`;
}
