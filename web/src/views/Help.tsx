/** The keyboard shortcuts, mouse gestures, and the words of the screen. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { SHORTCUTS } from "./shortcuts";

const MOUSE: readonly [string, string][] = [
  ["click", "go there"],
  ["drag cursor, axis", "scrub"],
  ["drag", "pan"],
  ["wheel, pinch", "zoom around the pointer"],
  ["Shift drag", "select a range"],
  ["double click", "show everything"],
];

/** NOVA's words beside those of other systems. */
const WORDS: readonly [string, string][] = [
  ["entity", "what is observed and commanded, by scope, system, container and unit"],
  ["field", "a parameter: a value of a message or a card, by its name"],
  ["frame", "a packet or line as it was received, on the lane raw; what is decoded of it is on the lane parsed"],
  ["command", "a telecommand, with its progress and result"],
  ["alarm", "a limit that is exceeded, or a rule that holds, until it clears and is acknowledged"],
  ["card", "all values of one view of an entity, as its manifest lays them out"],
  ["shield", "a card at a glance: its status, its key values and their age"],
  ["recording", "a pass or contact: a stretch of telemetry between silences, which people may name"],
];

export function Help({ close }: { close: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
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
        <h2>Words</h2>
        <dl class="keys words" data-testid="help-words">
          {WORDS.map(([word, meaning]) => (
            <div key={word}>
              <dt>
                <strong>{word}</strong>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
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
