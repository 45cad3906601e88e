import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { bootScript, gzipBeside } from './scripts/compress.mjs';

/** The shell and the find page, with what they import. */
const BASE = new RegExp(
  'node_modules/(svelte|esm-env|clsx)/|src/lib/(api|bell|catalogue|event-stream|failure|keys|live|now|resource|' +
    'router|session|strips|theme|time|toasts|types|window|i18n/(index|zh))\\.|' +
    'src/parts/(Connection|DayStrip|Empty|FailureNote|Freshness|Header|Icon|InstrumentRow|Status|Toasts)',
);

/** Small files pack badly one by one: what is used together comes together. */
const TOGETHER = {
  forms:
    'src/lib/(api-life|countdown|refs|schedule|sending)\\.|' +
    'src/parts/(Card|Dialog|Field|Input|NeedRole|Tabs|booking/FormEnd)\\.',
  booking: 'src/lib/(acts|bookings|i18n/((zh|en)-)?book)\\.|src/parts/booking/BookingStatusChip\\.',
  asking:
    'src/lib/(details|what)\\.|src/parts/booking/(Details|Member|Question|What)(Fields|Picker)\\.',
  staff:
    'src/lib/(api-staff|i18n/((zh|en)-)?staff)\\.|src/parts/(LabSelect|ManageTabs|manage/ManagePage)\\.',
  managing:
    'src/pages/(Agents|Devices|Manage|Qualifications)\\.|src/lib/(api-devices|i18n/((zh|en)-)?devices)\\.|' +
    'src/parts/(Confirm|OnceShown|manage/(Grant|Mapping|Sources|Unknown|MessageTrial))',
  mine: 'src/pages/My|src/parts/my/',
  ruling: 'src/pages/(Admin|Tree|People|Projects)\\.|src/parts/admin/',
  desk: 'src/lib/(tree|i18n/((zh|en)-)?desk)\\.',
  acting: 'src/parts/(booking/(Answers|Extend|Move|Transfer)|my/Appeal)Form\\.',
  inbox: 'src/pages/(Inbox|Notices|Problems|Runs)\\.',
  entering: 'src/pages/Login\\.|src/parts/Login',
};
const groups = Object.entries({ base: BASE, ...TOGETHER }).map(([name, files]) => {
  const test = new RegExp(files);
  return { name, test: (id) => test.test(id), includeDependenciesRecursively: name === 'base' };
});

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), bootScript(new URL('./src/boot.js', import.meta.url)), gzipBeside()],
  // Component tests mount in a simulated browser, not in the server build of Svelte.
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  build: {
    target: 'es2022',
    manifest: true,
    // No data: URLs in CSS or script, and no inline module preload code: the policy forbids both.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page needs comes in one file: fewer requests, and it packs better.
          groups,
        },
      },
    },
  },
  server: {
    proxy: { '/api': process.env.ORTOO_URL ?? 'http://127.0.0.1:8080' },
    // A test compares the rule table with the gateway's source.
    ...(mode === 'test' ? { fs: { allow: ['../..'] } } : {}),
  },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'] },
}));
