// The language of the pages: Chinese from the start, English loaded when first asked for.

import type { Named } from '../types';
import type { Language } from '../time';
import { type Texts, zh } from './zh';

const STORED_AS = 'ortoo.language';

class I18n {
  language = $state<Language>('zh');
  /** The texts of the current language. */
  t = $state.raw<Texts>(zh);

  /** Takes the language that `boot.js` put on the root element. */
  start(): Promise<void> {
    return this.use(document.documentElement.lang === 'en' ? 'en' : 'zh', false);
  }

  async use(language: Language, remember = true): Promise<void> {
    const texts = language === 'en' ? (await import('./en')).en : zh;
    this.t = texts;
    this.language = language;
    document.documentElement.lang = language === 'en' ? 'en' : 'zh-CN';
    if (!remember) return;
    try {
      localStorage.setItem(STORED_AS, language);
    } catch {
      // Storage is switched off: the choice lasts as long as the page.
    }
  }

  /** The name of a thing in the current language; the Chinese one where there is no other. */
  name(named: Named): string {
    return this.language === 'en' && named.name_en !== '' ? named.name_en : named.name;
  }

  figure(value: number, digits = 0): string {
    return value.toLocaleString(this.language === 'en' ? 'en-GB' : 'zh-CN', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  }
}

export const i18n = new I18n();
