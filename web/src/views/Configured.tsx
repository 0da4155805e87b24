/** Rules, definitions and notifications in effect, the faults of their files, and what each does. */

import type { ConfiguredFiles } from "../api/protocol";
import { filesHealth, inEffectText, partHealth, partText, troubledFirst } from "../model/session/configured";
import { linksNow } from "../model/session/links";
import { status } from "../model/session/session";

/** Definitions or routes that are listed. */
const PARTS_MAX = 100;

export function Configured() {
  return (
    <>
      {(status.value?.configured ?? []).map((files) => (
        <Files key={files.kind} files={files} />
      ))}
    </>
  );
}

function Files({ files }: { files: ConfiguredFiles }) {
  const parts = troubledFirst(files.parts ?? []);
  return (
    <section class="link" aria-label={files.kind} data-testid={`configured-${files.kind}`}>
      <h3>
        <span class={`dot ${filesHealth(files)}`} aria-hidden="true" />
        {inEffectText(files)}
        <code class="muted">{files.path}</code>
      </h3>
      {(files.faults ?? []).map((text) => (
        <p class="warning-text" key={text}>
          {text}
        </p>
      ))}
      {parts.slice(0, PARTS_MAX).map((part) => (
        <p key={part.name}>
          <span class={`dot ${partHealth(part)}`} aria-hidden="true" /> <code>{part.name}</code>{" "}
          <span class="muted">{partText(part, linksNow.value)}</span>
        </p>
      ))}
      {parts.length > PARTS_MAX && <p class="muted">{parts.length - PARTS_MAX} more are in `nova status`.</p>}
    </section>
  );
}
