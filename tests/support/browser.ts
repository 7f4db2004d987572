import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The Chromium of this machine; undefined where there is none: a test then skips and says so. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = [
    process.env.CHROMIUM ?? [],
    names.flatMap((name) => folders.map((folder) => join(folder, name))),
  ];
  return paths.flat().find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  // Chromium's sandbox refuses root, which a container mostly is; the pages are our own and hold no script.
  return await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}
