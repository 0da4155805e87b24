/** Manifests and states of views, as the server tells them. */

export interface Limits {
  warningLow?: number | null;
  warningHigh?: number | null;
  criticalLow?: number | null;
  criticalHigh?: number | null;
  warning?: (string | boolean)[];
  critical?: (string | boolean)[];
}
export interface KeySpec {
  type: "number" | "integer" | "string" | "boolean" | "enum" | "time" | "any";
  title?: string | null;
  unit?: string | null;
  minimum?: number | null;
  maximum?: number | null;
  precision?: number | null;
  labels?: Record<string, string> | null;
  limits?: Limits | null;
}
export interface Action {
  commandType: string;
  title: string;
  critical?: boolean;
}
export interface Group {
  title?: string | null;
  rows: string[];
}
export interface Layout {
  shield?: string[];
  card?: Group[];
  sparklines?: string[];
}
export interface CardManifest {
  manifestId: string;
  manifestVersion: string;
  viewId: string;
  entityType: string;
  title: string;
  allowedKeys: Record<string, KeySpec>;
  layout?: Layout;
  actions?: Action[];
  effectiveTime?: string;
}
