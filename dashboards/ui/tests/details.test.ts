import { describe, expect, it } from 'vitest';
import { answerFault, detailsOf, draftFrom, questionsAt, unanswered } from '../src/lib/details';
import type { AnswerKind, Question } from '../src/lib/types';

const ask = (answer: AnswerKind, more: Partial<Question> = {}): Question => ({
  name: 'q',
  label: '问',
  answer,
  ...more,
});

describe('answers', () => {
  it('are judged by their kind', () => {
    const text = ask({ kind: 'text', characters_max: 3 });
    expect(answerFault(text, '中文字')).toBeNull();
    expect(answerFault(text, '中文字符')).toBe('length');
    const number = ask({ kind: 'number', least: 1, most: 5 });
    expect([1, 5, 0, 6, 1.5, Number.NaN].map((value) => answerFault(number, value))).toEqual([
      null,
      null,
      'range',
      'range',
      'whole',
      null,
    ]);
    const choice = ask({ kind: 'choice', options: ['a', 'b'] });
    expect([answerFault(choice, 'a'), answerFault(choice, 'c')]).toEqual([null, 'option']);
  });
  it('that are required must be there; no is an answer', () => {
    const must = ask({ kind: 'yes_no' }, { required: true });
    expect(answerFault(must, false)).toBeNull();
    expect(answerFault(must, undefined)).toBe('required');
    expect(answerFault(ask({ kind: 'text', characters_max: 9 }, { required: true }), '  ')).toBe(
      'required',
    );
    expect([...unanswered([must], {})]).toEqual([['q', 'required']]);
  });
  it('are asked at their time', () => {
    const after = ask({ kind: 'yes_no' }, { name: 'after', after_use: true });
    const at = ask({ kind: 'yes_no' }, { name: 'at' });
    expect(questionsAt([after, at], false)).toEqual([at]);
    expect(questionsAt([after, at], true)).toEqual([after]);
  });
});

describe('details', () => {
  it('hold only what was said, and only answers that are asked for', () => {
    expect(detailsOf(draftFrom(), [])).toBeUndefined();
    const draft = {
      ...draftFrom({ project: 3, samples: 0, answers: { q: ' x ', old: 'y' } }),
      payer: ' 公司 ',
    };
    expect(detailsOf(draft, [ask({ kind: 'text', characters_max: 9 })])).toEqual({
      project: 3,
      payer: '公司',
      samples: 0,
      answers: { q: 'x' },
    });
  });
});
