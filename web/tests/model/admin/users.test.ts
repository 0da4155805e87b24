/** Changes of users: what is asked, what the list shows then, and secrets that are shown once. */

import { beforeEach, expect, test, vi } from "vitest";
import type { UserInfo } from "../../../src/api/protocol";

const asked = vi.hoisted(() => ({ all: [] as unknown[], reply: {} as unknown }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: unknown) => {
      asked.all.push(message);
      return asked.reply instanceof Error ? Promise.reject(asked.reply) : Promise.resolve(asked.reply);
    },
  });
});
vi.stubGlobal("document", { activeElement: null, getElementById: () => null });

const { adminDialog, closeAtSessionEnd, openDialog } = await import("../../../src/model/admin/admin_dialog");
const model = await import("../../../src/model/admin/users");

const ANN: UserInfo = { username: "ann", role: "admin", enabled: true, created: "2026-01-01T00:00:00Z" };
const CAY: UserInfo = { ...ANN, username: "cay", role: "viewer" };
const BOB: UserInfo = { ...ANN, username: "bob", role: "operator" };

function names(): string[] {
  return (model.users.value ?? []).map(({ username }) => username);
}

beforeEach(() => {
  asked.all = [];
  model.users.value = [ANN, CAY];
  model.usersError.value = "";
  adminDialog.value = null;
});

test("a new user stands in the list by name, and the generated password is shown", async () => {
  asked.reply = { user: BOB, password: "generated" };
  await model.addUser("bob", { role: "operator", scopes: ["sat1"] });
  expect(asked.all).toEqual([{ type: "addUser", username: "bob", role: "operator", scopes: ["sat1"] }]);
  expect(names()).toEqual(["ann", "bob", "cay"]);
  expect(adminDialog.value).toEqual({ kind: "secret", secret: { kind: "password", name: "bob", value: "generated" } });
});

test("a secret survives the end of the session, any other dialog does not", () => {
  openDialog({ kind: "secret", secret: { kind: "password", name: "bob", value: "x" } });
  closeAtSessionEnd();
  expect(adminDialog.value?.kind).toBe("secret");
  openDialog({ kind: "addUser" });
  closeAtSessionEnd();
  expect(adminDialog.value).toBeNull();
});

test("all scopes are sent as null, which is not the same as leaving them", async () => {
  asked.reply = { user: { ...CAY, role: "operator" } };
  await model.changeUser("cay", { role: "operator", scopes: null });
  expect(asked.all).toEqual([{ type: "changeUser", username: "cay", role: "operator", scopes: null }]);
  expect(model.users.value?.[1]?.role).toBe("operator");
});

test("a deleted user leaves the list", async () => {
  asked.reply = {};
  await model.deleteUser("cay");
  expect(names()).toEqual(["ann"]);
});

test("a refusal is thrown to the dialog in the server's words, and changes nothing", async () => {
  asked.reply = new Error("there must be an enabled admin: add or enable another first");
  await expect(model.setEnabled("ann", false)).rejects.toThrow("there must be an enabled admin");
  expect(names()).toEqual(["ann", "cay"]);
});

test("disabling asks first, enabling does not; its error stands over the list", async () => {
  model.toggleEnabled(ANN);
  expect(adminDialog.value).toEqual({ kind: "disableUser", user: ANN });
  expect(asked.all).toEqual([]);
  asked.reply = new Error("there is no user 'cay'");
  await model.enableUser("cay");
  expect(asked.all).toEqual([{ type: "changeUser", username: "cay", enabled: true }]);
  expect(model.usersError.value).toBe("there is no user 'cay'");
});

test("a list that cannot be loaded says why", async () => {
  asked.reply = new Error("not connected");
  await model.refreshUsers();
  expect(model.usersError.value).toBe("not connected");
  asked.reply = { users: [BOB] };
  await model.refreshUsers();
  expect([names(), model.usersError.value]).toEqual([["bob"], ""]);
});
