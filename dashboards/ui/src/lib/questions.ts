// The editor's view of a question set: pure.
import type { AnswerKind, Question } from './types';

export function newQuestion(taken: Question[]): Question {
  let at = taken.length + 1;
  while (taken.some(({ name }) => name === `q${at}`)) at += 1;
  return {
    name: `q${at}`,
    label: '',
    label_en: '',
    required: false,
    after_use: false,
    answer: { kind: 'text', characters_max: 200 },
  };
}

/** A kind of answer as it begins when it is chosen. */
export function answerOf(kind: AnswerKind['kind']): AnswerKind {
  switch (kind) {
    case 'text':
      return { kind, characters_max: 200 };
    case 'number':
      return { kind, least: 0, most: 100, unit: '' };
    case 'yes_no':
      return { kind };
    case 'choice':
      return { kind, options: [] };
  }
}

export type QuestionFault = 'name' | 'label' | 'bounds' | 'options';

/** What the gateway would refuse of one question, or null. */
export function questionFault(question: Question, all: Question[]): QuestionFault | null {
  const { name, label, answer } = question;
  const twice = all.filter((other) => other.name === name).length > 1;
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name) || twice) return 'name';
  if (label.trim() === '') return 'label';
  switch (answer.kind) {
    case 'text': {
      const most = answer.characters_max;
      return Number.isInteger(most) && most >= 1 && most <= 2000 ? null : 'bounds';
    }
    case 'number': {
      const whole = Number.isInteger(answer.least) && Number.isInteger(answer.most);
      return whole && answer.least <= answer.most ? null : 'bounds';
    }
    case 'choice': {
      const count = answer.options.length;
      return count >= 1 && count <= 50 && new Set(answer.options).size === count ? null : 'options';
    }
    case 'yes_no':
      return null;
  }
}
