import { readdir } from 'node:fs/promises';

/** What lies in a folder of artifacts, sorted, without the reports that every run keeps there. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('refresh-report_')).sort();
}
