/** Records a product whole: its row, the rows of its kind, its lineage and the event, in one transaction. */
import type { ProductRecord } from '../domain/catalog-command.ts';
import { writeCalibrationSet } from './calibration-sets.ts';
import { appendEvent } from './events.ts';
import { writeImage } from './images.ts';
import { addProductInput } from './lineage.ts';
import { writeMeasurementSet } from './ms-index.ts';
import { writeProduct } from './products.ts';
import { planRerunsForCloserSet, planRerunsOfProvisional } from './reruns.ts';
import { type CatalogDatabase, inTransaction } from './statement.ts';

/**
 * `closer`: a usable set makes groups of its strip run again that were calibrated provisionally and, when it lies closer in
 * time by more than `closerByHours`, the others too.
 */
export function recordProduct(
  database: CatalogDatabase,
  record: ProductRecord,
  at: string,
  closer?: { closerByHours?: number | undefined; stripToleranceDeg: number },
): number {
  return inTransaction(database, () => {
    const usable = record.kind !== 'calibration_set' || record.solve.passed;
    const { id, fresh } = writeProduct(database, record, usable, at);
    if (!fresh) return id;
    for (const inputId of record.inputProductIds) addProductInput(database, id, inputId);
    writeKind(database, id, record, at);
    if (closer !== undefined && record.kind !== 'ms') {
      const { closerByHours: gainHours, stripToleranceDeg } = closer;
      planRerunsOfProvisional(database, id, stripToleranceDeg, at);
      if (record.kind === 'calibration_set' && gainHours !== undefined) {
        planRerunsForCloserSet(database, id, { gainHours, stripToleranceDeg }, at);
      }
    }
    const payload = { product_id: id, kind: record.kind, group_id: record.groupId };
    appendEvent(database, { at, topic: 'product.created', groupId: record.groupId, payload });
    return id;
  });
}

function writeKind(database: CatalogDatabase, id: number, record: ProductRecord, at: string): void {
  switch (record.kind) {
    case 'ms':
      return writeMeasurementSet(database, id, record);
    case 'calibration_set':
      return writeCalibrationSet(database, id, record, at);
    case 'image':
      return writeImage(database, id, record);
    default:
      return record satisfies never;
  }
}
