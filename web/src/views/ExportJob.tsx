/** The current export: progress, error or download. */

import {
  cancelExport,
  downloadError,
  downloadExport,
  exportStatus,
  type ExportStatus,
} from "../model/exports/export_status";
import { formatTime } from "../model/values/time";

const BYTES: readonly [number, string][] = [
  [1024 ** 3, "GiB"],
  [1024 ** 2, "MiB"],
  [1024, "KiB"],
];

export function ExportJob() {
  const now = exportStatus.value;
  if (now === null) return null;
  return (
    <div class={`export-job ${now.phase}`} role="status" data-testid="export-job" data-phase={now.phase}>
      {(now.phase === "starting" || now.phase === "running") && <RunningExport now={now} />}
      {now.phase === "cancelled" && <p>Export cancelled; partial files removed.</p>}
      {now.phase === "failed" && <p class="form-problem">Export failed: {now.message}. Partial files removed.</p>}
      {now.phase === "complete" && <CompleteExport now={now} />}
    </div>
  );
}

function RunningExport({ now }: { now: ExportStatus }) {
  const isKnown = now.total > 0;
  const share = isKnown ? Math.min(1, now.done / now.total) : undefined;
  return (
    <>
      <progress
        class="command-bar"
        max={1}
        aria-label="Progress of the export"
        data-testid="export-progress"
        {...(share === undefined ? {} : { value: share })}
      />
      <div class="export-line">
        <span class="muted">
          {isKnown ? `${now.done.toLocaleString("en")} of about ${now.total.toLocaleString("en")} events` : "Counting events…"}
          {now.etaS === undefined ? "" : `, about ${etaText(now.etaS)} left`}
          {now.message === "" ? "" : ` (${now.message})`}
        </span>
        <button type="button" disabled={now.exportId === ""} data-testid="export-cancel" onClick={() => void cancelExport()}>
          Cancel
        </button>
      </div>
    </>
  );
}

function CompleteExport({ now }: { now: ExportStatus }) {
  const made = now.complete;
  if (made === undefined) return null;
  return (
    <>
      <div class="export-line">
        <span>
          {made.events.toLocaleString("en")} events, {sizeText(made.bytes)}, available until {formatTime(made.expiresAt).slice(0, 16)} UTC
        </span>
        <button type="button" class="primary" data-testid="export-download" onClick={() => void downloadExport()}>
          Download
        </button>
      </div>
      <p class="muted export-digest" data-testid="export-digest" data-digest={made.digest}>
        digest {made.digest}
      </p>
      {made.failures > 0 && (
        <p class="warning-text">
          {made.failures === 1 ? "One stream or file is" : `${made.failures} streams or files are`} missing:
          export.json in the archive names each, with the reason.
        </p>
      )}
      {downloadError.value !== "" && <p class="form-problem">{downloadError.value}</p>}
    </>
  );
}

function etaText(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function sizeText(bytes: number): string {
  const [unit, name] = BYTES.find(([least]) => bytes >= least) ?? [1, "bytes"];
  return `${unit === 1 ? bytes : (bytes / unit).toFixed(1)} ${name}`;
}
