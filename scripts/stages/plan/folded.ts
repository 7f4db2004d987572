import { count } from '../../model/figures.ts';
import { formatBytes } from '../../system/log.ts';
import type { PlanLine } from './table.ts';

/** So many lines that say nothing of their own can be read; of more, as of GitLab's thousand, the largest are listed. */
const mostPlain = 80;
const listed = 60;

/**
 * The lines that are shown, and what is said of the others; null where all are. Whatever the policy touches is shown;
 * partitions that it treats like one that stands above them are not.
 */
export function folded(lines: readonly PlanLine[]): {
  readonly shown: readonly PlanLine[];
  readonly rest: string | null;
} {
  const seen = new Set<string>();
  const plain = lines.filter((line) => {
    if (line.treatment !== 'copy' || line.rowsLeftOut) return false;
    if (line.masked.length === 0) return true;
    if (line.partitionOf === null) return false;
    const like = JSON.stringify([line.partitionOf, line.masked]);
    return seen.size === seen.add(like).size;
  });
  if (plain.length <= mostPlain) return { shown: lines, rest: null };
  const hidden = new Set(plain.slice(listed));
  const bytes = [...hidden].map((line) => line.bytes);
  const all = bytes.reduce((sum, each) => sum + each, 0);
  const masked = [...hidden].some((line) => line.masked.length > 0)
    ? ', or as another partition above is'
    : '';
  return {
    shown: lines.filter((line) => !hidden.has(line)),
    rest: `and ${count(hidden.size)} more that are copied as they are${masked}, none larger than ${formatBytes(Math.max(...bytes))}, ${formatBytes(all)} in all: refresh plan --json lists every table`,
  };
}
