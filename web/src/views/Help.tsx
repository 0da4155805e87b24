/** The keyboard shortcuts and mouse gestures. */

import { useEffect, useRef } from "preact/hooks";
import { SHORTCUTS } from "./shortcuts";

const MOUSE: readonly [string, string][] = [
  ["click", "go there"],
  ["drag cursor, axis", "scrub"],
  ["drag", "pan"],
  ["wheel, pinch", "zoom around the pointer"],
  ["Shift drag", "select a range"],
  ["double click", "show everything"],
];

export function Help({ close }: { close: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    button.current?.focus();
    return () => before?.focus();
  }, []);
  return (
    <div class="overlay" role="dialog" aria-modal="true" aria-label="Keyboard shortcuts" data-testid="help">
      <div class="card help">
        <h2>Keyboard</h2>
        <Keys rows={SHORTCUTS.map(({ name, what }) => [name, what])} />
        <h2>On the timeline</h2>
        <Keys rows={MOUSE} />
        <button type="button" ref={button} onClick={close}>
          Close
        </button>
      </div>
    </div>
  );
}

function Keys({ rows }: { rows: readonly (readonly [string, string])[] }) {
  return (
    <dl class="keys">
      {rows.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
