/** Arguments of a command as people read them: titles, labels and units of the manifest. */

import type { Action } from "../api/protocol";
import type { Payload } from "./command_form";
import { readingOf, unitFor } from "./reading";

/** Each argument that is sent, by what it is called. */
export function argumentsInWords(action: Action, payload: Payload): [string, string][] {
  return Object.entries(payload).map(([name, value]) => {
    const spec = action.arguments?.[name] ?? { type: "any" as const };
    const unit = unitFor(name, spec);
    return [spec.title ?? name, `${readingOf(value, spec)}${unit === "" ? "" : ` ${unit}`}`];
  });
}
