/** The entities as a tree: scope, system, container, unit; searched, folded, and laid out as rows. */

import type { EntityInfo } from "../../api/protocol";
import { entityKey, type Lane } from "../values/event";

export const ALL_LANES: readonly Lane[] = ["metadata", "command", "ui", "parsed", "raw"];

/** How many series of each lane there are below a node. */
export type LaneCounts = Partial<Record<Lane, number>>;

export interface TreeNode {
  /** The path from the scope down, `/` between: one text per node. */
  key: string;
  name: string;
  children: TreeNode[];
  /** Only at the lowest level. */
  entity?: EntityInfo;
  lanes: LaneCounts;
  units: number;
}

/** A row of the tree: its level, its position among its siblings, and whether it is open. */
export interface EntityRow {
  node: TreeNode;
  level: number;
  position: number;
  siblings: number;
  /** Undefined for a unit, which has no children. */
  open: boolean | undefined;
  parent: string | undefined;
}

/** The entities whose path contains every typed word. */
export function matchingEntities(entities: readonly EntityInfo[], text: string): readonly EntityInfo[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return entities;
  return entities.filter((entity) => {
    const path = entityKey(entity).toLowerCase();
    return words.every((word) => path.includes(word));
  });
}

/** The tree of entities; every level keeps the order of the server's listing. */
export function treeOf(entities: readonly EntityInfo[]): TreeNode[] {
  const roots: TreeNode[] = [];
  const found = new Map<string, TreeNode>();
  for (const entity of entities) {
    const lanes = lanesOf(entity);
    let siblings = roots;
    let key = "";
    for (const name of [entity.scopeId, entity.systemId, entity.containerId]) {
      key = key === "" ? name : `${key}/${name}`;
      const node = found.get(key) ?? addNode(siblings, key, name);
      found.set(key, node);
      addCounts(node, lanes);
      siblings = node.children;
    }
    siblings.push({ key: entityKey(entity), name: entity.uniqueId, children: [], entity, lanes, units: 1 });
  }
  return roots;
}

/** The legend of a lane's number: it counts the unit's series, not their events. */
export function laneText(node: TreeNode, lane: Lane): string {
  const count = node.lanes[lane] ?? 0;
  const series = count === 1 ? "1 series" : `${count.toLocaleString("en")} series`;
  const units = node.units === 1 ? "1 unit" : `${node.units.toLocaleString("en")} units`;
  const where = node.entity === undefined ? ` of ${units}` : "";
  return `${lane}: ${series}${where} (kinds of message; the timeline counts events)`;
}

function addNode(siblings: TreeNode[], key: string, name: string): TreeNode {
  const node: TreeNode = { key, name, children: [], lanes: {}, units: 0 };
  siblings.push(node);
  return node;
}

function addCounts(node: TreeNode, lanes: LaneCounts): void {
  node.units += 1;
  for (const lane of ALL_LANES) {
    const more = lanes[lane];
    if (more !== undefined) node.lanes[lane] = (node.lanes[lane] ?? 0) + more;
  }
}

function lanesOf(entity: EntityInfo): LaneCounts {
  const counts: LaneCounts = {};
  for (const { lane } of entity.series) counts[lane] = (counts[lane] ?? 0) + 1;
  return counts;
}

/** The rows of a tree from top to bottom, without the children of closed nodes. */
export function treeRowsOf(roots: readonly TreeNode[], folded: ReadonlySet<string>): EntityRow[] {
  const rows: EntityRow[] = [];
  const add = (nodes: readonly TreeNode[], level: number, parent: string | undefined): void => {
    nodes.forEach((node, index) => {
      const open = node.entity === undefined ? !folded.has(node.key) : undefined;
      rows.push({ node, level, position: index + 1, siblings: nodes.length, open, parent });
      if (open === true) add(node.children, level + 1, node.key);
    });
  };
  add(roots, 1, undefined);
  return rows;
}

/** The effect of a key: the row that it moves to, or the node that it opens or closes. */
export type KeyStep = { to: number } | { open: string } | { close: string } | undefined;

/** The effect of a key at a row, following the tree pattern of ARIA. */
export function keyStep(key: string, rows: readonly EntityRow[], at: number): KeyStep {
  const row = rows[at];
  if (row === undefined) return undefined;
  if (key === "ArrowDown") return { to: Math.min(at + 1, rows.length - 1) };
  if (key === "ArrowUp") return { to: Math.max(at - 1, 0) };
  if (key === "Home") return { to: 0 };
  if (key === "End") return { to: rows.length - 1 };
  if (key === "ArrowRight") {
    if (row.open === false) return { open: row.node.key };
    return row.open === true ? { to: at + 1 } : undefined;
  }
  if (key === "ArrowLeft") {
    if (row.open === true) return { close: row.node.key };
    const parent = rows.findIndex(({ node }) => node.key === row.parent);
    return parent < 0 ? undefined : { to: parent };
  }
  return undefined;
}

/** The rows [first, end) that a scrolled window shows, with a few more on both sides. */
export function visibleRows(top: number, height: number, rowHeight: number, rows: number): [number, number] {
  const spare = 8;
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  return [first, Math.min(rows, Math.ceil((top + height) / rowHeight) + spare)];
}
