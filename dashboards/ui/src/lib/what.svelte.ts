// What a booking is for and what is asked with it: the same in every form that books.
import { ApiError, newIdempotencyKey } from './api';
import { life } from './api-life';
import { type DetailsDraft, detailsOf, draftFrom, unanswered, questionsAt } from './details';
import type { Details, Question } from './types';

/** What every way to book is told. */
export interface Asked {
  purpose: string;
  /** A project that is not registered. */
  project?: string;
  details?: Details;
}

export class What {
  purpose = $state('');
  details = $state<DetailsDraft>(draftFrom());
  questions = $state.raw<Question[]>([]);
  /** Whether somebody has tried to send: what is missing is shown from then on. */
  tried = $state(false);

  /** Asks what these instruments ask at booking; one name is asked once. */
  async ask(keys: string[]): Promise<void> {
    const sets = await Promise.all([...new Set(keys)].map(life.questions)).catch(() => []);
    const all = sets.flatMap((set) => questionsAt(set.all ?? set.questions, false));
    this.questions = [...new Map(all.map((one) => [one.name, one])).values()];
  }

  take(from: { purpose?: string; project?: string | null; details?: Details | null }): void {
    this.purpose = from.purpose ?? '';
    this.details = draftFrom(from.details, from.project);
  }

  /** What was said, as it is sent; null while something that must be said is not. */
  get whole(): Asked | null {
    const isWhole =
      this.purpose.trim() !== '' && unanswered(this.questions, this.details.answers).size === 0;
    return isWhole ? this.said : null;
  }

  /** What was said so far. */
  get said(): Asked {
    const { projectText, ...draft } = $state.snapshot(this.details);
    const details = detailsOf({ ...draft, projectText }, this.questions);
    const project = projectText.trim();
    return {
      purpose: this.purpose.trim(),
      ...(details ? { details } : {}),
      ...(project === '' ? {} : { project }),
    };
  }
}

/** One key per intended booking: a retry after a lost answer must not book twice. */
export class Intent {
  #body = '';
  #key = '';

  /** Sends a wish under its key. One that was refused is over: the next press is another. */
  async sent<T>(wish: unknown, send: (key: string) => Promise<T>): Promise<T> {
    const body = JSON.stringify(wish);
    if (body !== this.#body) {
      this.#body = body;
      this.#key = newIdempotencyKey();
    }
    try {
      return await send(this.#key);
    } catch (failed) {
      if (failed instanceof ApiError && failed.slug !== 'unreachable') this.#body = '';
      throw failed;
    }
  }
}
