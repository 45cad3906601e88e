// Addresses: one page per path, the view's own settings in the query.
//
// Links are plain `<a href>`; clicks on them are taken over here, so that opening in a new tab,
// copying and going back work as everywhere else.

import { untrack } from 'svelte';

/** Saved with each history entry, to come back to where one was. */
interface Entry {
  scrollY?: number;
}

class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  /** Grows with each change of page, not of query; the shell moves the focus then. */
  visits = $state(0);
  /** Where the page should be scrolled to once it has its height. */
  restoreY = 0;

  start(): void {
    history.scrollRestoration = 'manual';
    addEventListener('popstate', (event) => {
      this.#arrive((event.state as Entry | null)?.scrollY ?? 0);
    });
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(to: string, { replace = false } = {}): void {
    if (!replace) history.replaceState({ scrollY } satisfies Entry, '');
    history[replace ? 'replaceState' : 'pushState']({}, '', to);
    this.#arrive(0);
  }

  /** Changes settings in the query without a new history entry; empty values are left out. */
  setQuery(changes: Record<string, string | null>): void {
    // An effect that writes its settings here does not follow the query.
    const query = new URLSearchParams(untrack(() => this.query));
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    const path = untrack(() => this.path);
    history.replaceState(history.state, '', text === '' ? path : `${path}?${text}`);
    this.query = query;
  }

  #arrive(scrollY: number) {
    this.query = new URLSearchParams(location.search);
    if (location.pathname === this.path) return;
    this.restoreY = scrollY;
    this.path = location.pathname;
    this.visits += 1;
  }

  #click(event: MouseEvent) {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (event.defaultPrevented || !plain || event.altKey) return;
    const link = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || link.target !== '' || link.hasAttribute('download')) return;
    const { origin, pathname, search, hash } = new URL(link.href);
    const ours = origin === location.origin && !/^\/(api|problems)\//.test(pathname);
    if (!ours || hash !== '') return;
    event.preventDefault();
    this.go(pathname + search);
  }
}

export const router = new Router();

/** Parts of a path that match `pattern` (`/i/:key`), or null. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const [wanted, got] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')];
  if (wanted.length !== got.length) return null;
  const found: Record<string, string> = {};
  for (const [place, part] of wanted.entries()) {
    const text = got[place] as string;
    if (part.startsWith(':')) {
      try {
        found[part.slice(1)] = decodeURIComponent(text);
      } catch {
        return null;
      }
    } else if (part !== text) return null;
  }
  return found;
}
