/** The strip: density and markers over the visible span, with the cursor. */

import { useEffect, useRef } from "preact/hooks";
import { connection } from "../model/session/session";
import { countIn, countsAt, DENSITY_LANES } from "../model/timeline/density";
import { showEverything, timeAt } from "../model/timeline/gesture";
import { markersNear } from "../model/timeline/markers";
import { cursorLineMs } from "../model/timeline/scrub";
import { spanLength, visible } from "../model/timeline/span";
import { durationText } from "../model/timeline/ticks";
import { shownMarkers } from "../model/timeline/shown_markers";
import { extent, shownTile, timelineError, timelineWidth } from "../model/timeline/timeline_data";
import { formatTime, fromFineMs } from "../model/values/time";
import { attachStrip, hoverX } from "./strip";

/** The pointer hits a marker within this distance, in pixels. */
const NEAR_PX = 6;
const TIP_PX = 230;
/** Most markers in the list for screen readers. */
const LISTED_MAX = 1_000;

export function TimelineStrip() {
  const host = useRef<HTMLDivElement>(null);
  const scene = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (host.current === null || scene.current === null || overlay.current === null) return undefined;
    return attachStrip(host.current, scene.current, overlay.current);
  }, []);
  return (
    <div class="strip" ref={host} data-testid="strip">
      <canvas ref={scene} aria-hidden="true" />
      <Handle canvas={overlay} />
      <Marks />
      <StripMessage />
      <Tip />
    </div>
  );
}

/** The upper canvas is the cursor's handle, also for screen readers. */
function Handle({ canvas }: { canvas: { current: HTMLCanvasElement | null } }) {
  const { startMs, stopMs } = visible.value;
  return (
    <canvas
      ref={canvas}
      class="handle"
      tabIndex={0}
      role="slider"
      aria-label="Time cursor; arrow keys step from event to event"
      aria-valuemin={Math.round(startMs)}
      aria-valuemax={Math.round(stopMs)}
      aria-valuenow={Math.round(Math.min(stopMs, Math.max(startMs, cursorLineMs.value)))}
      aria-valuetext={`${formatTime(fromFineMs(cursorLineMs.value))} UTC`}
      data-testid="timeline"
      data-start={fromFineMs(startMs)}
      data-stop={fromFineMs(stopMs)}
    />
  );
}

/** The markers as text, for screen readers. */
function Marks() {
  const { startMs, stopMs } = visible.value;
  const inView = shownMarkers.value.filter(({ ms }) => ms >= startMs && ms <= stopMs);
  if (inView.length === 0) return null;
  return (
    <ul class="sr-only" aria-label="Gaps, chat, notes, commands, alarms and matches in view" data-testid="marks">
      {inView.slice(0, LISTED_MAX).map(({ ms, kind, text, state }) => (
        <li key={`${ms} ${text}`} data-kind={kind} data-state={state}>
          {formatTime(fromFineMs(ms))} {text}
        </li>
      ))}
      {inView.length > LISTED_MAX && <li>and {inView.length - LISTED_MAX} more: zoom in</li>}
    </ul>
  );
}

/** Shown in place of events: an error, an empty archive or an empty span. */
function StripMessage() {
  if (timelineError.value !== "") {
    return (
      <p class="strip-message bad" role="status" data-testid="strip-trouble">
        The events cannot be shown ({timelineError.value}); retrying.
      </p>
    );
  }
  if (extent.value === null) {
    return (
      <p class="strip-message" data-testid="strip-empty">
        The archive is empty. Publish something, for example <code>nova produce FILE --to URL --scope ID</code>, and
        it appears here.
      </p>
    );
  }
  const picture = shownTile();
  if (picture === undefined) {
    const text = connection.value === "open" ? "Loading events…" : "Not connected.";
    return <p class="strip-message">{text}</p>;
  }
  if (extent.value === undefined || countIn(picture, visible.value) > 0) return null;
  return (
    <p class="strip-message" data-testid="strip-nothing">
      No events in this span.{" "}
      <button type="button" onClick={showEverything}>
        Show everything
      </button>
    </p>
  );
}

/** The time under the pointer, with the counts and markers there. */
function Tip() {
  const x = hoverX.value;
  if (x === undefined) return null;
  const ms = timeAt(x);
  const picture = shownTile();
  const counts = picture === undefined ? undefined : countsAt(picture, ms);
  const msPerPixel = spanLength(visible.value) / Math.max(1, timelineWidth.value);
  const left = Math.min(Math.max(0, x + 14), Math.max(0, timelineWidth.value - TIP_PX));
  return (
    <div class="tip" style={{ left: `${left}px` }} data-testid="tip">
      <strong>{formatTime(fromFineMs(ms))}</strong>
      {counts !== undefined && picture !== undefined && (
        <>
          {DENSITY_LANES.filter((lane) => counts[lane] > 0).map((lane) => (
            <span key={lane} class="count">
              <i class={`swatch ${lane}`} />
              {lane} {counts[lane].toLocaleString("en")}
            </span>
          ))}
          <span class="muted">in {durationText(picture.bucketMs)}</span>
        </>
      )}
      {markersNear(shownMarkers.value, ms, msPerPixel * NEAR_PX)
        .slice(0, 3)
        .map((marker) => (
          <span key={`${marker.ms} ${marker.text}`} class={`marked ${marker.state ?? ""}`}>
            {marker.text}
          </span>
        ))}
    </div>
  );
}
