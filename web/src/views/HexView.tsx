/** Bytes as offset, hex and ASCII. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytesOf, hexLines, type RowBytes, rowCount } from "../model/values/hex";

/** A frame of a megabyte has 65,536 rows: they are shown in parts. */
const PART_ROWS = 256;
/** The room that sixteen bytes a row need. */
const WIDE_MIN_PX = 570;

export function HexView({ base64 }: { base64: string }) {
  const [rows, setRows] = useState(PART_ROWS);
  const [rowBytes, setRowBytes] = useState<RowBytes>(16);
  const element = useRef<HTMLDivElement>(null);
  const bytes = useMemo(() => bytesOf(base64), [base64]);
  useEffect(() => {
    const watched = element.current;
    if (watched === null) return;
    const observer = new ResizeObserver(() => setRowBytes(watched.clientWidth < WIDE_MIN_PX ? 8 : 16));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  if (bytes === undefined) return <p class="muted">Not valid base64.</p>;
  const left = rowCount(bytes, rowBytes) - rows;
  return (
    <div class="hex" ref={element} data-testid="hex-view">
      <p class="muted">{bytes.length.toLocaleString("en")} bytes</p>
      <table aria-label="Bytes">
        <thead class="sr-only">
          <tr>
            <th scope="col">Offset</th>
            <th scope="col">Hex</th>
            <th scope="col">ASCII</th>
          </tr>
        </thead>
        <tbody>
          {hexLines(bytes, rowBytes, rows).map(({ offset, hex, ascii }) => (
            <tr key={offset}>
              <th scope="row">{offset}</th>
              <td>
                {hex[0]}
                <span class="half" />
                {hex[1]}
              </td>
              <td>{ascii}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {left > 0 && (
        <button type="button" onClick={() => setRows(rows + 4 * PART_ROWS)}>
          {left.toLocaleString("en")} more rows
        </button>
      )}
    </div>
  );
}
