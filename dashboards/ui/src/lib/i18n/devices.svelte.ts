// The texts about devices of other makers in the current language; loaded with the staff pages.
import { enDevices } from './en-devices';
import { i18n } from './index.svelte';
import { type DevicesTexts, zhDevices } from './zh-devices';

export const deviceWords = {
  /** Follows the language as `i18n.t` does. */
  get t(): DevicesTexts {
    return i18n.language === 'en' ? enDevices : zhDevices;
  },
};
