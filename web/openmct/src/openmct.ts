/** The parts of Open MCT's interface that the plugin uses. */

export interface Identifier {
  namespace: string;
  key: string;
}

export interface DomainObject {
  identifier: Identifier;
  type: string;
  name: string;
  location: string;
  telemetry?: { values: ValueMetadata[] };
}

/** One column of a point's values: a time, or the value. */
export interface ValueMetadata {
  key: string;
  name: string;
  format: string;
  hints: { domain?: number; range?: number };
  unit?: string;
  min?: number;
  max?: number;
  formatString?: string;
  enumerations?: { value: number; string: string }[];
}

/** A value: a number or a text, at its times in ms since 1970. */
export interface Datum {
  value: number | string;
  source?: number;
  canonical?: number;
}

export interface RequestOptions {
  start: number;
  end: number;
  domain: string;
  strategy?: string;
  size?: number;
  /** A table shows no more than `size` values, the newest. */
  enforceSize?: boolean;
  signal?: AbortSignal;
}

type Unsubscribe = () => void;

export interface Violation {
  cssClass: string;
  name: string;
  low: number;
  high: number;
}

/** By level, such as WARNING. */
export type LimitLines = Record<string, { low?: LimitLine; high?: LimitLine }>;

export interface LimitLine {
  color: string;
  value: number;
}

export interface Staleness {
  isStale: boolean;
  source: number;
  canonical: number;
}

export interface TelemetryProvider {
  supportsRequest?(object: DomainObject): boolean;
  request?(object: DomainObject, options: RequestOptions): Promise<Datum[]>;
  supportsSubscribe?(object: DomainObject): boolean;
  subscribe?(object: DomainObject, callback: (datum: Datum) => void): Unsubscribe;
  supportsLimits?(object: DomainObject): boolean;
  getLimitEvaluator?(object: DomainObject): { evaluate(datum: Datum, value?: ValueMetadata): Violation | undefined };
  getLimits?(object: DomainObject): { limits(): Promise<LimitLines | undefined> };
  supportsStaleness?(object: DomainObject): boolean;
  isStale?(object: DomainObject): Promise<Staleness>;
  subscribeToStaleness?(object: DomainObject, callback: (staleness: Staleness) => void): Unsubscribe;
}

export interface Fault {
  id: string;
  name: string;
  namespace: string;
  seqNum: number;
  severity: "CRITICAL" | "WARNING" | "WATCH";
  acknowledged: boolean;
  shelved: boolean;
  shortDescription: string;
  triggerTime: string;
  triggerValueInfo: FaultValue;
  currentValueInfo: FaultValue;
}

export interface FaultValue {
  value: string;
  rangeCondition: string;
  monitoringResult: string;
}

export interface FaultProvider {
  supportsRequest(object: DomainObject): boolean;
  request(object: DomainObject): Promise<{ type: string; fault: Fault }[]>;
  supportsSubscribe(object: DomainObject): boolean;
  subscribe(object: DomainObject, callback: (change: { type: string }) => void): Unsubscribe;
}

interface TimeSystem {
  key: string;
  name: string;
  cssClass: string;
  timeFormat: string;
  durationFormat: string;
  isUTCBased: boolean;
}

type Plugin = (openmct: OpenMct) => void;

export interface Bounds {
  start: number;
  end: number;
}

export interface MenuOption {
  name: string;
  timeSystem: string;
  bounds?: Bounds;
  clock?: string;
  clockOffsets?: Bounds;
}

export interface OpenMct {
  install(plugin: Plugin): void;
  start(element?: HTMLElement): void;
  setAssetPath(path: string): void;
  priority: { HIGH: number };
  plugins: {
    LocalStorage(): Plugin;
    MyItems(name: string, namespace: string, priority: number): Plugin;
    Espresso(): Plugin;
    UTCTimeSystem(): Plugin;
    FaultManagement(): Plugin;
    Conductor(config: { menuOptions: MenuOption[] }): Plugin;
    [name: string]: (...parameters: never[]) => Plugin;
  };
  objects: {
    addRoot(identifier: Identifier): void;
    addProvider(namespace: string, provider: { get(identifier: Identifier): Promise<DomainObject> }): void;
  };
  composition: {
    addProvider(provider: { appliesTo(object: DomainObject): boolean; load(object: DomainObject): Promise<Identifier[]> }): void;
  };
  types: { addType(key: string, type: { name: string; description: string; cssClass: string }): void };
  telemetry: { addProvider(provider: TelemetryProvider): void };
  faults: { addProvider(provider: FaultProvider): void };
  time: { addTimeSystem(system: TimeSystem): void; setBounds(bounds: Bounds): void };
}
