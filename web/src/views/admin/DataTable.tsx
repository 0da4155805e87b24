/** A table that becomes a list of cards on a narrow screen, with its loading and empty states. */

import type { ComponentChildren } from "preact";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
}

interface DataTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  /** Null while they are loading. */
  rows: readonly Row[] | null;
  rowKey: (row: Row) => string;
  /** Whether loading has failed; the section shows why. */
  hasFailed: boolean;
  empty: string;
  /** What stands below a row, over its whole width. */
  detail?: (row: Row) => ComponentChildren;
}

// The roles are written out, because a browser forgets those of a table that CSS lays out as cards.
export function DataTable<Row>({ label, columns, rows, rowKey, hasFailed, empty, detail }: DataTableProps<Row>) {
  if (rows === null) return hasFailed ? null : <p class="empty" role="status">Loading…</p>;
  if (rows.length === 0) {
    return (
      <p class="empty" data-testid="empty">
        {empty}
      </p>
    );
  }
  return (
    <table class="admin-table" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title }) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.flatMap((row) => {
          const below = detail?.(row) ?? null;
          const key = rowKey(row);
          return [
            <tr key={key} role="row" data-testid="row" data-key={key}>
              {columns.map(({ title, cell }) => (
                <td key={title} role="cell" data-title={title}>
                  <span>{cell(row)}</span>
                </td>
              ))}
            </tr>,
            below !== null && (
              <tr key={`${key} detail`} role="row" class="detail-row">
                <td role="cell" colSpan={columns.length}>
                  {below}
                </td>
              </tr>
            ),
          ];
        })}
      </tbody>
    </table>
  );
}
