import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type PastRun, pastRunOf } from '../model/history.ts';
import { type Report, reportSchema } from '../model/report.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { makeFolder } from '../system/folder.ts';

const prefix = 'refresh-report_';
/** A year of weeks. */
const mostKept = 52;

/** Keeps a report beside the artifacts, for `refresh history`; of more than a year of weeks the oldest go. */
export async function keepReport(folder: string, report: Report): Promise<void> {
  await makeFolder(folder);
  // Which worker did what is by far the longest part, and nobody asks for it a week later.
  const { work, ...rest } = report;
  const kept = { ...rest, ...(work ? { work: { ...work, tasks: [] } } : {}) };
  await writeFileAtomically(join(folder, `${prefix}${report.runId}.json`), `${JSON.stringify(kept)}\n`);
  const names = (await readdir(folder)).filter(isKept).sort();
  for (const name of names.slice(0, Math.max(0, names.length - mostKept))) await unlink(join(folder, name));
}

/** Runs whose reports lie there, oldest first. No such folder is no history; what can't be read is passed over. */
export async function readKeptReports(folder: string): Promise<PastRun[]> {
  const runs: PastRun[] = [];
  for (const file of await keptReportFiles(folder)) {
    const report = await readReportFile(file);
    if (report) runs.push(pastRunOf(report));
  }
  return runs;
}

/** Paths of the reports that lie there, oldest first. */
export async function keptReportFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter(isKept)
    .sort()
    .map((name) => join(folder, name));
}

/** A report by its path; undefined where there is none, or one of another version. */
export async function readReportFile(path: string): Promise<Report | undefined> {
  try {
    return reportSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function isKept(name: string): boolean {
  return name.startsWith(prefix) && name.endsWith('.json');
}
