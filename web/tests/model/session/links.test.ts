/** Texts and signs of links follow from the Core's report. */

import { beforeEach, expect, test } from "vitest";
import type { LinkInfo } from "../../../src/api/protocol";
import {
  gapCount,
  lagGrowth,
  linkHealth,
  links,
  linksHealth,
  outagesText,
  shownHealth,
  unreachableText,
} from "../../../src/model/session/links";
import { connection, coreUnavailable, unansweredS } from "../../../src/model/session/session";

const kafka: LinkInfo = { link: "kafka://a:9092", connection: "connected", received: 5, new: 5 };
const BEGAN = "2026-01-01T04:12:01.500000000Z";

beforeEach(() => {
  links.value = null;
  coreUnavailable.value = false;
  connection.value = "open";
});

test("the chip has the status of the worst link", () => {
  expect(linksHealth.value).toBe("good");
  links.value = [kafka, { link: "nats://b", connection: "unknown" }];
  expect(linksHealth.value).toBe("good");
  links.value = [kafka, { ...kafka, link: "nats://b", warnings: ["not durable"] }];
  expect(linksHealth.value).toBe("warn");
  links.value = [{ ...kafka, connection: "unreachable" }, { ...kafka, gaps: 2 }];
  expect(linksHealth.value).toBe("bad");
  expect(gapCount.value).toBe(2);
});

test("a gap is reported for as long as it is counted", () => {
  expect(linkHealth({ ...kafka, gaps: 1 })).toBe("warn");
});

test("a lag counts as growing only while it grows with every poll", () => {
  let looks = new Map<string, number>();
  for (const [old, lag] of [
    [0, 5],
    [5, 9],
    [9, 12],
  ] as const) {
    looks = lagGrowth(looks, [{ ...kafka, lag: old }], [{ ...kafka, lag }]);
  }
  expect(looks.get(kafka.link)).toBe(3);
  looks = lagGrowth(looks, [{ ...kafka, lag: 12 }], [{ ...kafka, lag: 12 }]);
  expect(looks.get(kafka.link)).toBe(0);
});

test("outages are described with their times and reason", () => {
  expect(outagesText(kafka)).toContain("none");
  const one = { ...kafka, outages: 1, lastOutage: { began: BEGAN, reason: "refused" } };
  expect(outagesText(one)).toBe("1 outage since 2026-01-01 04:12:01 UTC: refused");
  const ended = { began: BEGAN, ended: "2026-01-01T04:12:05Z", reason: "refused" };
  expect(outagesText({ ...kafka, outages: 3, lastOutage: ended })).toBe(
    "3 outages, the last 2026-01-01 04:12:01–04:12:05 UTC: refused",
  );
});

test("the banner names the links that do not answer, and says that the archive can be read", () => {
  expect(unreachableText()).toBeUndefined();
  const down: LinkInfo = {
    ...kafka,
    connection: "unreachable",
    outages: 1,
    lastOutage: { began: BEGAN, reason: "refused" },
  };
  links.value = [down, kafka];
  expect(unreachableText()).toMatch(/^kafka:\/\/a:9092 does not answer since 2026-01-01 04:12:01 UTC\. The archive is served/);
  links.value = [down, { ...down, link: "nats://b" }];
  expect(unreachableText()).toContain("(and 1 more)");
});

test("nothing is known of links while the Core is away, whatever it said last", () => {
  links.value = [kafka];
  expect(shownHealth.value).toBe("good");
  coreUnavailable.value = true;
  expect(shownHealth.value).toBe("unknown");
  coreUnavailable.value = false;
  unansweredS.value = 4;
  expect(shownHealth.value).toBe("unknown");
  unansweredS.value = 0;
  expect(shownHealth.value).toBe("good");
});
