/** Units of values, from the suffixes of field names: `voltage_v`, `altitudeKm`, `gps.speed_m_s`. */

const UNITS: Readonly<Record<string, string>> = {
  a: "A",
  bar: "bar",
  bps: "bit/s",
  bytes: "B",
  c: "°C",
  db: "dB",
  dbm: "dBm",
  deg: "°",
  deg_s: "°/s",
  degc: "°C",
  hpa: "hPa",
  hz: "Hz",
  k: "K",
  kg: "kg",
  khz: "kHz",
  km: "km",
  km_h: "km/h",
  kmh: "km/h",
  kpa: "kPa",
  m: "m",
  m_s: "m/s",
  m_s2: "m/s²",
  ma: "mA",
  mhz: "MHz",
  mm: "mm",
  mps: "m/s",
  ms: "ms",
  mv: "mV",
  mw: "mW",
  nt: "nT",
  ns: "ns",
  pa: "Pa",
  pct: "%",
  percent: "%",
  rad: "rad",
  rad_s: "rad/s",
  rpm: "rpm",
  s: "s",
  us: "µs",
  ut: "µT",
  v: "V",
  w: "W",
  wh: "Wh",
};

/** Units so short that a camelCase name may end in one by accident (`planB`, `pointA`). */
const ONLY_BEHIND_UNDERSCORE = new Set(["a", "c", "k", "m", "s", "v", "w"]);

/** The unit in a field's name; undefined if it has none. */
export function unitOf(field: string): string | undefined {
  const name = field.slice(field.lastIndexOf(".") + 1);
  const parts = name.split("_");
  for (const length of [2, 1]) {
    if (parts.length <= length) continue;
    const unit = UNITS[parts.slice(-length).join("_").toLowerCase()];
    if (unit !== undefined) return unit;
  }
  const word = /[a-z0-9]([A-Z][A-Za-z]*)$/.exec(name)?.[1]?.toLowerCase();
  return word === undefined || ONLY_BEHIND_UNDERSCORE.has(word) ? undefined : UNITS[word];
}
