// The booking texts in the current language; loaded with the pages that book.
import { enBook } from './en-book';
import { i18n } from './index.svelte';
import { type BookTexts, zhBook } from './zh-book';

export const book = {
  /** Follows the language as `i18n.t` does. */
  get t(): BookTexts {
    return i18n.language === 'en' ? enBook : zhBook;
  },
};
