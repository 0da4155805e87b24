/** A drawing made safe to show: without scripts, links, style sheets and anything that is fetched. */

import DOMPurify from "dompurify";

/** Properties that drawings set by `style`, which the page's security policy does not allow in markup. */
const PROPERTIES: ReadonlySet<string> = new Set([
  ...["fill", "fill-opacity", "fill-rule", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin"],
  ...["stroke-miterlimit", "stroke-opacity", "stroke-width", "opacity", "display", "visibility", "paint-order"],
  ...["font-family", "font-size", "font-style", "font-weight", "letter-spacing", "text-anchor", "dominant-baseline"],
  ...["stop-color", "stop-opacity", "marker-start", "marker-mid", "marker-end", "clip-path", "mask"],
]);
/** A reference that is not to an element of the drawing itself. */
const FOREIGN = /url\(\s*['"]?(?!#|['"]#)/i;

/** The drawing's root element; throws an Error if the text is no SVG. */
export function safeDrawing(svg: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(inert(svg), "image/svg+xml");
  const fault = parsed.querySelector("parsererror");
  if (fault !== null || parsed.documentElement.localName !== "svg") throw new Error(`The drawing is no SVG: ${faultText(fault)}`);
  const clean = DOMPurify.sanitize(parsed.documentElement, {
    USE_PROFILES: { svg: true, svgFilters: true },
    // What it uses is of the drawing itself: other references are dropped below.
    ADD_TAGS: ["use"],
    FORBID_TAGS: ["style", "image", "a", "foreignObject", "script"],
    FORBID_ATTR: ["style"],
    ALLOW_DATA_ATTR: true,
    // The drawing is in a tree of its own, where an id hides nothing of the page.
    SANITIZE_DOM: false,
    RETURN_DOM_FRAGMENT: true,
  }) as unknown as DocumentFragment;
  const root = clean.querySelector("svg");
  if (root === null) throw new Error("The drawing is no SVG: nothing of it may be shown.");
  for (const element of [root, ...root.querySelectorAll<SVGElement>("*")]) {
    dropForeign(element);
    applyStyle(element);
  }
  root.removeAttribute("width");
  root.removeAttribute("height");
  return root;
}

/** The text without what the page's security policy refuses, and reports, when it is parsed. */
function inert(svg: string): string {
  return svg
    .replace(/<(\/?)(style|script)\b/gi, "<$1metadata")
    .replace(/\sstyle\s*=/gi, " data-style=")
    .replace(/\son[a-z]+\s*=/gi, " data-handler=");
}

function faultText(fault: Element | null): string {
  return fault?.textContent?.trim().split("\n")[0] ?? "its root element is not <svg>.";
}

/** Set what the element's `style` said, as far as drawings need it. */
function applyStyle(element: SVGElement): void {
  const text = element.dataset["style"] ?? "";
  delete element.dataset["style"];
  for (const one of text.split(";")) {
    const at = one.indexOf(":");
    const [name, value] = [one.slice(0, at).trim().toLowerCase(), one.slice(at + 1).trim()];
    if (PROPERTIES.has(name) && !FOREIGN.test(value)) element.style.setProperty(name, value);
  }
}

function dropForeign(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    if (FOREIGN.test(value) || (/href$/i.test(name) && !value.startsWith("#"))) element.removeAttribute(name);
  }
}
