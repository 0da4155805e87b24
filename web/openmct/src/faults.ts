/** The alarms of NOVA as faults of Open MCT, to read. */

import type { AlarmInfo, AlarmsResponse } from "../../src/api/protocol";
import type { EdgeReads } from "./edge_reads";
import type { LiveSocket } from "./live_socket";
import type { DomainObject, Fault, FaultProvider, FaultValue } from "./openmct";

const FAULTS_TYPE = "faultManagement";
/** That faults have to be requested again. */
const ALL_CHANGED = "global-alarm-status";

const SEVERITIES = { critical: "CRITICAL", severe: "CRITICAL", warning: "WARNING", watch: "WATCH" } as const;

export function faults(reads: EdgeReads, live: LiveSocket): FaultProvider {
  const isFaults = (object: DomainObject) => object.type === FAULTS_TYPE;
  return {
    supportsRequest: isFaults,
    request: async () => {
      const found: Fault[] = [];
      for await (const page of reads.pages<AlarmsResponse>("alarms", { listing: "abnormal" })) {
        found.push(...page.alarms.map((alarm, index) => faultOf(alarm, found.length + index)));
      }
      return found.map((fault) => ({ type: ALL_CHANGED, fault }));
    },
    supportsSubscribe: isFaults,
    subscribe: (_, callback) => live.follow(() => callback({ type: ALL_CHANGED })),
  };
}

/** An alarm as a fault. The value is that of its last change: alarms do not carry each value. */
export function faultOf(alarm: AlarmInfo, seqNum: number): Fault {
  const { scopeId, systemId, containerId, uniqueId, field, rule, state } = alarm;
  const namespace = `/${scopeId}/${systemId}/${containerId}/${uniqueId}/${field}`;
  const value = valueOf(alarm);
  return {
    id: `${rule} ${namespace} ${alarm.lane} ${alarm.messageType} ${alarm.viewId ?? ""}`,
    name: alarm.title ?? rule,
    namespace,
    seqNum,
    severity: SEVERITIES[alarm.severity ?? "watch"],
    acknowledged: state === "acknowledged",
    shelved: alarm.shelved === true || alarm.disabled === true,
    shortDescription: alarm.comment ?? `${state} by ${rule}`,
    triggerTime: alarm.since ?? alarm.changed ?? "",
    triggerValueInfo: value,
    currentValueInfo: value,
  };
}

function valueOf({ value, severity }: AlarmInfo): FaultValue {
  const condition = (severity ?? "in limits").toUpperCase();
  return { value: String(value ?? ""), rangeCondition: condition, monitoringResult: condition };
}
