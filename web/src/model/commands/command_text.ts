/** Arguments of a command as text: titles, labels and units of the manifest. */

import type { Action } from "../../api/protocol";
import { formatValue, keyUnit } from "../values/format";
import type { CommandPayload } from "./command_form";

/** Each argument of the payload, under its title. */
export function argumentTexts(action: Action, payload: CommandPayload): [string, string][] {
  return Object.entries(payload).map(([name, value]) => {
    const spec = action.arguments?.[name] ?? { type: "any" as const };
    const unit = keyUnit(name, spec);
    return [spec.title ?? name, `${formatValue(value, spec)}${unit === "" ? "" : ` ${unit}`}`];
  });
}
