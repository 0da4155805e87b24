/** The button that fits all data of an entity into the timeline. */

import { entityName } from "../model/entities/entity_names";
import { fitEntity } from "../model/timeline/fit_entity";
import type { Entity } from "../model/values/event";

interface FitProps {
  entity: Entity;
  /** -1 where the keys of a list move between its rows; the key E does the same. */
  tabIndex?: number;
}

export function FitButton({ entity, tabIndex }: FitProps) {
  const words = `Show all data of ${entityName(entity)} in the timeline`;
  return (
    <button
      type="button"
      class="icon fit-button"
      aria-label={words}
      title={`${words} (E)`}
      tabIndex={tabIndex}
      data-testid="fit-entity"
      onClick={(event) => {
        event.stopPropagation();
        void fitEntity(entity);
      }}
    >
      ↔
    </button>
  );
}
