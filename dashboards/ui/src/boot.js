// Runs before the first paint: sets the chosen theme and language on the root element, so that
// nothing flashes. Everything else about both is in lib/theme.ts and lib/i18n.
(() => {
  const root = document.documentElement;
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem('ortoo.theme');
    language = localStorage.getItem('ortoo.language');
  } catch {
    // Storage is switched off: the system's choice holds.
  }
  const asked = new URLSearchParams(location.search).get('lang');
  if (asked === 'zh' || asked === 'en') language = asked;
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = theme === 'light' || theme === 'dark' ? theme : dark ? 'dark' : 'light';
  root.lang = language === 'en' ? 'en' : 'zh-CN';
})();
