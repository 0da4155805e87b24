/** JSON with members that fold; the complete value is also available as text. */

import { useState } from "preact/hooks";
import { ExactNumber, formatExact } from "../model/values/exact_json";

/** Long lists are shown in parts of this many members. */
const PART_MEMBERS = 200;
/** Objects deeper than this are folded at first. */
const OPEN_DEPTH = 3;

export function JsonView({ value }: { value: unknown }) {
  return (
    <div class="json" data-testid="json-view">
      <Node value={value} depth={0} />
    </div>
  );
}

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const label = name === undefined ? null : <span class="json-name">{name}: </span>;
  if (value === null || typeof value !== "object" || value instanceof ExactNumber) {
    return (
      <div class="json-leaf">
        {label}
        <span class={`json-${kindOf(value)}`}>{formatExact(value)}</span>
      </div>
    );
  }
  const isList = Array.isArray(value);
  const members = Object.entries(value);
  const size = isList ? `[${members.length}]` : `{${members.length}}`;
  return (
    <details open={depth < OPEN_DEPTH}>
      <summary>
        {label}
        <span class="muted">{size}</span>
      </summary>
      <Members members={members} depth={depth + 1} />
    </details>
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return value instanceof ExactNumber ? "number" : typeof value;
}

function Members({ members, depth }: { members: [string, unknown][]; depth: number }) {
  const [count, setCount] = useState(PART_MEMBERS);
  const left = members.length - count;
  return (
    <div class="json-members">
      {members.slice(0, count).map(([name, value]) => (
        <Node key={name} name={name} value={value} depth={depth} />
      ))}
      {left > 0 && (
        <button type="button" onClick={() => setCount(count + PART_MEMBERS)}>
          {left.toLocaleString("en")} more
        </button>
      )}
    </div>
  );
}
