// Fails the build when the pages grow past their budgets (gzip bytes on the wire, JS + CSS).
//
// In: `dist/.vite/manifest.json` and the `.gz` files beside the bundle. A route's weight is the
// entry plus everything its chunk imports statically.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { filesBelow } from './compress.mjs';

const ENTRY_BYTES_MAX = 45 * 1024;
const ROUTE_BYTES_MAX = 120 * 1024;
const WHOLE_BYTES_MAX = 250 * 1024;

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

const wireBytes = (file) => {
  const gz = new URL(`${file}.gz`, dist);
  return statSync(existsSync(gz) ? gz : new URL(file, dist)).size;
};

/** The files that `key` needs before it can run, without what it loads lazily. */
function filesOf(key, seen = new Set(), files = new Set()) {
  if (seen.has(key)) return files;
  seen.add(key);
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const imported of chunk.imports ?? []) filesOf(imported, seen, files);
  return files;
}

const sum = (files) => [...files].reduce((total, file) => total + wireBytes(file), 0);
const entryKey = Object.keys(manifest).find((key) => manifest[key].isEntry);
const entry = filesOf(entryKey);
const faults = [];
const say = (name, bytes, max) => {
  console.log(
    `${name.padEnd(34)} ${(bytes / 1024).toFixed(1).padStart(7)} of ${max / 1024} KiB gzip`,
  );
  if (bytes > max) faults.push(`${name} is over its budget`);
};

say('entry', sum(entry), ENTRY_BYTES_MAX);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!key.startsWith('src/pages/') || !chunk.isDynamicEntry) continue;
  const files = new Set([...entry, ...filesOf(key)]);
  // A page may open its heavy parts lazily; they still arrive on that route.
  for (const lazy of chunk.dynamicImports ?? []) filesOf(lazy, new Set(), files);
  say(`route ${key.slice('src/pages/'.length)}`, sum(files), ROUTE_BYTES_MAX);
}
const root = dist.pathname;
const whole = filesBelow(root)
  .map((path) => path.slice(root.length))
  .filter((path) => /\.(js|css|html|svg)$/.test(path));
say('whole', sum(whole), WHOLE_BYTES_MAX);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
