/**
 * The first view: the entities and the newest values of one. What it does not need is loaded and requested
 * after it, unless the address is a link, which may name anything.
 */

import { computed, effect, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { entities, entitiesError, selectedEntity } from "../entities/entities";
import { latestError, latestPending } from "../entities/latest";

/** After this long the rest is loaded even without values. */
const WAIT_MAX_MS = 10_000;

const isLink = signal(false);
const isOverdue = signal(false);
const hasFailed = computed(() => entitiesError.value !== "" || latestError.value !== "");
const hasValues = computed(() => selectedEntity.value !== null && !latestPending.value);
const isEmpty = computed(() => entities.value?.length === 0);
let wasShown = false;

/** Whether the first values are there, or none are to be had. It stays true. */
export const isFirstViewShown = computed(() => {
  wasShown ||= isLink.value || isOverdue.value || hasValues.value || isEmpty.value || hasFailed.value;
  return wasShown;
});
/** Whether the models of all panels follow the clock. */
export const arePanelsStarted = signal(false);

/** Begin to wait, with the address that the page is opened at. */
export function startFirstView(hash: string): void {
  isLink.value = hash !== "";
  scheduler.after(WAIT_MAX_MS, () => (isOverdue.value = true));
}

/** Resolves when requests can be made: those of a link need the models of all panels. */
export function untilLinkCanOpen(): Promise<void> {
  return isLink.value ? until(() => arePanelsStarted.value) : Promise.resolve();
}

/** Resolves with the first view. */
export function untilFirstView(): Promise<void> {
  return until(() => isFirstViewShown.value);
}

function until(isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (isTrue()) queueMicrotask(() => (stop(), resolve()));
    });
  });
}
