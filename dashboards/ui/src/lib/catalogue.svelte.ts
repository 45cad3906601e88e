// All instruments in the browser, for search that answers while typing.
import { api } from './api';
import { Resource } from './resource.svelte';
import type { InstrumentIndex, Named, Status } from './types';

export interface Entry extends Named {
  key: string;
  model: string;
  room: string;
  capabilities: string;
  bookable: boolean;
  /** Place in `labs`. */
  lab: number;
  centre: number;
  /** Everything that can be searched, folded; the second weighs more (name, key, model). */
  text: string;
  title: string;
}
export interface Catalogue extends InstrumentIndex {
  entries: Entry[];
  byKey: Map<string, Entry>;
}

/** Folds width, case and accents away, so that `Ｘ射线`, `x射线` and `X射线` are one. */
export function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '');
}

export function catalogueOf(index: InstrumentIndex): Catalogue {
  const places = index.labs.map((lab) => {
    const [institution, centre] = [index.institutions[lab.institution], index.centres[lab.centre]];
    return [lab, institution, centre]
      .map((node) => `${node?.name ?? ''} ${node?.name_en ?? ''}`)
      .join(' ');
  });
  const entries = index.rows.map(
    ([key, name, name_en, model, lab, room, capabilities, bookable]) => {
      const title = fold(`${key} ${name} ${name_en} ${model}`);
      const text = `${title} ${fold(`${capabilities} ${room} ${places[lab] ?? ''}`)}`;
      const centre = index.labs[lab]?.centre ?? -1;
      return {
        key,
        name,
        name_en,
        model,
        room,
        capabilities,
        bookable: bookable === 1,
        lab,
        centre,
        text,
        title,
      };
    },
  );
  return { ...index, entries, byKey: new Map(entries.map((entry) => [entry.key, entry])) };
}

export interface Filter {
  q: string;
  /** Node id of a sub-centre; null is all. */
  centre: number | null;
  status: Status | null;
}

/** Entries that hold every word of the query; those with all words in name, key or model first. */
export function search(
  catalogue: Catalogue,
  filter: Filter,
  status: ReadonlyMap<string, Status>,
): Entry[] {
  const words = fold(filter.q)
    .split(/\s+/)
    .filter((word) => word !== '');
  const centre = catalogue.centres.findIndex(({ id }) => id === filter.centre);
  const [first, second]: [Entry[], Entry[]] = [[], []];
  for (const entry of catalogue.entries) {
    if (filter.centre !== null && entry.centre !== centre) continue;
    if (filter.status !== null && status.get(entry.key) !== filter.status) continue;
    if (!words.every((word) => entry.text.includes(word))) continue;
    (words.every((word) => entry.title.includes(word)) ? first : second).push(entry);
  }
  return first.concat(second);
}

class CatalogueLoader extends Resource<Catalogue> {
  /** Loads once; later calls return at once. The browser keeps the answer by its ETag. */
  async need(): Promise<void> {
    if (this.value || this.loading) return;
    await this.load(async () => catalogueOf(await api.index()));
  }

  /** After an instrument was registered, edited or withdrawn. */
  refresh(): Promise<void> {
    return this.load(async () => catalogueOf(await api.index()));
  }
}

export const catalogue = new CatalogueLoader();
