/** The icons on the timeline's buttons: drawn, because not every font has them. */

const PATHS = {
  previous: "M4 3v10 M12 3.5v9L6 8z",
  next: "M12 3v10 M4 3.5v9L10 8z",
  forwards: "M3 3.5v9L8 8z M8.5 3.5v9L13.5 8z",
  backwards: "M13 3.5v9L8 8z M7.5 3.5v9L2.5 8z",
  calendar: "M2.5 3.5h11v10h-11z M2.5 6.5h11 M5.5 1.5v3 M10.5 1.5v3",
} as const;

const HOLLOW: ReadonlySet<string> = new Set(["calendar"]);

export function Icon({ name }: { name: keyof typeof PATHS }) {
  const fill = HOLLOW.has(name) ? "none" : "currentColor";
  return (
    <svg class="icon-sign" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[name]} fill={fill} stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}
