/** Changes of API keys, and the secret that is shown once. */

import { beforeEach, expect, test, vi } from "vitest";
import type { KeyInfo } from "../../../src/api/protocol";

const asked = vi.hoisted(() => ({ all: [] as unknown[], reply: {} as unknown }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: unknown) => {
      asked.all.push(message);
      return Promise.resolve(asked.reply);
    },
  });
});
vi.stubGlobal("document", { activeElement: null, getElementById: () => null });

const { adminDialog } = await import("../../../src/model/admin/admin_dialog");
const model = await import("../../../src/model/admin/keys");

const OLD: KeyInfo = { name: "old", role: "viewer", created: "2026-01-01T00:00:00Z", createdBy: "ann" };
const NEW: KeyInfo = { ...OLD, name: "new", lanes: ["ui"] };

beforeEach(() => {
  asked.all = [];
  model.keys.value = [OLD];
});

test("a new key stands in the list without its secret, which is shown once", async () => {
  asked.reply = { key: NEW, secret: "nova_x" };
  await model.addKey({ name: "new", role: "viewer", scopes: null, lanes: ["ui"], expiresAt: null });
  expect(asked.all[0]).toMatchObject({ type: "addKey", name: "new", lanes: ["ui"], expiresAt: null });
  expect(model.keys.value).toEqual([NEW, OLD]);
  expect(JSON.stringify(model.keys.value)).not.toContain("nova_x");
  expect(adminDialog.value).toEqual({ kind: "secret", secret: { kind: "key", name: "new", value: "nova_x" } });
});

test("a revoked key leaves the list", async () => {
  asked.reply = {};
  await model.revokeKey("old");
  expect(asked.all).toEqual([{ type: "revokeKey", name: "old" }]);
  expect(model.keys.value).toEqual([]);
});

test("a key has expired from its time on; without one it does not", () => {
  const at = Date.UTC(2026, 0, 2);
  const key = { ...OLD, expiresAt: "2026-01-02T00:00:00.000000000Z" };
  expect([model.isExpired(key, at - 1), model.isExpired(key, at), model.isExpired(OLD, at)]).toEqual([false, true, false]);
});
