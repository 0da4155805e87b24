/** A kind of panel: what the page knows of it without drawing it. */

import type { PanelOptions } from "../layout/layout";
import type { FieldRef } from "../values/field_ref";
import type { OptionSchema } from "./option_schema";

export interface PanelKind<Options = PanelOptions> {
  /** As it is in files: never changed, else stored displays lose their panels. */
  readonly kind: string;
  readonly title: string;
  /** A shorter title, for the tabs of a narrow screen. */
  readonly tabTitle?: string;
  /** Whether it shows what the page has once, such as the selected entity: a page has at most one. */
  readonly isSingle: boolean;
  /** Its options, their rules, and the form that changes them. */
  readonly schema: OptionSchema;
  /** The title of a panel that its user gave none. */
  readonly titleOf?: (options: Options) => string;
  /**
   * The options after a field is dropped on the panel; absent where none can be. `part` is the `data-part` of the
   * element under the pointer, which the view gives to what it takes fields for.
   */
  readonly withField?: (options: Options, field: FieldRef, part?: string) => Options;
}

/** A kind whose options have a type of their own, as the table of kinds holds it. */
export function panelKind<Options>(kind: PanelKind<Options>): PanelKind {
  return kind as unknown as PanelKind;
}
