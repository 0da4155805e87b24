/** Moves the focus with the arrow keys among elements in rows and columns. */

/** Focus the element that an arrow key, Home or End leads to. */
export function moveFocus(event: KeyboardEvent, inside: HTMLElement, selector: string): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...inside.querySelectorAll<HTMLElement>(selector)];
  const at = all.indexOf(event.target as HTMLElement);
  if (at < 0) return;
  const to = targetOf(event.key, all, at);
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  to.focus();
}

function targetOf(key: string, all: readonly HTMLElement[], at: number): HTMLElement | undefined {
  if (key === "ArrowRight") return all[Math.min(at + 1, all.length - 1)];
  if (key === "ArrowLeft") return all[Math.max(at - 1, 0)];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key === "ArrowDown" || key === "ArrowUp") return nextRow(all, at, key === "ArrowDown");
  return undefined;
}

/** The nearest element of the next row down or up. */
function nextRow(all: readonly HTMLElement[], at: number, isDown: boolean): HTMLElement | undefined {
  const here = (all[at] as HTMLElement).getBoundingClientRect();
  const ahead = isDown ? all.slice(at + 1) : all.slice(0, at).reverse();
  const row = ahead.find((one) => isOtherRow(one, here, isDown));
  if (row === undefined) return all[at];
  const top = row.getBoundingClientRect().top;
  const same = ahead.filter((one) => Math.abs(one.getBoundingClientRect().top - top) < 2);
  const distance = (one: HTMLElement) => Math.abs(one.getBoundingClientRect().left - here.left);
  return same.reduce((best, one) => (distance(one) < distance(best) ? one : best), row);
}

function isOtherRow(one: HTMLElement, here: DOMRect, isDown: boolean): boolean {
  const box = one.getBoundingClientRect();
  return isDown ? box.top >= here.bottom - 2 : box.bottom <= here.top + 2;
}

/** Moves the focus with the arrow keys, Home and End in a list whose rows have the same elements, however they wrap. */
export function moveRowFocus(event: KeyboardEvent, list: HTMLElement, selector: string): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const rows = [...list.children].map((row) => [...row.querySelectorAll<HTMLElement>(selector)]);
  const row = rows.findIndex((one) => one.includes(event.target as HTMLElement));
  const column = rows[row]?.indexOf(event.target as HTMLElement) ?? -1;
  const to = column < 0 ? undefined : rowTarget(event.key, rows, row, column);
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  to.focus();
}

function rowTarget(key: string, rows: readonly HTMLElement[][], row: number, column: number): HTMLElement | undefined {
  const at = (index: number) => rows[Math.min(Math.max(index, 0), rows.length - 1)]?.[column];
  if (key === "ArrowDown") return at(row + 1);
  if (key === "ArrowUp") return at(row - 1);
  if (key === "Home") return at(0);
  if (key === "End") return at(rows.length - 1);
  if (key === "ArrowRight") return rows[row]?.[column + 1] ?? rows[row]?.[column];
  if (key === "ArrowLeft") return rows[row]?.[column - 1] ?? rows[row]?.[column];
  return undefined;
}
