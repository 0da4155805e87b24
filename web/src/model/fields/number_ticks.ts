/** Ticks of an axis of numbers, at steps of 1, 2 or 5 times a power of ten. */

const TICKS_MAX = 50;

/** The smallest such step that divides a range into at most about this many parts. */
export function tickStepOf(length: number, parts: number): number {
  const least = length / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** The ticks from low to high. */
export function numberTicks(low: number, high: number, parts: number): number[] {
  if (!(high > low)) return [low];
  const step = tickStepOf(high - low, parts);
  const found: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high && found.length < TICKS_MAX; index++) found.push(index * step);
  return found;
}

/** A tick as text, without the noise of binary fractions. */
export function tickText(value: number): string {
  return String(+value.toPrecision(10));
}
