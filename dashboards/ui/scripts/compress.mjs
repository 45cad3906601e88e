// Vite plugin: what the gateway needs beside the bundle itself.
//
// In: the files Vite wrote. Out: a `.gz` beside each text file that shrinks by it, and the theme
// boot script under a hashed name, linked from the head, because the pages' content security
// policy allows no inline script and the theme must be known before the first paint.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

const TEXT = /\.(js|css|html|svg|json|webmanifest)$/;
/** Below this size the gzip header eats the gain. */
const GZIP_MIN_BYTES = 256;

/** Every file below `folder`, as full paths. */
export function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/** Writes `name.gz` beside each text file of the finished build. */
export function gzipBeside() {
  let outDir = 'dist';
  return {
    name: 'gzip-beside',
    apply: 'build',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const path of filesBelow(outDir)) {
        if (!TEXT.test(path)) continue;
        const bytes = readFileSync(path);
        if (bytes.length < GZIP_MIN_BYTES) continue;
        const packed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
        if (packed.length < bytes.length) writeFileSync(`${path}.gz`, packed);
      }
    },
  };
}

/** Links `source` (plain script, no imports) from the head as a blocking, hashed file. */
export function bootScript(source) {
  const text = readFileSync(source, 'utf8');
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 8);
  const fileName = `assets/boot-${hash}.js`;
  let building = false;
  return {
    name: 'boot-script',
    config(_, { command }) {
      building = command === 'build';
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName, source: text });
    },
    transformIndexHtml() {
      const src = building ? `/${fileName}` : '/src/boot.js';
      return [{ tag: 'script', attrs: { src }, injectTo: 'head' }];
    },
  };
}
