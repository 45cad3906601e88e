// What is asked with a booking, as a form holds it, and as it is sent: pure.
import type { AnswerValue, Details, Question, ServiceKind } from './types';

export interface DetailsDraft {
  /** A registered project; null where there is none. */
  project: number | null;
  /** The project's name where it is not a registered one. */
  projectText: string;
  payer: string;
  service: ServiceKind | '';
  samples: number | null | undefined;
  answers: Record<string, AnswerValue | null | undefined>;
}

export function draftFrom(details?: Details | null, projectText?: string | null): DetailsDraft {
  return {
    project: details?.project ?? null,
    projectText: projectText ?? '',
    payer: details?.payer ?? '',
    service: details?.service ?? '',
    samples: details?.samples ?? null,
    answers: { ...details?.answers },
  };
}

const isGiven = (value: AnswerValue | null | undefined): value is AnswerValue =>
  value !== null && value !== undefined && value !== '' && !Number.isNaN(value);

/** The details to send, or undefined where nothing was said. Answers nobody asks for are left out. */
export function detailsOf(draft: DetailsDraft, questions: Question[]): Details | undefined {
  const asked = new Set(questions.map(({ name }) => name));
  const answers = Object.fromEntries(
    Object.entries(draft.answers).flatMap(([name, value]) => {
      const kept = typeof value === 'string' ? value.trim() : value;
      return asked.has(name) && isGiven(kept) ? [[name, kept] as const] : [];
    }),
  );
  const details: Details = {
    ...(draft.project === null ? {} : { project: draft.project }),
    ...(draft.payer.trim() === '' ? {} : { payer: draft.payer.trim() }),
    ...(draft.service === '' ? {} : { service: draft.service }),
    ...(isGiven(draft.samples) ? { samples: draft.samples } : {}),
    ...(Object.keys(answers).length === 0 ? {} : { answers }),
  };
  return Object.keys(details).length === 0 ? undefined : details;
}

export type AnswerFault = 'required' | 'range' | 'whole' | 'length' | 'option';

/** What is wrong with one answer, or null. */
export function answerFault(
  question: Question,
  value: AnswerValue | null | undefined,
): AnswerFault | null {
  const given = typeof value === 'string' ? value.trim() : value;
  if (!isGiven(given)) return question.required ? 'required' : null;
  const { answer } = question;
  switch (answer.kind) {
    case 'text':
      return typeof given === 'string' && [...given].length <= answer.characters_max
        ? null
        : 'length';
    case 'number':
      if (!Number.isInteger(given)) return 'whole';
      return Number(given) >= answer.least && Number(given) <= answer.most ? null : 'range';
    case 'choice':
      return answer.options.includes(String(given)) ? null : 'option';
    case 'yes_no':
      return typeof given === 'boolean' ? null : 'required';
  }
}

/** The questions of one moment: at booking or after use. */
export const questionsAt = (questions: Question[], afterUse: boolean): Question[] =>
  questions.filter((question) => Boolean(question.after_use) === afterUse);

/** Names of questions that are not answered as they must be. */
export function unanswered(
  questions: Question[],
  answers: DetailsDraft['answers'],
): Map<string, AnswerFault> {
  const faults = new Map<string, AnswerFault>();
  for (const question of questions) {
    const fault = answerFault(question, answers[question.name]);
    if (fault) faults.set(question.name, fault);
  }
  return faults;
}
