/** JSON whose numbers keep every digit, parsed and formatted. */

/** A number that JavaScript cannot represent exactly, or would format differently. */
export class ExactNumber {
  constructor(readonly digits: string) {}
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/y;
const LITERALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const INDENT = "  ";

/** Parse JSON text that is known to be valid. */
export function parseExact(text: string): unknown {
  TOKEN.lastIndex = 0;
  const next = () => TOKEN.exec(text)?.[1] ?? "";
  return parseValue(next(), next);
}

function parseValue(token: string, next: () => string): unknown {
  if (token === "{") return Object.fromEntries(membersOf(next));
  if (token === "[") return itemsOf(next);
  if (token.startsWith('"')) return JSON.parse(token);
  if (LITERALS.has(token)) return LITERALS.get(token);
  const number = Number(token);
  return String(number) === token ? number : new ExactNumber(token);
}

function membersOf(next: () => string): [string, unknown][] {
  const members: [string, unknown][] = [];
  for (let token = next(); token !== "}" && token !== ""; token = next()) {
    if (token === ",") continue;
    const name = JSON.parse(token) as string;
    next();
    members.push([name, parseValue(next(), next)]);
  }
  return members;
}

function itemsOf(next: () => string): unknown[] {
  const items: unknown[] = [];
  for (let token = next(); token !== "]" && token !== ""; token = next()) {
    if (token !== ",") items.push(parseValue(token, next));
  }
  return items;
}

/** A value as indented JSON text; numbers keep their original digits. */
export function formatExact(value: unknown, margin = ""): string {
  if (value instanceof ExactNumber) return value.digits;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const inner = margin + INDENT;
  const lines = Object.entries(value).map(
    ([name, item]) => inner + (isList ? "" : `${JSON.stringify(name)}: `) + formatExact(item, inner),
  );
  const [open, close] = isList ? "[]" : "{}";
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(",\n")}\n${margin}${close}`;
}
