/** Displays as JSON, for storage and files; checked when they are read. */

import { firstLayoutOf, layoutJson, pageLayoutOf, type Reading } from "../layout/layout_file";
import { expectArray, expectName, expectObject, expectOnly, expectText, parseJson } from "../values/json_check";
import { type Display, type DisplayPage, NAME_MAX_CHARS, onePage, PAGES_MAX } from "./display";

/** The name of a display that was read from a file of a layout, which has none. */
export const LAYOUT_NAME = "Layout";

/** The display in the text of a file, also in that of a layout alone; throws an Error that names the place and the rule. */
export function parseDisplay(text: string): Display {
  const value = parseJson(text);
  const found = expectObject(value, "A display");
  return "pages" in found ? displayOf(value, "refuse") : onePage(LAYOUT_NAME, firstLayoutOf(value));
}

/** The display of a JSON value; throws an Error that names the place and the rule. */
export function displayOf(value: unknown, reading: Reading): Display {
  const found = expectObject(value, "A display");
  if (found["version"] !== 1) throw new Error("version: this NOVA reads displays of version 1.");
  expectOnly(found, ["version", "name", "pages"], "A display");
  const pages = expectArray(found["pages"], "pages");
  if (pages.length === 0 || pages.length > PAGES_MAX) {
    throw new Error(`pages: 1 to ${PAGES_MAX} are allowed, not ${pages.length}.`);
  }
  return {
    version: 1,
    name: nameOf(found, "name", reading),
    pages: pages.map((page, at) => pageOf(page, `pages[${at}]`, reading)),
  };
}

/** A display as JSON. */
export function displayJson({ version, name, pages }: Display): Display {
  return { version, name, pages: pages.map((page) => ({ name: page.name, ...layoutJson(page) })) };
}

/** A display as the text of a file. */
export function displayText(display: Display): string {
  return `${JSON.stringify(displayJson(display), null, 2)}\n`;
}

/** Names of what is stored are kept: earlier versions stored others too. */
function nameOf(found: Record<string, unknown>, name: string, reading: Reading): string {
  return (reading === "refuse" ? expectName : expectText)(found["name"], name, NAME_MAX_CHARS);
}

function pageOf(value: unknown, name: string, reading: Reading): DisplayPage {
  const found = expectObject(value, name);
  expectOnly(found, ["name", "columns", "hidden"], name);
  return { name: nameOf(found, `${name}.name`, reading), ...pageLayoutOf(found, `${name}.`, reading) };
}
