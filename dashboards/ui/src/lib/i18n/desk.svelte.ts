// The texts of managers' decisions and administrators' records, loaded with their pages.
import { enDesk } from './en-desk';
import { i18n } from './index.svelte';
import { type DeskTexts, zhDesk } from './zh-desk';

export const deskWords = {
  /** Follows the language as `i18n.t` does. */
  get t(): DeskTexts {
    return i18n.language === 'en' ? enDesk : zhDesk;
  },
};
