import { describe, expect, it } from 'vitest';
import { csvOf } from '../src/lib/csv';
import { match } from '../src/lib/router.svelte';
import { daysText, rulesText } from '../src/lib/wording';

describe('rules in words', () => {
  const none = {
    zone: 'Asia/Shanghai',
    opening_hours: null,
    alignment: null,
    shortest: null,
    longest: null,
    horizon: null,
    policy_version: 1,
  };
  it('names days as people do', () => {
    expect(daysText([1, 2, 3, 4, 5])).toBe('周一至周五');
    expect(daysText([6, 7])).toBe('周六、周日');
    expect(daysText([3, 1])).toBe('周一、周三');
    expect(daysText([1, 2, 3, 4, 5, 6, 7])).toBe('每天');
  });
  it('says only what limits', () => {
    expect(rulesText(none)).toEqual(['全天开放，每天都可预约。']);
    expect(rulesText({ ...none, longest: 'PT8H' })).toContain('每次最长 8 小时');
  });
  it('says which days differ from now on, and which blocks there are', () => {
    const closed = { from: '2999-12-24', to: '2999-12-26', hours: [] };
    const lines = rulesText({
      ...none,
      holidays: 'china',
      exceptions: [{ from: '2001-01-01', to: '2001-01-01', hours: [] }, closed],
      blocks: [{ days: [1, 2, 3, 4, 5], from: '18:00', to: '32:00' }],
    });
    expect(lines).toEqual([
      '全天开放，每天都可预约。',
      '法定节假日不开放，调休上班日照常。',
      '2999-12-24 – 2999-12-26 不开放',
      '整段预约：周一至周五 18:00–次日 08:00',
    ]);
  });
});

describe('addresses', () => {
  it('match by part and decode', () => {
    expect(match('/i/:key', '/i/NM-00001')).toEqual({ key: 'NM-00001' });
    expect(match('/i/:key', '/i/a%2Fb/')).toEqual({ key: 'a/b' });
    expect(match('/i/:key', '/i/%E0%A4%A')).toBeNull();
    expect(match('/', '/')).toEqual({});
    expect(match('/i/:key', '/i/a/b')).toBeNull();
    expect(match('/my', '/mine')).toBeNull();
  });
});

describe('CSV', () => {
  it('quotes, marks its encoding and disarms formulas', () => {
    expect(
      csvOf([
        ['名称', 'h'],
        ['a,"b"', 1.5],
        ['=1+1', -2],
        ['-3.5', '+86'],
      ]),
    ).toBe('\ufeff名称,h\r\n"a,""b""",1.5\r\n\'=1+1,-2\r\n-3.5,+86\r\n');
  });
});
