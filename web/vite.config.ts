import { defineConfig } from "vitest/config";
import { compressed } from "./compressed.ts";
import { FIRST_CHUNKS } from "./first_chunks.ts";
import { preloaded } from "./preloaded.ts";

// Built into the edge's package, so that the pages travel in the wheel. Nothing is inlined: the
// edge's content security policy allows only files of its own.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [preloaded(), compressed()],
  build: {
    outDir: "../edge/nova/edge/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The screen and the admin page.
    rolldownOptions: {
      input: ["index.html", "admin.html"],
      output: { codeSplitting: { groups: [...FIRST_CHUNKS] } },
    },
  },
  // A process of its own for each file would be three quarters of the time of a run.
  test: { include: ["tests/**/*.test.ts"], isolate: false, setupFiles: ["tests/own_state.ts"] },
});
