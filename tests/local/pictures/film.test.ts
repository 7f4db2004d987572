import assert from 'node:assert/strict';
import { test } from 'node:test';
import { film } from '../../../scripts/local/pictures/film.ts';
import { Screen } from '../../../scripts/local/pictures/screen.ts';

const textOf = (screen: Screen) => screen.lines().map((line) => line.map(({ text }) => text).join(''));

test('a screen shows what a terminal would: lines written over, erased, bold and coloured', () => {
  const screen = new Screen();
  screen.write('first\r\nbar 10 %\r\n  › task');
  assert.deepEqual(textOf(screen), ['first', 'bar 10 %', '  › task']);
  screen.write('\r\u001b[1A\u001b[J\u001b[1mverify\u001b[22m \u001b[33mwarning:\u001b[39m x\r\n');
  assert.deepEqual(textOf(screen), ['first', 'verify warning: x']);
  assert.deepEqual(screen.lines()[1], [
    { text: 'verify', bold: true, colour: null },
    { text: ' ', bold: false, colour: null },
    { text: 'warning:', bold: false, colour: 33 },
    { text: ' x', bold: false, colour: null },
  ]);
  screen.write('\\\u001b[1G\u001b[0Kend');
  assert.equal(textOf(screen)[2], 'end');
});

test('a film has each content of a row once, its end for who plays no films, and no markup of a name', () => {
  const picture = (at: number, ...lines: string[]) => ({
    at,
    lines: lines.map((text) => [{ text, bold: false, colour: null }]),
  });
  const svg = film(
    [
      picture(0, '$ run'),
      picture(1, '$ run', '10 %'),
      picture(2, '$ run', '<b>&90 %'),
      picture(4, '$ run', 'done'),
    ],
    80,
    'a run',
  );
  assert.equal(svg.match(/\$ run/g)?.length, 1);
  assert.ok(svg.includes('&lt;b>&amp;90 %') && !svg.includes('<b>'));
  assert.match(svg, /visibility="visible">done<animate/);
  assert.match(svg, /visibility="hidden">10 %<animate[^>]*keyTimes="0\.0000;0\.1000;0\.2000"/);
  assert.doesNotMatch(svg, /<script|href/);
});
