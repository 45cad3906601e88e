// Single-key shortcuts, which can be switched off (WCAG 2.1.4). Never while typing, never with a
// modifier, never under an open dialog.

const STORED_AS = 'ortoo.shortcuts';

function stored(): boolean {
  try {
    return localStorage.getItem(STORED_AS) !== 'off';
  } catch {
    return true;
  }
}

class Shortcuts {
  enabled = $state(stored());
  #actions = new Map<string, () => void>();

  constructor() {
    addEventListener('keydown', (event) => this.#press(event));
  }

  /** Binds `key` until the returned function is called. */
  bind(key: string, run: () => void): () => void {
    this.#actions.set(key, run);
    return () => {
      if (this.#actions.get(key) === run) this.#actions.delete(key);
    };
  }

  set(enabled: boolean): void {
    this.enabled = enabled;
    try {
      localStorage.setItem(STORED_AS, enabled ? 'on' : 'off');
    } catch {
      // The choice lasts as long as the page.
    }
  }

  #press(event: KeyboardEvent) {
    if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
      return;
    const typing = (event.target as Element).closest?.(
      'input, select, textarea, [contenteditable]',
    );
    if (typing || document.querySelector('dialog[open]')) return;
    const run = this.#actions.get(event.key);
    if (!run) return;
    event.preventDefault();
    run();
  }
}

export const shortcuts = new Shortcuts();
