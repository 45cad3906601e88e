// The staff pages' texts in the current language; loaded with those pages only.
import { enStaff } from './en-staff';
import { i18n } from './index.svelte';
import { type StaffTexts, zhStaff } from './zh-staff';

export const staff = {
  /** Follows the language as `i18n.t` does. */
  get t(): StaffTexts {
    return i18n.language === 'en' ? enStaff : zhStaff;
  },
};
