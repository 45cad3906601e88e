// What is asked with every way to book: whole or not, and one key for one intent.
import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/lib/api';
import { Intent, What } from '../src/lib/what.svelte';

describe('What', () => {
  it('is whole once everything that must be said is', () => {
    const what = new What();
    what.questions = [
      {
        name: 'mass',
        label: '质量',
        required: true,
        answer: { kind: 'number', least: 1, most: 9 },
      },
    ];
    what.purpose = '  测试 ';
    expect(what.whole).toBeNull();
    expect(what.said).toEqual({ purpose: '测试' });
    what.details.answers.mass = 10;
    expect(what.whole).toBeNull();
    what.details.answers.mass = 3;
    what.details.projectText = '课题';
    const said = { purpose: '测试', project: '课题', details: { answers: { mass: 3 } } };
    expect(what.whole).toEqual(said);
    what.purpose = ' ';
    expect(what.whole).toBeNull();
  });
});

describe('Intent', () => {
  it('keeps its key for a retry, and takes another for another wish or after a refusal', async () => {
    const intent = new Intent();
    const keys: string[] = [];
    const send = (wish: string, outcome?: ApiError) =>
      intent
        .sent(wish, async (key) => {
          keys.push(key);
          if (outcome) throw outcome;
        })
        .catch(() => {});
    await send('a', new ApiError('unreachable', 0, null));
    await send('a', new ApiError('slot-taken', 409, null));
    await send('a');
    await send('b');
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
  });
});
