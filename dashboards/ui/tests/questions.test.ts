import { describe, expect, it } from 'vitest';
import { fitted } from '../src/lib/photo';
import { answerOf, newQuestion, questionFault } from '../src/lib/questions';
import type { Question } from '../src/lib/types';
import { ANSWER_KINDS } from '../src/lib/types-life';

describe('question set', () => {
  const asked = (change: Partial<Question>): Question => ({
    ...newQuestion([]),
    label: '样品编号',
    ...change,
  });
  const fault = (change: Partial<Question>, others: Question[] = []) => {
    const question = asked(change);
    return questionFault(question, [question, ...others]);
  };
  it('names what the gateway would refuse', () => {
    expect(fault({})).toBeNull();
    expect(fault({ name: 'Sample' })).toBe('name');
    expect(fault({ name: '1a' })).toBe('name');
    expect(fault({ name: 'a' }, [asked({ name: 'a' })])).toBe('name');
    expect(fault({ label: ' ' })).toBe('label');
    expect(fault({ answer: { kind: 'text', characters_max: 2001 } })).toBe('bounds');
    expect(fault({ answer: { kind: 'number', least: 2, most: 1 } })).toBe('bounds');
    expect(fault({ answer: { kind: 'number', least: 1, most: 1 } })).toBeNull();
    expect(fault({ answer: { kind: 'choice', options: [] } })).toBe('options');
    expect(fault({ answer: { kind: 'choice', options: ['a', 'a'] } })).toBe('options');
  });
  it('gives new questions names of their own', () => {
    const first = newQuestion([]);
    const second = newQuestion([{ ...first, name: 'q2' }]);
    expect([first.name, second.name]).toEqual(['q1', 'q3']);
  });
  it('begins every kind of answer', () => {
    expect(ANSWER_KINDS.map((kind) => answerOf(kind).kind)).toEqual([...ANSWER_KINDS]);
  });
});

describe('photo', () => {
  it('is made smaller in proportion, never larger', () => {
    expect(fitted(4000, 3000)).toEqual({ width: 1600, height: 1200 });
    expect(fitted(3000, 4000)).toEqual({ width: 1200, height: 1600 });
    expect(fitted(800, 600)).toEqual({ width: 800, height: 600 });
    expect(fitted(100_000, 1)).toEqual({ width: 1600, height: 1 });
  });
});
