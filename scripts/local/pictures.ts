import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defaultReportFile } from '../contract.ts';
import { film } from './pictures/film.ts';
import { record } from './pictures/recording.ts';

/**
 * Makes the README's pictures of a real run: `. .local/env && npm run pictures`. Needs the local stack, util-linux's
 * `script`, and a Chromium for the picture of the report.
 */
const columns = 116;
const command = 'npx --no refresh run --no-artifact';

const pictures = await record(command, columns);
await writeFile('docs/run.svg', film(pictures, columns, 'A refresh of the sample business in a terminal'));
process.stdout.write('docs/run.svg\n');

const { chromium } = await import('playwright-core');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid?.() !== 0,
});
const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
await page.goto(pathToFileURL(resolve(defaultReportFile.replace(/json$/, 'html'))).href);
await page.screenshot({ path: 'docs/report.png' });
await browser.close();
process.stdout.write('docs/report.png\n');
