// Naming what answers refer to: instruments and people, whichever form the answer has.
import { i18n } from './i18n/index.svelte';
import type { AtInstrument, Person } from './types';

export function keyOf({ instrument }: { instrument: AtInstrument['instrument'] }): string {
  return typeof instrument === 'string' ? instrument : instrument.key;
}

/** The instrument's name in the current language, or its key where none was told. */
export function instrumentName(at: AtInstrument): string {
  const { instrument } = at;
  if (typeof instrument !== 'string') return i18n.name(instrument);
  return at.instrument_name ?? instrument;
}

export function personName(person: Person | null | undefined): string {
  if (!person) return '';
  if (person.display_name !== undefined)
    return i18n.name({ name: person.display_name, name_en: person.display_name_en ?? '' });
  return person.name ?? `#${person.id}`;
}

export const instrumentPath = (at: { instrument: AtInstrument['instrument'] }): string =>
  `/i/${encodeURIComponent(keyOf(at))}`;
