/** What each product was made from: edges to products and to raw files. Edges are added, never taken away. */
import { z } from 'zod';
import { type CatalogDatabase, rowsOf, runSql } from './statement.ts';

export const productInputRow = z.object({
  product_id: z.int(),
  input_product_id: z.int().nullable(),
  input_file_id: z.int().nullable(),
  input_hash: z.string().nullable(),
});
export type ProductInputRow = z.infer<typeof productInputRow>;

export function addProductInput(database: CatalogDatabase, productId: number, inputProductId: number): void {
  runSql(
    database,
    'INSERT INTO product_inputs (product_id, input_product_id) VALUES (:productId, :inputProductId) ON CONFLICT DO NOTHING',
    { productId, inputProductId },
  );
}

/** A raw file, known by its place in the group: conversion may have read a staged copy of it under another path. */
export function addFileInput(
  database: CatalogDatabase,
  productId: number,
  file: { groupId: string; subband: number; bytes: number; sha256: string },
): void {
  runSql(
    database,
    `INSERT INTO product_inputs (product_id, input_file_id, input_hash)
     SELECT :productId, id, :sha256 FROM subband_files
     WHERE group_id = :groupId AND subband = :subband AND bytes = :bytes AND status IN ('valid', 'superseded', 'missing')
     ORDER BY status = 'valid' DESC, mtime_ms DESC LIMIT 1
     ON CONFLICT DO NOTHING`,
    { productId, ...file },
  );
}

/** All edges from a product back to raw files. */
export const ancestryOf = (database: CatalogDatabase, productId: number): ProductInputRow[] =>
  rowsOf(
    database,
    productInputRow,
    `WITH RECURSIVE made_of (id) AS (
       VALUES (:productId)
       UNION SELECT i.input_product_id FROM product_inputs i JOIN made_of m ON i.product_id = m.id WHERE i.input_product_id IS NOT NULL)
     SELECT product_id, input_product_id, input_file_id, input_hash FROM product_inputs WHERE product_id IN (SELECT id FROM made_of)
     ORDER BY product_id, input_product_id, input_file_id`,
    { productId },
  );
