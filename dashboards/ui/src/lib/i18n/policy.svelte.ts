// The rule editor's texts in the current language; loaded with it.
import { enPolicy } from './en-policy';
import { i18n } from './index.svelte';
import { type PolicyTexts, zhPolicy } from './zh-policy';

export const ruleWords = {
  /** Follows the language as `i18n.t` does. */
  get t(): PolicyTexts {
    return i18n.language === 'en' ? enPolicy : zhPolicy;
  },
};
