/** The frame of a panel over a span of time: what its span is, and the button that keeps or releases it. */

import type { ComponentChildren } from "preact";
import { hasOwnTime, panelSpan, pinned, type TimeOptions, unpinned } from "../model/panels/panel_time";
import { formatTime, fromFineMs } from "../model/values/time";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";

interface PanelTimeProps<Options extends TimeOptions> {
  options: Options;
  change: (options: Options) => void;
}

/** A button that keeps the span that is shown now, or follows the page again. */
function PanelTimeButton<Options extends TimeOptions>({ options, change }: PanelTimeProps<Options>) {
  const span = panelSpan(options);
  const isOwn = hasOwnTime(options);
  return (
    <button
      type="button"
      aria-pressed={isOwn}
      data-testid="panel-pin"
      title={isOwn ? "Show the visible span of the timeline again" : "Keep this span, wherever the timeline goes"}
      onClick={() => (isOwn ? change(unpinned(options)) : typeof span !== "string" && change(pinned(options, span)))}
    >
      {isOwn ? "Own time" : "Pin time"}
    </button>
  );
}

/** The span of a panel that is not the page's, in words. */
function PanelTimeNote({ options }: { options: TimeOptions }) {
  const span = panelSpan(options);
  if (!hasOwnTime(options) || typeof span === "string") return null;
  return (
    <p class="panel-time muted" data-testid="panel-time">
      {formatTime(fromFineMs(span.startMs))} to {formatTime(fromFineMs(span.stopMs))} UTC
    </p>
  );
}

/** Why a panel has no span, and what to do. */
function NoSpan({ options }: { options: TimeOptions }) {
  const span = panelSpan(options);
  return typeof span === "string" ? <Empty testid="panel-no-span">{span}</Empty> : null;
}

interface TimedPaneProps<Options extends TimeOptions> extends PanelProps<Options> {
  /** Why the last request failed; empty if it did not. */
  error: string;
  children: ComponentChildren;
}

export function TimedPane<Options extends TimeOptions>({ panel, options, change, error, children }: TimedPaneProps<Options>) {
  return (
    <Pane id={panel.id} tools={<PanelTimeButton options={options} change={change} />}>
      <ErrorNotice text={error} />
      <PanelTimeNote options={options} />
      <NoSpan options={options} />
      {children}
    </Pane>
  );
}
