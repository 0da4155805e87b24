/** The export dialog: settings, progress and download. */

import { timebase } from "../model/clock/clock";
import { selectedEntity } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { ALL_LANES } from "../model/entities/entity_tree";
import {
  driversError,
  exportDriver,
  exportDrivers,
  exportLanes,
  exportOpen,
  exportRange,
  type ExportRange,
  exportRefusal,
  exportSelectedOnly,
  exportSpan,
  isExporting,
  refreshDrivers,
  startExport,
} from "../model/exports/export_status";
import { selection } from "../model/timeline/span";
import { formatTime } from "../model/values/time";
import { ExportJob } from "./ExportJob";
import { useScreenModal } from "./modal";
import "../exports.css";

const RANGES: Readonly<Record<ExportRange, string>> = {
  selection: "the selection",
  visible: "the visible span",
  all: "the whole archive",
};

export function ExportDialog() {
  return exportOpen.value ? <Dialog /> : null;
}

function Dialog() {
  const close = () => (exportOpen.value = false);
  const modal = useScreenModal(close);
  return (
    <dialog
      {...modal}
      class="export"
      aria-labelledby="export-title"
      data-testid="export"
    >
      <h2 id="export-title">Export</h2>
      <form
        class="export-form"
        onSubmit={(event) => {
          event.preventDefault();
          void startExport();
        }}
      >
        <fieldset disabled={isExporting.value}>
          <RangeChoice />
          <LaneChoice />
          <EntityChoice />
          <DriverChoice />
        </fieldset>
        <ExportJob />
        {exportRefusal.value !== "" && (
          <p class="muted why" id="export-reason" data-testid="export-reason">
            {exportRefusal.value}
          </p>
        )}
        <div class="confirm-buttons">
          <button type="button" onClick={close}>
            Close
          </button>
          <button
            type="submit"
            class="primary"
            disabled={exportRefusal.value !== "" || isExporting.value}
            aria-describedby={exportRefusal.value === "" ? undefined : "export-reason"}
            data-testid="export-start"
          >
            Export
          </button>
        </div>
      </form>
    </dialog>
  );
}

function RangeChoice() {
  const { startTime, stopTime } = exportSpan.value;
  return (
    <div class="export-row">
      <label for="export-range">Times</label>
      <select
        id="export-range"
        data-testid="export-range"
        value={exportRange.value}
        onChange={(event) => (exportRange.value = event.currentTarget.value as ExportRange)}
      >
        {(Object.keys(RANGES) as ExportRange[]).map((one) => (
          <option key={one} value={one} disabled={one === "selection" && selection.value === null}>
            {RANGES[one]}
          </option>
        ))}
      </select>
      <p class="muted export-span" data-testid="export-span">
        {startTime == null || stopTime == null ? "from the first event to the last" : `${formatTime(startTime)} – ${formatTime(stopTime)} UTC`},
        by {timebase.value === "source" ? "source time" : "receive time"}
      </p>
    </div>
  );
}

function LaneChoice() {
  const toggle = (lane: (typeof ALL_LANES)[number]) => {
    const next = new Set(exportLanes.value);
    if (!next.delete(lane)) next.add(lane);
    exportLanes.value = next;
  };
  return (
    <div class="export-row" role="group" aria-label="Lanes of the export">
      <span>Lanes</span>
      <div class="chips">
        {ALL_LANES.map((lane) => (
          <button
            key={lane}
            type="button"
            class={`chip-lane ${lane}`}
            aria-pressed={exportLanes.value.has(lane)}
            data-testid={`export-lane-${lane}`}
            onClick={() => toggle(lane)}
          >
            {lane}
          </button>
        ))}
        {exportLanes.value.size === 0 && <span class="muted">all</span>}
      </div>
    </div>
  );
}

function EntityChoice() {
  const entity = selectedEntity.value;
  return (
    <div class="export-row">
      <label for="export-entity">Entities</label>
      <select
        id="export-entity"
        data-testid="export-entity"
        value={exportSelectedOnly.value ? "chosen" : "all"}
        onChange={(event) => (exportSelectedOnly.value = event.currentTarget.value === "chosen")}
      >
        <option value="all">all entities</option>
        {entity !== null && <option value="chosen">{entityName(entity)}</option>}
      </select>
    </div>
  );
}

function DriverChoice() {
  return (
    <div class="export-row">
      <label for="export-driver">Driver</label>
      <select
        id="export-driver"
        data-testid="export-driver"
        value={exportDriver.value}
        onChange={(event) => (exportDriver.value = event.currentTarget.value)}
      >
        <option value="">the drivers bound to the streams</option>
        {(exportDrivers.value ?? []).map(({ driver, lanes }) => (
          <option key={driver} value={driver}>
            {driver} ({lanes.join(", ")})
          </option>
        ))}
      </select>
      {driversError.value !== "" && (
        <p class="form-problem export-span">
          The list of drivers was not loaded: {driversError.value}.{" "}
          <button type="button" onClick={() => void refreshDrivers()}>
            Retry
          </button>
        </p>
      )}
    </div>
  );
}
