import { describe, expect, it } from "vitest";
import { linkFaults } from "../../../src/model/address/link_check";

function faults(hash: string): string[] {
  return linkFaults(new URLSearchParams(hash));
}

describe("a link", () => {
  it("without faults says nothing, whatever else is in it", () => {
    const good = "t=2026-01-01T00:00:00Z&state=paused&rate=max&dir=back&tb=source&from=2026-01-01&find=x";
    expect(faults(good.replace("&from=2026-01-01", ""))).toEqual([]);
    expect(faults("")).toEqual([]);
    expect(faults(`at=2026-01-01T00:00:00Z&event=${"0".repeat(64)}`)).toEqual([]);
    expect(faults("state=live&len=1000&sel=2026-01-01T00:00:00Z~2026-01-01T01:00:00Z&loop=1&skip=1")).toEqual([]);
  });

  it.each([
    ["t=yesterday", "The link's t must be a time"],
    ["state=live&rate=7", "The link's rate must be one of 0.1, 0.5, 1, 2, 5, 10, 60, max, not “7”."],
    ["state=live&tb=mars", "source or canonical"],
    ["state=live&len=-1", "a length in ms above 0"],
    ["state=live&sel=2026-01-01T00:00:00Z", "two times with ~ between them"],
    ["t=2026-01-01T00:00:00Z&event=abc", "an eventId of 64 digits"],
    ["state=paused", "names no time"],
    ["state=live&from=2026-01-01T00:00:00Z", "one end of its span only"],
    ["state=live&from=2026-01-01T01:00:00Z&to=2026-01-01T00:00:00Z", "from is after its to"],
    ["state=live&sel=2026-01-01T01:00:00Z~2026-01-01T00:00:00Z", "ends before it begins"],
    ["state=paused&t=2026-01-01T00:00:00Z&known=soon", "The link's known must be the receive time of what was known"],
    ["state=live&known=2026-01-01T00:00:00Z", "LIVE and names what was known"],
    ["state=live&t=2026-01-01T00:00:00Z", "LIVE and names a time"],
  ])("that is wrong says what: %s", (hash, words) => {
    expect(faults(hash).join(" ")).toContain(words);
  });
});
