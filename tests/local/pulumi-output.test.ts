import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOfPulumi } from '../../scripts/local/pulumi-output.ts';

test('of what the CLI prints, the lines remain that tell what happened, whole however they came', () => {
  const said: string[] = [];
  const write = linesOfPulumi((line) => said.push(line));
  const printed = [
    '@ Updating....',
    'Updating (local):',
    '    pulumi:pulumi:Stack p-local  warning: using pulumi-resource-github from $PATH at /x',
    ' +  digitalocean:index:DatabaseCluster c creating (0s) ',
    ' +  command:local:Command r creating (1s) 00:00.8  copy',
    ' ++ command:local:Command r creating replacement (0s) [diff: ~triggers]; ',
    ' +- command:local:Command r replaced (0.00s) [diff: ~triggers]; ',
    ' +  digitalocean:index:DatabaseCluster c created (15s) ',
    '    error: POST http://x: 422 name not available',
    '',
  ].join('\n');
  for (let at = 0; at < printed.length; at += 7) write(printed.slice(at, at + 7));
  assert.deepEqual(said, [
    'Updating (local):',
    ' +  command:local:Command r creating (1s) 00:00.8  copy',
    ' +- command:local:Command r replaced (0.00s) [diff: ~triggers];',
    ' +  digitalocean:index:DatabaseCluster c created (15s)',
    '    error: POST http://x: 422 name not available',
  ]);
});
