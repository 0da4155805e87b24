import { describe, expect, it } from "vitest";

const MODULES = Object.keys(import.meta.glob("../src/**/*.{ts,tsx}")).map((path) => path.replace(/\.tsx?$/, ""));
const SOURCES = import.meta.glob<string>("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const STYLES = import.meta.glob<string>("../src/*.css", { query: "?raw", import: "default", eager: true });
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
  it("colours no severity but of a named part: all that is inside of it would have that colour", () => {
    const bare = Object.entries(STYLES).flatMap(([path, text]) =>
      [...text.matchAll(/(?:^|[,}])\s*(\.(?:warning|critical|ok|stale|watch|severe))\s*[,{]/gm)].map(([, name]) => `${path} ${name}`),
    );
    expect(Object.keys(STYLES).length).toBeGreaterThan(10);
    expect(bare).toEqual([]);
  });

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
