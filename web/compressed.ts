/** The build's last step: each file also compressed, so that the edge sends it without work of its own. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Smaller files need as many packets of the network either way. */
const BYTES_MIN = 1_000;

export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }) {
      for (const entry of readdirSync(dir as string, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) compress(join(entry.parentPath, entry.name));
      }
    },
  };
}

function compress(path: string): void {
  const content = readFileSync(path);
  if (content.length < BYTES_MIN) return;
  // Browsers accept brotli over TLS and on loopback only.
  writeFileSync(`${path}.br`, brotliCompressSync(content));
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}
