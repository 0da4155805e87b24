import { expect, test } from "vitest";
import type { ConfiguredFiles } from "../../../src/api/protocol";
import { filesHealth, inEffectText, partText, troubledFirst } from "../../../src/model/session/configured";

const NOW_MS = Date.parse("2026-01-01T00:05:00Z");
const FILES: ConfiguredFiles = {
  kind: "definitions",
  path: "./definitions",
  inEffect: 3,
  parts: [
    { name: "mean@1.0.0", state: "running", time: "2026-01-01T00:00:00Z" },
    { name: "power@1.0.0", state: "slow", slowestS: 6.2, behindS: 40.4 },
    { name: "ratio@1.0.0", state: "stopped", reason: "it took longer than 10 s" },
  ],
};

test("the worst is shown, also of files with faults alone", () => {
  expect(filesHealth(FILES)).toBe("bad");
  expect(filesHealth({ kind: "rules", path: "./rules" })).toBe("good");
  expect(filesHealth({ kind: "rules", path: "./rules", faults: ["a.toml: is not TOML"] })).toBe("warn");
});

test("how many are in effect is counted", () => {
  expect(inEffectText(FILES)).toBe("3 definitions in effect");
  expect(inEffectText({ kind: "notifications", path: "", inEffect: 1 })).toBe("1 route of notifications in effect");
  expect(inEffectText({ kind: "rules", path: "" })).toBe("0 alarm rules in effect");
});

test("those in trouble are first, with their reason", () => {
  const texts = troubledFirst(FILES.parts ?? []).map((part) => partText(part, NOW_MS));
  expect(texts[0]).toBe("stopped, it took longer than 10 s");
  expect(texts[1]).toBe("slow, takes up to 6.2 s, 40 s behind");
  expect(texts[2]).toMatch(/^running, last 5.* ago$/);
});
