/** The pages of the build name what their entry points load by `import()`, so that it is loaded beside them. */

import type { HtmlTagDescriptor, Plugin, Rolldown } from "vite";

export function preloaded(): Plugin {
  return {
    name: "preloaded",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle, chunk }) => (bundle === undefined || chunk === undefined ? [] : tagsOf(bundle, chunk)),
    },
  };
}

function tagsOf(bundle: Rolldown.OutputBundle, entry: Rolldown.OutputChunk): HtmlTagDescriptor[] {
  const known = new Set(importedBy(bundle, entry));
  const found = new Set(entry.dynamicImports.flatMap((name) => [...importedBy(bundle, chunkOf(bundle, name))]));
  const loaded = [...found].filter((chunk) => !known.has(chunk));
  const styles = new Set(loaded.flatMap((chunk) => [...(chunk.viteMetadata?.importedCss ?? [])]));
  const ofEntry = new Set([...known].flatMap((chunk) => [...(chunk.viteMetadata?.importedCss ?? [])]));
  return [
    ...loaded.map(({ fileName }) => tag({ rel: "modulepreload", href: `/${fileName}` })),
    ...[...styles].filter((name) => !ofEntry.has(name)).map((name) => tag({ rel: "stylesheet", href: `/${name}` })),
  ];
}

/** A chunk and all that it imports. */
function importedBy(bundle: Rolldown.OutputBundle, chunk: Rolldown.OutputChunk, found = new Set<Rolldown.OutputChunk>()): Set<Rolldown.OutputChunk> {
  if (!found.has(chunk)) {
    found.add(chunk);
    for (const name of chunk.imports) importedBy(bundle, chunkOf(bundle, name), found);
  }
  return found;
}

function chunkOf(bundle: Rolldown.OutputBundle, name: string): Rolldown.OutputChunk {
  return bundle[name] as Rolldown.OutputChunk;
}

function tag(attrs: Record<string, string>): HtmlTagDescriptor {
  return { tag: "link", attrs: { ...attrs, crossorigin: true }, injectTo: "head" };
}
