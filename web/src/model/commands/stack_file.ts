/** Stacks of commands as JSON, for storage and export; validated when they are read. */

import { expectArray, expectObject, parseJson } from "../values/json_check";
import type { PreparedCommand } from "./command_catalog";

export const STACK_MAX_COMMANDS = 200;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TYPE = /^[A-Za-z0-9_.:-]{1,128}$/;

/** The stack as the text of a file. */
export function stackText(commands: readonly PreparedCommand[]): string {
  const plain = commands.map(({ scopeId, systemId, containerId, uniqueId, commandType, payload }) => ({
    ...{ scopeId, systemId, containerId, uniqueId, commandType, payload },
  }));
  return `${JSON.stringify({ version: 1, commands: plain }, null, 2)}\n`;
}

/** The commands in JSON text; throws an Error that names the place and the rule. */
export function parseStack(text: string): PreparedCommand[] {
  return parseCommands(parseJson(text));
}

/** The commands of a JSON value; throws an Error that names the place and the rule. */
export function parseCommands(value: unknown): PreparedCommand[] {
  const found = expectObject(value, "A stack");
  if (found["version"] !== 1) throw new Error("version: this NOVA reads stacks of version 1.");
  const commands = expectArray(found["commands"], "commands");
  if (commands.length > STACK_MAX_COMMANDS) {
    throw new Error(`commands: at most ${STACK_MAX_COMMANDS}, not ${commands.length}.`);
  }
  return commands.map((one, index) => parseCommand(one, `commands[${index}]`));
}

function parseCommand(value: unknown, name: string): PreparedCommand {
  const found = expectObject(value, name);
  const id = (member: string) => expectMatch(found[member], `${name}.${member}`, ID, "an id: letters, digits, _ and -");
  return {
    scopeId: id("scopeId"),
    systemId: id("systemId"),
    containerId: id("containerId"),
    uniqueId: id("uniqueId"),
    commandType: expectMatch(found["commandType"], `${name}.commandType`, TYPE, "a name: letters, digits, _ . : and -"),
    payload: expectObject(found["payload"] ?? {}, `${name}.payload`),
  };
}

function expectMatch(value: unknown, name: string, pattern: RegExp, rule: string): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Error(`${name}: must be ${rule}.`);
  return value;
}
