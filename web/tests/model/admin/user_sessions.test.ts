/** The sessions of a user: the newest request wins, and ending one lists them again. */

import { expect, test, vi } from "vitest";

const world = vi.hoisted(() => ({ asked: [] as { type: string }[], answers: [] as (() => Promise<unknown>)[] }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: { type: string }) => {
      world.asked.push(message);
      return world.answers.shift()?.() ?? Promise.reject(new Error("not connected"));
    },
  });
});

const model = await import("../../../src/model/admin/user_sessions");

function listing(...ids: string[]): () => Promise<unknown> {
  return () => Promise.resolve({ sessions: ids.map((session) => ({ session, started: "", lastUsed: "" })) });
}

function shown(): string[] | undefined {
  return model.userSessions.value?.map(({ session }) => session);
}

test("an ended session leaves the list", async () => {
  world.answers = [listing("a", "b"), () => Promise.resolve({}), listing("b")];
  await model.showUserSessions("ann");
  expect(shown()).toEqual(["a", "b"]);
  await model.endUserSession("ann", "a");
  expect(world.asked.at(-2)).toEqual({ type: "endUserSession", username: "ann", session: "a" });
  expect(shown()).toEqual(["b"]);
});

test("a late list of another user is ignored, and an error is shown", async () => {
  let answer = (_: unknown) => undefined as void;
  world.answers = [() => new Promise((resolve) => (answer = resolve)), listing("of bob")];
  const late = model.showUserSessions("ann");
  await model.showUserSessions("bob");
  answer({ sessions: [{ session: "of ann", started: "", lastUsed: "" }] });
  await late;
  expect(shown()).toEqual(["of bob"]);
  await model.endUserSession("bob", "gone");
  expect(model.userSessionsError.value).toBe("not connected");
});
