/** Names recordings: each name is a note with a title about a range, so it has an author and is replaced or withdrawn. */

import { computed, signal } from "@preact/signals";
import { timebase } from "../clock/clock";
import { chatScope } from "../events/chat";
import type { Note } from "../notes/note_fold";
import { sendNote } from "../notes/note_form";
import { refusalTo } from "../session/permission";
import { ownName, type Recording } from "./recording_names";
import { recordingSource } from "./recordings";

export const isSavingName = signal(false);
/** Why the last name was not saved. */
export const nameError = signal("");
/** Why no name can be saved now; empty if one can. */
export const nameRefusal = computed(() => refusalTo("save names"));

/** Name a recording, or name it anew by its present ends; returns whether that is recorded. */
export function saveName(recording: Recording, title: string): Promise<boolean> {
  const { from, to } = recording;
  const [former, source] = [ownName(recording), recordingSource.value];
  const entity = former === undefined ? (source?.entity ?? null) : former.entity;
  return send({
    scopeId: former?.scopeId ?? source?.scopeId ?? chatScope.value,
    title: title.trim(),
    timebase: timebase.value,
    fromTime: from,
    toTime: to,
    ...(entity === null ? {} : { systemId: entity.systemId, containerId: entity.containerId, uniqueId: entity.uniqueId }),
    ...(former === undefined ? {} : { replaces: former.id, ...(former.text === "" ? {} : { text: former.text }) }),
  });
}

/** Withdraw a name, with the note that it is part of. */
export function withdrawName(name: Note): Promise<boolean> {
  return send({ scopeId: name.scopeId, replaces: name.id });
}

async function send(members: { scopeId: string; [member: string]: unknown }): Promise<boolean> {
  if (isSavingName.value || nameRefusal.value !== "" || members.scopeId === "") return false;
  isSavingName.value = true;
  try {
    await sendNote(members);
    nameError.value = "";
    return true;
  } catch (error) {
    nameError.value = `The name may not have been saved: ${(error as Error).message}.`;
    return false;
  } finally {
    isSavingName.value = false;
  }
}
