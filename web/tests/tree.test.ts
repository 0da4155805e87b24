import { describe, expect, it } from "vitest";

const MODULES = Object.keys(import.meta.glob("../src/**/*.{ts,tsx}")).map((path) => path.replace(/\.tsx?$/, ""));
const SOURCES = import.meta.glob<string>("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const FOLDER_MAX_FILES = 15;

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function twice(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

describe("the source tree", () => {
  it("has no file name twice", () => {
    expect(MODULES.length).toBeGreaterThan(100);
    expect(twice(MODULES.map(basename))).toEqual([]);
  });

  it("keeps every folder of the model small, and no module outside of a folder", () => {
    const folders = MODULES.map(dirname).filter((folder) => folder.includes("/model"));
    for (const folder of new Set(folders)) {
      expect(folder).toMatch(/\/model\/\w+$/);
      expect(folders.filter((one) => one === folder).length).toBeLessThanOrEqual(FOLDER_MAX_FILES);
    }
  });

  it("starts timers in the scheduler only", () => {
    const starters = Object.keys(SOURCES).filter((path) => /\bset(Timeout|Interval)\(/.test(SOURCES[path] ?? ""));
    expect(starters).toEqual(["../src/scheduler.ts"]);
  });
});
