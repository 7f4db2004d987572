import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { renderPage } from '../../../scripts/stages/report/page.ts';
import { findChromium, openBrowser } from '../../support/browser.ts';
import { testFolder } from '../../support/servers.ts';
import { failedReport, sampleHistory, sampleReport } from './sample-report.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Each width, each scheme and each outcome; not all of their combinations, which would take a minute. */
const looks = [
  ['published', 'phone', 'light'],
  ['published', 'tablet', 'dark'],
  ['published', 'desktop', 'light'],
  ['failed', 'phone', 'dark'],
] as const;
const widths = { phone: 360, tablet: 768, desktop: 1280 } as const;

test('the report in a browser', async (t) => {
  const program = findChromium();
  if (!program) return t.skip('there is no Chromium on this machine: apt-get install chromium');
  // Somebody who wants to look at the pictures says where they go.
  const folder = process.env.REPORT_SCREENSHOTS ?? (await testFolder());
  await mkdir(folder, { recursive: true });
  const pages = {
    published: renderPage(sampleReport(), sampleHistory()),
    failed: renderPage(failedReport(), []),
  };
  const browser = await openBrowser(program);
  t.after(() => browser.close());

  const visit = async (
    name: keyof typeof pages,
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
  ) => {
    const file = join(folder, `${name}.html`);
    await writeFile(file, pages[name]);
    // Without this the page's own policy would refuse axe, as it refuses every script.
    const context = await browser.newContext({ bypassCSP: true, ...options });
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(pathToFileURL(file).href);
    await look(page);
    assert.deepEqual(asked, [pathToFileURL(file).href], 'the page asked for something else');
    assert.deepEqual(complaints, []);
    await context.close();
  };

  for (const [name, device, colorScheme] of looks) {
    await t.test(`${name}, ${device}, ${colorScheme}`, () =>
      visit(name, { viewport: { width: widths[device], height: 800 }, colorScheme }, async (page) => {
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(overflow) <= 0, `the page is ${overflow} pixels wider than the screen`);
        assert.notEqual(await page.title(), 'owned');
        await page.screenshot({ path: join(folder, `${name}-${device}-${colorScheme}.png`), fullPage: true });
        await page.evaluate(axe);
        const { violations } = (await page.evaluate(
          'axe.run(document, { resultTypes: ["violations"] })',
        )) as AxeResults;
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
          [],
        );
      }),
    );
  }

  await t.test('with a keyboard alone: each list that opens and each that scrolls is reached', () =>
    visit('published', { viewport: { width: 360, height: 800 } }, async (page) => {
      const reached = new Set<string>();
      for (let steps = 0; steps < 40; steps++) {
        await page.keyboard.press('Tab');
        reached.add(
          String(
            await page.evaluate('document.activeElement.tagName + (document.activeElement.ariaLabel ?? "")'),
          ),
        );
      }
      assert.ok(reached.has('A') && reached.has('SUMMARY'), [...reached].join());
      assert.ok(reached.has('DIVEarlier runs') && reached.has('DIVThe largest tables'), [...reached].join());
      await page.locator('summary').first().focus();
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('details[open]').count(), 1);
    }),
  );

  await t.test('printed, also what is folded away is on the paper', () =>
    visit('published', {}, async (page) => {
      await page.emulateMedia({ media: 'print' });
      assert.ok(
        await page
          .getByText('validate foreign key order_lines_order of public.order_lines')
          .last()
          .isVisible(),
      );
      const pdf = await page.pdf({ path: join(folder, 'published.pdf'), format: 'A4' });
      assert.ok(pdf.length > 10_000);
    }),
  );
});
