// The texts of a member's own pages in the current language; loaded with those pages.
import { enMy } from './en-my';
import { i18n } from './index.svelte';
import { type MyTexts, zhMy } from './zh-my';

export const my = {
  /** Follows the language as `i18n.t` does. */
  get t(): MyTexts {
    return i18n.language === 'en' ? enMy : zhMy;
  },
};
