import { availableParallelism, cpus, totalmem } from 'node:os';
import { formatBytes } from '../system/log.ts';
import { type BenchPair, serverSettings } from './bench-pair.ts';
import type { BenchOptions } from './options.ts';
import type { Content } from './production-data.ts';

/** What the figures were measured on and with: figures without it say nothing. `what` is the work that was measured. */
export function describeSetting(pair: BenchPair, options: BenchOptions, what: readonly string[]): string {
  const settings = Object.entries(serverSettings).map(([name, value]) => `${name} ${value}`);
  const parts = [
    `Made by \`${options.command}\` on ${new Date().toISOString().slice(0, 10)}`,
    ...what,
    options.rounds === 1 ? 'one round' : `medians of ${options.rounds} rounds`,
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${formatBytes(totalmem())} of memory`,
    `PostgreSQL ${pair.tools.version} on both sides (${settings.join(', ')})`,
    `Node ${process.versions.node}`,
  ];
  return `${parts.join('; ')}.`;
}

export function describeContent(content: Content): string {
  const number = (value: number) => value.toLocaleString('en');
  return (
    `${number(content.tables)} tables with ${number(content.rows)} rows: ${formatBytes(content.tableBytes)} of tables, ` +
    `${formatBytes(content.indexBytes)} of indexes`
  );
}
