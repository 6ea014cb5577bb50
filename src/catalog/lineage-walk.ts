/**
 * From a thing back to the raw files it was made from, or forward to all that was made from it, along the edges that were
 * written when each thing was recorded. Every thing once, however many ways lead to it.
 */
import { z } from 'zod';
import { type LineageDirection, type LineageRef, keyOfRef, lineageKindSchema } from '../domain/lineage.ts';
import { type LineageNode, lineageNode } from './lineage-node.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

export interface Lineage {
  nodes: LineageNode[];
  /** `from` was made from `to`, by keys of nodes. */
  edges: { from: string; to: string }[];
  /** Further things that lead on from a source or group with very many. */
  left_out: number;
}

/** Of one thing; a source of years has thousands of points. Newest first. */
const MOST_NEIGHBOURS = 200;

/** Null when there is no such thing. `depth`: steps away from it; all of them when absent. */
export function walkLineage(
  database: CatalogDatabase,
  start: LineageRef,
  direction: LineageDirection,
  depth = Number.POSITIVE_INFINITY,
): Lineage | null {
  const first = lineageNode(database, start);
  if (first === null) return null;
  const nodes = new Map([[first.key, first]]);
  const lineage: Lineage = { nodes: [], edges: [], left_out: 0 };
  let edge: LineageRef[] = [start];
  for (let distance = 0; edge.length > 0 && distance < depth; distance += 1) {
    const next: LineageRef[] = [];
    for (const ref of edge) {
      const neighbours = neighboursOf(database, ref, direction);
      lineage.left_out += Math.max(0, neighbours.length - MOST_NEIGHBOURS);
      for (const neighbour of neighbours.slice(0, MOST_NEIGHBOURS)) {
        const [here, there] = [keyOfRef(ref), keyOfRef(neighbour)];
        lineage.edges.push(direction === 'up' ? { from: here, to: there } : { from: there, to: here });
        if (nodes.has(there)) continue;
        const node = lineageNode(database, neighbour);
        if (node === null) throw new Error(`${here} has an edge to ${there}, which the product database does not hold`);
        nodes.set(there, node);
        next.push(neighbour);
      }
    }
    edge = next;
  }
  lineage.nodes = [...nodes.values()];
  return lineage;
}

const refRow = z.object({ kind: lineageKindSchema, id: z.coerce.string() });

const neighboursOf = (database: CatalogDatabase, { kind, id }: LineageRef, direction: LineageDirection): LineageRef[] => {
  const sql = EDGES[direction][kind];
  return sql === null ? [] : rowsOf(database, refRow, sql, { id });
};

const PRODUCT_UP = `SELECT p.kind, p.id FROM product_inputs i JOIN products p ON p.id = i.input_product_id WHERE i.product_id = :id
  UNION ALL SELECT 'file', f.id FROM product_inputs i JOIN subband_files f ON f.id = i.input_file_id WHERE i.product_id = :id`;
const PRODUCT_DOWN = 'SELECT p.kind, p.id FROM product_inputs i JOIN products p ON p.id = i.product_id WHERE i.input_product_id = :id';
const GROUP_PRODUCTS = `SELECT kind, id FROM products WHERE group_id = :id AND status IN ('current', 'stale') ORDER BY id DESC`;

/** What leads on from each kind; null: nothing does. */
const EDGES: Readonly<Record<LineageDirection, Readonly<Record<LineageRef['kind'], string | null>>>> = {
  up: {
    point: `SELECT 'image' AS kind, image_product_id AS id FROM measurements WHERE id = :id`,
    measurements: `SELECT 'image' AS kind, image_product_id AS id FROM measurement_batches WHERE id = :id`,
    candidate: `SELECT 'source' AS kind, source_id AS id FROM candidates WHERE id = :id`,
    source: `SELECT 'point' AS kind, id FROM measurements WHERE source_id = :id AND superseded = 0 ORDER BY mjd DESC`,
    image: PRODUCT_UP,
    mosaic: PRODUCT_UP,
    calibration_set: PRODUCT_UP,
    ms: PRODUCT_UP,
    group: GROUP_PRODUCTS,
    file: null,
  },
  down: {
    point: `SELECT 'source' AS kind, source_id AS id FROM measurements WHERE id = :id AND superseded = 0`,
    measurements: null,
    candidate: null,
    source: `SELECT 'candidate' AS kind, id FROM candidates WHERE source_id = :id`,
    image: `${PRODUCT_DOWN} UNION ALL SELECT 'measurements', id FROM measurement_batches WHERE image_product_id = :id`,
    mosaic: PRODUCT_DOWN,
    calibration_set: PRODUCT_DOWN,
    ms: PRODUCT_DOWN,
    group: GROUP_PRODUCTS,
    file: 'SELECT p.kind, p.id FROM product_inputs i JOIN products p ON p.id = i.product_id WHERE i.input_file_id = :id',
  },
};
