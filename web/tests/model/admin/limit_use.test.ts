/** Who is near a limit, from where logins are held back, and the release of an account. */

import { expect, test, vi } from "vitest";
import type { LimitsResponse } from "../../../src/api/protocol";

const asked = vi.hoisted(() => ({ all: [] as unknown[], refusal: "" }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: { type: string }) => {
      asked.all.push(message);
      if (asked.refusal !== "") return Promise.reject(new Error(asked.refusal));
      return Promise.resolve(message.type === "listLimits" ? FOUND : {});
    },
  });
});
vi.stubGlobal("document", { activeElement: null, getElementById: () => null });
vi.stubGlobal("requestAnimationFrame", () => 0);

const FOUND: LimitsResponse = { type: "limitsResponse", limits: [], uses: [], accounts: [], networks: [] };
const model = await import("../../../src/model/admin/limit_use");

test("a principal is near a limit from four fifths of it on", () => {
  const at = (used: number) => model.closeness({ principal: "ann", kind: "query", used, count: 100 });
  expect([79, 80, 99, 100].map(at)).toEqual(["within", "near", "near", "full"]);
});

test("an account is held back from some places and not from others", () => {
  const held = { username: "ann", failures: 3, othersUntil: "2026-01-01T12:30:05.000000000Z" };
  expect(model.heldFrom(held)).toEqual(["new addresses until 12:30:05"]);
  expect(model.heldFrom({ username: "ann", failures: 1 })).toEqual([]);
});

test("limits read as a rate", () => {
  expect(model.rateText({ kind: "login", count: 20, windowS: 3600 })).toBe("20 in an hour");
  expect(model.rateText({ kind: "query", count: 60_000, windowS: 60 })).toBe("60,000 in 60 s");
});

test("a release is followed by what holds then, and a refusal is thrown", async () => {
  await model.releaseAccount("ann");
  expect(asked.all).toEqual([{ type: "releaseAccount", username: "ann" }, { type: "listLimits" }]);
  expect(model.limitUse.value).toBe(FOUND);
  asked.refusal = "there is no user 'ann'";
  await expect(model.releaseAccount("ann")).rejects.toThrow("no user");
  await model.refreshLimits();
  expect(model.limitsError.value).toContain("no user");
});
