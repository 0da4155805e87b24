import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StatusResponse } from "../../../src/api/protocol";
import type { CommandAttempt } from "../../../src/model/commands/command_attempt";
import type { PreparedCommand } from "../../../src/model/commands/command_catalog";

interface Submitted {
  type: string;
  commandId: string;
  requestId: string;
  payload: object;
}

const world = vi.hoisted(() => ({ sent: [] as Submitted[], answer: (() => ({})) as () => object }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: async (message: Submitted) => {
      if (message.type !== "submitCommand") return {};
      world.sent.push(message);
      return world.answer();
    },
  });
});
vi.stubGlobal("document", { hidden: false });
const tabs = await import("../page/fake_tabs");

const { RequestError } = await import("../../../src/api/socket");
const { entities } = await import("../../../src/model/entities/entities");
const { role, status } = await import("../../../src/model/session/session");
const { state } = await import("../../../src/model/clock/clock");
const { commandLedger } = await import("../../../src/model/commands/command_history");
const { confirmation, commandRefusal, sendForm, sentCommandOf } = await import("../../../src/model/commands/command_panel");
const { parseStack, stackText } = await import("../../../src/model/commands/stack_file");
const { isWaitingForResults, isSent, persistStack, pushCommand, reasonStackedNotSendable, reasonNextNotSendable, removeStacked, restoredStack, sendStacked, moveStacked, stack, stackError } = await import(
  "../../../src/model/commands/command_stack"
);

const TARGET = { scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" };
const GO: PreparedCommand = { ...TARGET, commandType: "go", payload: { far: 1 } };
const ACTION = { commandType: "go", title: "Go" };

beforeEach(() => {
  [world.sent, world.answer] = [[], () => ({})];
  stack.value = [];
  confirmation.value = null;
  isWaitingForResults.value = true;
  role.value = "operator";
  state.value = "LIVE";
  status.value = null;
  commandLedger.apply([]);
  entities.value = [{ ...TARGET, series: [], descriptor: { capabilities: ["command:go"], schemaVersion: "1", effectiveTime: "" } }];
});

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}

describe("sending", () => {
  it("is refused with a reason for viewers and in a replay, before anything is sent", async () => {
    role.value = "viewer";
    expect(commandRefusal.value).toContain("Your role (viewer)");
    sendForm(GO, ACTION);
    role.value = "admin";
    for (const other of ["PAUSED", "PLAYING"] as const) {
      state.value = other;
      expect(commandRefusal.value).toContain("replay");
      sendForm(GO, ACTION);
    }
    await settled();
    expect(world.sent).toEqual([]);
  });

  it("is refused without a capability, and without a descriptor", async () => {
    sendForm({ ...GO, commandType: "stop" }, { commandType: "stop", title: "Stop" });
    entities.value = [{ ...TARGET, series: [] }];
    sendForm(GO, ACTION);
    await settled();
    expect(world.sent).toEqual([]);
  });

  it("needs no descriptor when the Core requires none; an existing one still counts", async () => {
    status.value = { commandsRequireDescriptor: false } as StatusResponse;
    sendForm({ ...GO, commandType: "stop" }, { commandType: "stop", title: "Stop" });
    await settled();
    expect(world.sent).toEqual([]);
    entities.value = [{ ...TARGET, series: [] }];
    sendForm(GO, ACTION);
    await settled();
    expect(world.sent).toHaveLength(1);
  });

  it("asks for confirmation of a critical command, and refuses it when a replay has begun meanwhile", async () => {
    sendForm(GO, { ...ACTION, critical: true });
    await settled();
    expect(world.sent).toEqual([]);
    state.value = "PAUSED";
    confirmation.value?.confirm();
    await settled();
    expect(world.sent).toEqual([]);
    state.value = "LIVE";
    confirmation.value?.confirm();
    await settled();
    expect(world.sent).toHaveLength(1);
  });

  it("retries with the same ids and arguments after a lost reply, and uses new ids otherwise", async () => {
    const phases: (string | undefined)[] = [];
    for (const code of ["timeout", "disconnected", "writerAway", undefined, "badArguments"]) {
      world.answer = () => {
        if (code === undefined) return {};
        throw new RequestError(code, code);
      };
      sendForm({ ...GO, payload: { far: world.sent.length } }, ACTION);
      await settled();
      phases.push(sentCommandOf(TARGET, ACTION)?.attempt.phase);
    }
    expect(phases).toEqual(["lost", "lost", "lost", "sent", "refused"]);
    const [first, ...others] = world.sent;
    for (const one of others.slice(0, 3)) expect(one).toEqual(first);
    expect(world.sent[4]?.requestId).not.toBe(first?.requestId);
    expect(world.sent[4]?.payload).toEqual({ far: 4 });
  });
});

describe("the stack", () => {
  function answered(commandId: string, status: "success" | "failure") {
    const time = new Date().toISOString();
    const body = { commandId, targetId: "z", commandType: "go", sourceTruthTime: time, canonicalTruthTime: time };
    const of = (messageType: string, more: object) => ({
      ...{ ...TARGET, ...body, ...more, eventId: `${messageType}${commandId}`, messageType },
      lane: "command" as const,
    });
    commandLedger.pending.value = false;
    commandLedger.apply([of("CommandRequest", { payload: {} }), of("CommandResult", { status })]);
  }

  it("can be reordered", () => {
    for (const far of [1, 2, 3]) pushCommand({ ...GO, payload: { far } });
    const ids = stack.value.map(({ id }) => id);
    moveStacked(ids[0] as string, 1);
    moveStacked(ids[0] as string, 1);
    moveStacked(ids[0] as string, 1);
    removeStacked(ids[1] as string);
    expect(stack.value.map(({ payload }) => payload)).toEqual([{ far: 3 }, { far: 1 }]);
  });

  it("sends the next command only after the result of the previous one, if so configured", async () => {
    pushCommand(GO);
    pushCommand(GO);
    const at = (index: number) => stack.value[index] as (typeof stack.value)[number];
    sendStacked(at(0));
    await settled();
    expect(isSent(at(0))).toBe(true);
    expect(reasonNextNotSendable.value).toContain("waits for the result");
    sendStacked(at(1));
    await settled();
    expect(world.sent).toHaveLength(1);
    isWaitingForResults.value = false;
    expect(reasonStackedNotSendable(at(1))).toBe("");
    isWaitingForResults.value = true;
    answered(world.sent[0]?.commandId ?? "", "failure");
    expect(reasonNextNotSendable.value).toBe("");
    sendStacked(at(1));
    await settled();
    expect(world.sent).toHaveLength(2);
    expect(reasonNextNotSendable.value).toContain("are sent");
  });

  it("is restored from storage; commands in flight have lost their reply", () => {
    const attempt: CommandAttempt = { commandId: "c", requestId: "r", phase: "sending", message: "" };
    const kept = { version: 1, isPatient: false, commands: [{ ...GO, attempt }, GO] };
    const { commands: found, isPatient } = restoredStack(JSON.parse(JSON.stringify(kept)));
    expect(isPatient).toBe(false);
    expect(found.map((one) => one.attempt?.phase)).toEqual(["lost", undefined]);
    expect(found[0]?.attempt).toMatchObject({ commandId: "c", requestId: "r" });
    for (const none of [undefined, null, 7, {}, { version: 2 }]) expect(restoredStack(none)).toEqual({ commands: [], isPatient: true });
  });

  it("is shared by the tabs of a browser: each makes its changes to what is stored", () => {
    const own = (far: number) => ({ ...GO, payload: { far }, id: `other-${far}` });
    const stored = () => tabs.stored("nova.stack.ann") as { isPatient: boolean; commands: { id: string; payload: object }[] };
    const fars = () => stack.value.map(({ payload }) => (payload as { far: number }).far);
    persistStack();
    for (const far of [1, 2, 3]) pushCommand({ ...GO, payload: { far } });
    const [first, , third] = stored().commands;
    // Another tab adds one, removes one and sends one, and this tab has not heard of it yet.
    const attempt: CommandAttempt = { commandId: "c", requestId: "r", phase: "sending", message: "" };
    tabs.store("nova.stack.ann", { version: 1, isPatient: false, commands: [own(9), { ...first, attempt }, third] });
    pushCommand({ ...GO, payload: { far: 4 } });
    expect(fars()).toEqual([9, 1, 3, 4]);
    expect([stack.value[1]?.attempt?.phase, isWaitingForResults.value]).toEqual(["sending", false]);
    expect(stored().commands.map(({ payload }) => payload)).toEqual(stack.value.map(({ payload }) => payload));
    removeStacked("other-9");
    moveStacked(third?.id ?? "", -1);
    expect(fars()).toEqual([3, 1, 4]);
    // It hears of further ones at once, and writes nothing back.
    tabs.storeInOtherTab("nova.stack.ann", { version: 1, isPatient: true, commands: [own(7)] });
    expect([fars(), isWaitingForResults.value, stored().commands.length]).toEqual([[7], true, 1]);
    tabs.store("nova.stack.ann", { version: 1, isPatient: true, commands: Array.from({ length: 200 }, (_, far) => own(far)) });
    pushCommand(GO);
    expect([stack.value.length, stored().commands.length, stackError.value]).toEqual([200, 200, expect.stringContaining("the last 1 were left out")]);
  });

  it("is exported as JSON; an invalid file is refused with the place and the rule", () => {
    expect(parseStack(stackText([GO]))).toEqual([GO]);
    const wrong: [unknown, string][] = [
      [[], "A stack"],
      [{ version: 2 }, "version"],
      [{ version: 1, commands: {} }, "commands: must be a list"],
      [{ version: 1, commands: Array.from({ length: 201 }, () => GO) }, "at most 200"],
      [{ version: 1, commands: [GO, { ...GO, uniqueId: "a b" }] }, "commands[1].uniqueId"],
      [{ version: 1, commands: [{ ...GO, commandType: "" }] }, "commands[0].commandType"],
      [{ version: 1, commands: [{ ...GO, payload: [] }] }, "commands[0].payload"],
    ];
    for (const [value, words] of wrong) expect(() => parseStack(JSON.stringify(value))).toThrow(words);
    expect(() => parseStack("{")).toThrow("not JSON");
  });
});
