/** A drawing whose texts, colours and parts follow fields. */

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { readingOf } from "../model/fields/field_reading";
import { seriesEventsError } from "../model/fields/field_values";
import { safeDrawing } from "../model/kinds/synoptic_drawing";
import { applyReading, boundElements } from "../model/kinds/synoptic_effects";
import type { Binding, SynopticOptions } from "../model/kinds/synoptic_kind";
import "../kinds.css";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { useWatched } from "./use_fields";

const NO_BINDINGS: Binding[] = [];
/** The drawing is in a tree of its own, where no id or class of the page applies. */
const SHEET = ":host{display:block;width:100%;height:100%}svg{width:100%;height:100%;color:var(--text)}svg:not([fill]){fill:var(--text)}.is-unknown{opacity:.35}.is-stale{opacity:.6}";

export function Synoptic({ panel, options: { svg = "", bindings = NO_BINDINGS } }: PanelProps<SynopticOptions>) {
  useWatched(bindings.map(({ field }) => field));
  return (
    <Pane id={panel.id}>
      <ErrorNotice text={seriesEventsError.value} />
      {svg.trim() === "" ? (
        <Empty>No drawing yet: paste an SVG in Settings, in the menu ⋮, and bind its elements to fields by their ids.</Empty>
      ) : (
        <Drawing svg={svg} bindings={bindings} />
      )}
    </Pane>
  );
}

function Drawing({ svg, bindings }: { svg: string; bindings: readonly Binding[] }) {
  const host = useRef<HTMLDivElement>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const tree = (host.current as HTMLElement).shadowRoot ?? (host.current as HTMLElement).attachShadow({ mode: "open" });
    try {
      return drawInto(tree, svg, bindings, setTrouble);
    } catch (error) {
      tree.replaceChildren();
      setTrouble((error as Error).message);
    }
    return undefined;
  }, [svg, bindings]);
  return (
    <>
      {trouble !== "" && <p class="pane-trouble" role="status">{trouble}</p>}
      <div class="synoptic" ref={host} role="img" aria-label="Synoptic" data-testid="synoptic" />
    </>
  );
}

/** Draw, and keep the bound elements as their fields are; returns what ends that. */
function drawInto(tree: ShadowRoot, svg: string, bindings: readonly Binding[], report: (trouble: string) => void): () => void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHEET);
  tree.adoptedStyleSheets = [sheet];
  tree.replaceChildren(safeDrawing(svg));
  const { bound, missing } = boundElements(tree, bindings);
  report(missing.length === 0 ? "" : `The drawing has no element ${missing.map((id) => `“${id}”`).join(", ")}.`);
  const ends = bound.map((one) => effect(() => applyReading(one, readingOf(one.binding.field))));
  return () => {
    for (const end of ends) end();
  };
}
