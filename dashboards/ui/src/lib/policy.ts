// The rules of one place as a form holds them, and back: pure.
import type { OpeningHours, Policy, PolicyRule, RuleName } from './types';

export const RULES: RuleName[] = ['opening_hours', 'alignment', 'shortest', 'longest', 'horizon'];

/** One rule in the form; `inherit` means that nothing is set here. */
export interface RuleDraft {
  rule: RuleName;
  mode: 'inherit' | 'default' | 'binding';
  /** Minutes, or days for the horizon; unused for opening hours. */
  figure: number;
  weekly: OpeningHours[];
}

const FIGURE: Record<RuleName, number> = {
  opening_hours: 0,
  alignment: 15,
  shortest: 30,
  longest: 480,
  horizon: 14,
};
export const WORKDAYS: OpeningHours = { days: [1, 2, 3, 4, 5], from: '08:00', to: '22:00' };

export function draftOf(policy: Policy): RuleDraft[] {
  return RULES.map((rule) => {
    const set = policy.rules.find((one) => one.rule === rule);
    return {
      rule,
      mode: set?.mode ?? 'inherit',
      figure: set?.minutes ?? set?.days ?? FIGURE[rule],
      weekly: set?.weekly?.map((one) => ({ ...one, days: [...one.days] })) ?? [{ ...WORKDAYS }],
    };
  });
}

export function rulesOf(draft: RuleDraft[]): PolicyRule[] {
  return draft.flatMap(({ rule, mode, figure, weekly }): PolicyRule[] => {
    if (mode === 'inherit') return [];
    if (rule === 'opening_hours') return [{ rule, mode, weekly }];
    return [rule === 'horizon' ? { rule, mode, days: figure } : { rule, mode, minutes: figure }];
  });
}
