/** The processes of the instance, as its supervisor reports them. */

import type { ProcessInfo } from "../../api/protocol";

/** What people miss while a process is away. */
const LOSSES: Readonly<Record<string, string>> = {
  writer: "nothing new is stored",
  sampler: "plots over long spans may be behind",
  files: "no daily files are written",
};

/** The banner's text about the first process that hangs or is being restarted; undefined if all run. */
export function processesText(processes: readonly ProcessInfo[]): string | undefined {
  const away = processes.find((one) => one.state === "hung" || one.state === "restarting");
  if (away === undefined) return undefined;
  const state = away.state === "hung" ? "does not answer" : "is being restarted";
  const loss = LOSSES[away.name];
  return `The process “${away.name}” ${state}${loss === undefined ? "" : `: ${loss}`}.`;
}
