import { expect, test } from "vitest";
import { processesText } from "../../../src/model/session/processes";

test("the banner names the process that does not answer, and what people miss", () => {
  const ready = { name: "reader", state: "ready" } as const;
  expect(processesText([])).toBeUndefined();
  expect(processesText([ready, { name: "sampler" }])).toBeUndefined();
  expect(processesText([ready, { name: "sampler", state: "hung" }])).toBe(
    "The process “sampler” does not answer: plots over long spans may be behind.",
  );
  expect(processesText([{ name: "satellite", state: "restarting" }, ready])).toBe(
    "The process “satellite” is being restarted.",
  );
});
