import { defineConfig } from "vite";
import { compressed } from "../compressed.ts";

// The plugin, and the start of the page of `nova openmct`, beside the edge's own pages, which serves them to it.
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  plugins: [compressed()],
  build: {
    outDir: "../../edge/nova/edge/static/openmct",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: { plugin: "src/index.ts" }, formats: ["es"] },
  },
});
