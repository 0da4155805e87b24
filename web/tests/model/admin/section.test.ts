/** The address's hash names the section. */

import { expect, test, vi } from "vitest";
import { adminSection, followAddress, sectionOf } from "../../../src/model/admin/section";

test("an unknown hash shows the users", () => {
  expect(sectionOf("#audit")).toBe("audit");
  expect(sectionOf("#keys")).toBe("keys");
  expect(sectionOf("")).toBe("users");
  expect(sectionOf("#t=2026-01-01")).toBe("users");
});

test("the section follows the address", () => {
  let changed = () => undefined as void;
  const address = { hash: "#keys" };
  vi.stubGlobal("location", address);
  vi.stubGlobal("addEventListener", (_: string, listener: () => void) => (changed = listener));
  followAddress();
  expect(adminSection.value).toBe("keys");
  address.hash = "#audit";
  changed();
  expect(adminSection.value).toBe("audit");
});
