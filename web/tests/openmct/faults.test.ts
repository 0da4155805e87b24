import { expect, it } from "vitest";
import { faultOf } from "../../openmct/src/faults";
import type { AlarmInfo } from "../../src/api/protocol";

const ALARM: AlarmInfo = {
  ...{ rule: "hot", title: "Too hot", scopeId: "s", lane: "ui", systemId: "a", containerId: "b", uniqueId: "c", messageType: "", viewId: "v" },
  ...{ field: "temp", state: "raised", severity: "severe", since: "2026-01-01T00:00:00Z", value: 91.5 },
};

it("an alarm is a fault with its severity, value and place", () => {
  expect(faultOf(ALARM, 3)).toMatchObject({
    ...{ name: "Too hot", namespace: "/s/a/b/c/temp", seqNum: 3, severity: "CRITICAL", acknowledged: false, shelved: false },
    ...{ triggerTime: "2026-01-01T00:00:00Z", triggerValueInfo: { value: "91.5", rangeCondition: "SEVERE" } },
  });
});

it("acknowledged, shelved and cleared alarms say so", () => {
  expect(faultOf({ ...ALARM, state: "acknowledged" }, 0).acknowledged).toBe(true);
  expect(faultOf({ ...ALARM, shelved: true }, 0).shelved).toBe(true);
  const { severity: _, ...cleared } = ALARM;
  expect(faultOf({ ...cleared, state: "cleared" }, 0)).toMatchObject({ severity: "WATCH", currentValueInfo: { rangeCondition: "IN LIMITS" } });
});
