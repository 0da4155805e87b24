/** Stacks of commands as JSON: what is kept and exported, and checked when it comes back. */

import type { Prepared } from "./abilities";
import { array, jsonOf, object } from "./json_file";

export const STACK_MAX_COMMANDS = 200;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TYPE = /^[A-Za-z0-9_.:-]{1,128}$/;

/** The stack as a file's text. */
export function stackText(commands: readonly Prepared[]): string {
  const plain = commands.map(({ scopeId, systemId, containerId, uniqueId, commandType, payload }) => ({
    ...{ scopeId, systemId, containerId, uniqueId, commandType, payload },
  }));
  return `${JSON.stringify({ version: 1, commands: plain }, null, 2)}\n`;
}

/** The commands that JSON text holds; throws an Error that says what is wrong with it. */
export function parseStack(text: string): Prepared[] {
  return stackOf(jsonOf(text));
}

/** The commands of a JSON value; throws an Error that names the place and the rule. */
export function stackOf(value: unknown): Prepared[] {
  const found = object(value, "A stack");
  if (found["version"] !== 1) throw new Error("version: this NOVA reads stacks of version 1.");
  const commands = array(found["commands"], "commands");
  if (commands.length > STACK_MAX_COMMANDS) {
    throw new Error(`commands: at most ${STACK_MAX_COMMANDS}, not ${commands.length}.`);
  }
  return commands.map((one, index) => preparedOf(one, `commands[${index}]`));
}

function preparedOf(value: unknown, name: string): Prepared {
  const found = object(value, name);
  const id = (member: string) => matching(found[member], `${name}.${member}`, ID, "an id: letters, digits, _ and -");
  return {
    scopeId: id("scopeId"),
    systemId: id("systemId"),
    containerId: id("containerId"),
    uniqueId: id("uniqueId"),
    commandType: matching(found["commandType"], `${name}.commandType`, TYPE, "a name: letters, digits, _ . : and -"),
    payload: object(found["payload"] ?? {}, `${name}.payload`),
  };
}

function matching(value: unknown, name: string, pattern: RegExp, rule: string): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Error(`${name}: must be ${rule}.`);
  return value;
}
