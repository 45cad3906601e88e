// The rules that are applied at an instrument, and where each comes from.
import type { EffectivePolicy, EffectiveRule } from './types';

export const effectiveRules = (policy: EffectivePolicy): EffectiveRule[] =>
  policy.items ?? policy.rules ?? [];
