/** Messages of plots: the fields of a series, and their sampled values over a range of time. */

import type { Entity } from "../model/values/event";

export type { FieldInfo, FieldSample, SampleResponse } from "./protocol";

/** The lanes whose fields can be sampled. */
export type SampledLane = "ui" | "parsed";

/** One series, by name. */
export interface SeriesName extends Entity {
  lane: SampledLane;
  messageType: string;
  viewId?: string;
}

/** Limits of one `sample` request. */
export const FIELDS_MAX = 16;
export const BUCKETS_MAX = 4096;
