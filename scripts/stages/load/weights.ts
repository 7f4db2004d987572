import type { Index } from '../../model/catalog.ts';

/**
 * How long things take, in bytes that COPY loads in the same time. Measured on PostgreSQL 17; the order of the
 * tasks depends on them, and how long they are thought to take before any has run.
 */
const indexWeights: Readonly<Record<string, number>> = {
  btree: 0.8,
  hash: 1.5,
  gin: 6,
  gist: 6,
  spgist: 6,
  brin: 30,
};
const otherIndexWeight = 4;
export const validateWeight = 0.3;
const analyzeWeight = 0.05;
/** ANALYZE looks at a sample of the rows, whatever a table's size; this much is all of it. */
const sampledBytes = 8 * 1024 * 1024;
export const statementWeight = 100_000;

/** Of building an index. */
export function weightOf(index: Index): number {
  return index.bytes * (indexWeights[index.method] ?? otherIndexWeight);
}

export function weightOfAnalyze(bytes: number): number {
  return Math.min(bytes, sampledBytes) + bytes * analyzeWeight;
}
