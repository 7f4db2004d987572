import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../system/atomic-file.ts';

/** Parts of docs/performance.md that the benchmark writes: between `<!-- bench:copy -->` and `<!-- /bench:copy -->`. */
export type Section = 'copy' | 'growth' | 'restore' | 'policy';

/** Puts measured text between the section's markers of performance.md; a document without them gets them at its end. */
export async function writeSection(folder: string, section: Section, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'performance.md');
  const before = await readIfThere(file);
  await writeFileAtomically(file, replaceSection(before ?? '# Performance\n', section, text), 0o644);
  return file;
}

export async function writeChart(folder: string, svg: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileAtomically(join(folder, 'performance.svg'), svg, 0o644);
}

/** The document with the section's text exchanged and everything around it untouched. */
export function replaceSection(document: string, section: Section, text: string): string {
  const begin = `<!-- bench:${section} -->`;
  const end = `<!-- /bench:${section} -->`;
  const first = document.indexOf(begin);
  const last = document.indexOf(end);
  const measured = `${begin}\n${text.trim()}\n${end}`;
  if (first < 0 || last < first) return `${document.trimEnd()}\n\n${measured}\n`;
  return document.slice(0, first) + measured + document.slice(last + end.length);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
