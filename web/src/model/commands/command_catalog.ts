/** The commands of an entity: the actions of its cards' manifests, and those its descriptor allows. */

import type { Action } from "../../api/protocol";
import { cards } from "../cards/cards";
import { entities } from "../entities/entities";
import { status } from "../session/session";
import { type Entity, entityKey } from "../values/event";
import { type CommandPayload, payloadProblem } from "./command_form";

const CAPABILITY_PREFIX = "command:";

/** A command with its arguments, ready to be sent. */
export interface PreparedCommand extends Entity {
  readonly commandType: string;
  readonly payload: CommandPayload;
}

/** An action, and why it cannot be sent; empty if it can. */
export interface CatalogEntry {
  readonly action: Action;
  /** Whether a manifest describes its arguments. */
  readonly hasManifest: boolean;
  readonly reason: string;
}

/** All commands of an entity, the actions of its cards first. */
export function catalogOf(entity: Entity): readonly CatalogEntry[] {
  const actions = actionsOf(entity);
  const known = new Set(actions.map(({ commandType }) => commandType));
  const others = [...(allowedCommandTypes(entity) ?? [])].filter((type) => !known.has(type));
  return [
    ...actions.map((action) => ({ action, hasManifest: true, reason: reasonNotAllowed(entity, action.commandType) })),
    ...others.map((type) => ({ action: { commandType: type, title: type }, hasManifest: false, reason: "" })),
  ];
}

/** The actions that the cards of an entity offer. */
export function actionsOf(entity: Entity): readonly Action[] {
  const prefix = `${entityKey(entity)} `;
  const found = new Map<string, Action>();
  for (const [id, card] of cards.value) {
    // Of no other card: an update of it would list the actions again.
    if (!id.startsWith(prefix) || entityKey(card.value.view) !== entityKey(entity)) continue;
    for (const action of card.value.manifest?.actions ?? []) {
      if (!found.has(action.commandType)) found.set(action.commandType, action);
    }
  }
  return [...found.values()];
}

/** The action of a prepared command; undefined if no card offers it. */
export function actionOf(of: Pick<PreparedCommand, keyof Entity | "commandType">): Action | undefined {
  return actionsOf(of).find(({ commandType }) => commandType === of.commandType);
}

/** Why a command is not allowed for an entity; empty if it is. */
export function reasonNotAllowed(entity: Entity, commandType: string): string {
  const allowed = allowedCommandTypes(entity);
  if (allowed === undefined) {
    if (status.value?.commandsRequireDescriptor === false) return "";
    return `${entity.uniqueId} has no descriptor that allows commands.`;
  }
  if (allowed.has(commandType)) return "";
  return `${entity.uniqueId} does not accept this command: its descriptor has no capability ${CAPABILITY_PREFIX}${commandType}.`;
}

/** Why a prepared command would be refused; empty if it is valid. */
export function reasonInvalid(of: PreparedCommand): string {
  const reason = reasonNotAllowed(of, of.commandType);
  if (reason !== "") return reason;
  const action = actionOf(of);
  return action === undefined ? "" : payloadProblem(action, of.payload);
}

/** The commandTypes that the current descriptor allows; undefined if there is no descriptor. */
function allowedCommandTypes(entity: Entity): ReadonlySet<string> | undefined {
  const key = entityKey(entity);
  const found = entities.value?.find((one) => entityKey(one) === key)?.descriptor;
  if (found == null) return undefined;
  const names = found.capabilities.filter((one) => one.startsWith(CAPABILITY_PREFIX));
  return new Set(names.map((one) => one.slice(CAPABILITY_PREFIX.length)));
}
