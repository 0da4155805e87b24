/** The name of a field, by which it is dragged into a panel; of what cannot be plotted, the name alone. */

export function FieldGrip({ name, drag }: { name: string; drag: ((event: PointerEvent) => void) | undefined }) {
  if (drag === undefined) return <span>{name}</span>;
  return (
    <span class="field-grip" title="Drag into a panel" onPointerDown={drag}>
      {name}
    </span>
  );
}
