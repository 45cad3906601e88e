// What in a message can be read out: the JSON pointers of its figures and texts.

/** Most pointers offered; a long message is not for choosing from a list. */
const POINTERS_MAX = 100;

/** RFC 6901 pointers to the leaves of a JSON text, in its order; none if it is no JSON. */
export function pointersIn(payload: string): string[] {
  const found: string[] = [];
  const walk = (value: unknown, at: string): void => {
    if (found.length >= POINTERS_MAX) return;
    if (typeof value !== 'object' || value === null) {
      if (at !== '') found.push(at);
      return;
    }
    for (const [name, inside] of Object.entries(value))
      walk(inside, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  };
  try {
    walk(JSON.parse(payload), '');
  } catch {
    // Plain figures and words are messages too: the whole payload is then the value.
  }
  return found;
}
