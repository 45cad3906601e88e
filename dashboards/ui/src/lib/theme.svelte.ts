// Light or dark: the system's choice until the switch is used. `boot.js` applied it before paint.

type Theme = 'light' | 'dark';
const STORED_AS = 'ortoo.theme';
const root = document.documentElement;

class ThemeSwitch {
  current = $state<Theme>(root.dataset.theme === 'dark' ? 'dark' : 'light');
  #chosen = false;

  constructor() {
    try {
      this.#chosen = localStorage.getItem(STORED_AS) !== null;
    } catch {
      // Storage is switched off: the system's choice holds until the switch is used.
    }
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', () => {
      if (!this.#chosen) this.#apply(system.matches ? 'dark' : 'light');
    });
  }

  toggle(): void {
    this.#chosen = true;
    this.#apply(this.current === 'dark' ? 'light' : 'dark');
    try {
      localStorage.setItem(STORED_AS, this.current);
    } catch {
      // The choice lasts as long as the page.
    }
  }

  #apply(theme: Theme) {
    this.current = theme;
    root.dataset.theme = theme;
  }
}

export const theme = new ThemeSwitch();
