import { describe, expect, it } from 'vitest';
import { en } from '../src/lib/i18n/en';
import { enBook } from '../src/lib/i18n/en-book';
import { enDesk } from '../src/lib/i18n/en-desk';
import { enDevices } from '../src/lib/i18n/en-devices';
import { enMy } from '../src/lib/i18n/en-my';
import { enPolicy } from '../src/lib/i18n/en-policy';
import { enStaff } from '../src/lib/i18n/en-staff';
import { zh } from '../src/lib/i18n/zh';
import { zhBook } from '../src/lib/i18n/zh-book';
import { zhDesk } from '../src/lib/i18n/zh-desk';
import { zhDevices } from '../src/lib/i18n/zh-devices';
import { zhMy } from '../src/lib/i18n/zh-my';
import { zhPolicy } from '../src/lib/i18n/zh-policy';
import { zhStaff } from '../src/lib/i18n/zh-staff';

type Tree = { [key: string]: Tree | string | ((...args: never[]) => string) };

/** Path of each text, with the number of figures it takes. */
function shape(tree: Tree, path = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const here = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'object') return shape(value, here);
    return typeof value === 'function' ? [`${here}()`] : [here];
  });
}
function texts(tree: Tree): string[] {
  return Object.values(tree).flatMap((value) => {
    if (typeof value === 'object') return texts(value);
    return typeof value === 'string'
      ? [value]
      : [(value as (...args: string[]) => string)('1', '2', '3', '4')];
  });
}

describe.each([
  ['common', zh, en],
  ['staff', zhStaff, enStaff],
  ['book', zhBook, enBook],
  ['my', zhMy, enMy],
  ['desk', zhDesk, enDesk],
  ['devices', zhDevices, enDevices],
  ['policy', zhPolicy, enPolicy],
])('dictionary: %s', (_name, chinese, english) => {
  it('has the same keys in both languages', () => {
    expect(shape(english as Tree).sort()).toEqual(shape(chinese as Tree).sort());
  });
  it('has no empty text and no Chinese in the English one but the way back', () => {
    for (const text of [...texts(chinese as Tree), ...texts(english as Tree)])
      expect(text.trim()).not.toBe('');
    const left = texts(english as Tree).filter(
      (text) => /\p{Script=Han}/u.test(text) && text !== '中文',
    );
    expect(left).toEqual([]);
  });
});
