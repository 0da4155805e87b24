/** The open dialog of the admin page, at most one, and the element that has the focus after it. */

import { signal } from "@preact/signals";
import type { KeyInfo, UserInfo } from "../../api/protocol";
import { scheduler } from "../../scheduler";

/** A password or key that the server has generated. It is shown once and stored nowhere. */
export interface GeneratedSecret {
  readonly kind: "password" | "key";
  readonly name: string;
  readonly value: string;
}

export type AdminDialog =
  | { readonly kind: "addUser" }
  | { readonly kind: "editUser"; readonly user: UserInfo }
  | { readonly kind: "disableUser"; readonly user: UserInfo }
  | { readonly kind: "resetPassword"; readonly user: UserInfo }
  | { readonly kind: "deleteUser"; readonly user: UserInfo }
  | { readonly kind: "userSessions"; readonly user: UserInfo }
  | { readonly kind: "addKey" }
  | { readonly kind: "revokeKey"; readonly key: KeyInfo }
  | { readonly kind: "releaseAccount"; readonly username: string }
  | { readonly kind: "secret"; readonly secret: GeneratedSecret };

/** The id of the element that takes the focus if the opener is gone, as after a deletion. */
export const SECTION_TITLE_ID = "section-title";

export const adminDialog = signal<AdminDialog | null>(null);

let opener: Element | null = null;

/** Open a dialog, in place of the one that is open. */
export function openDialog(dialog: AdminDialog): void {
  if (adminDialog.value === null) opener = document.activeElement;
  adminDialog.value = dialog;
}

/** Close the dialog and give the focus back. */
export function closeDialog(): void {
  adminDialog.value = null;
  scheduler.nextFrame(() => {
    if (adminDialog.value !== null) return;
    const target = opener?.isConnected === true ? opener : document.getElementById(SECTION_TITLE_ID);
    (target as HTMLElement | null)?.focus();
  });
}

/** Show a generated secret; without one, close the dialog. */
export function showSecret(kind: GeneratedSecret["kind"], name: string, value: string | null | undefined): void {
  if (value == null) closeDialog();
  else openDialog({ kind: "secret", secret: { kind, name, value } });
}

/** Close what a session leaves open at its end, except for a secret: it cannot be shown again. */
export function closeAtSessionEnd(): void {
  if (adminDialog.value?.kind !== "secret") adminDialog.value = null;
}
