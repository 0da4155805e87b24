/** The section of the admin page that is shown. The address's hash names it, so that it can be linked. */

import { signal } from "@preact/signals";

export const SECTIONS = ["users", "keys", "limits", "audit"] as const;
export type AdminSection = (typeof SECTIONS)[number];

export const adminSection = signal<AdminSection>("users");

/** The section that a hash names; the first if it names none. */
export function sectionOf(hash: string): AdminSection {
  return SECTIONS.find((section) => `#${section}` === hash) ?? SECTIONS[0];
}

/** Show what the address names, now and whenever it changes. */
export function followAddress(): void {
  const follow = () => (adminSection.value = sectionOf(location.hash));
  addEventListener("hashchange", follow);
  follow();
}
