import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestProgram } from './in-process/program.ts';

const source = `
import * as pulumi from '@pulumi/pulumi';
import { local } from '@pulumi/command';
const config = new pulumi.Config();
class Pair extends pulumi.ComponentResource {
  constructor(name) {
    super('small:index:Pair', name);
    const first = new local.Command(name + '-first', {
      create: 'echo x >> created; echo "$WORD is the word"; echo "told on stderr" >&2',
      update: 'echo x >> updated; printf %s "$PULUMI_COMMAND_STDOUT"',
      delete: 'echo first >> deleted',
      environment: { WORD: config.requireSecret('wordSecret') },
      triggers: [config.get('trigger') ?? ''],
      logging: 'stderr',
      addPreviousOutputInEnv: true,
    }, { parent: this });
    const second = new local.Command(name + '-second', {
      create: config.get('second') ?? 'cat', delete: 'echo second >> deleted', stdin: first.stdout, logging: 'none',
    }, { parent: this });
    this.heard = second.stdout;
    this.registerOutputs({});
  }
}
const pair = new Pair('pair');
export const heard = pulumi.unsecret(pair.heard);
export const greeting = config.require('greeting');
`;

describe('in-process apply of commands', () => {
  let program: TestProgram;
  const runs = (file: string) => lines(join(program.folder, file));

  before(async () => {
    program = await TestProgram.create(source);
    program.set('wordSecret', 'swordfish');
  });
  after(async () => await program.remove());

  test('a preview shows what would be made and makes nothing', async () => {
    const { counts } = await program.preview();
    assert.deepEqual(counts, { same: 0, create: 4, update: 0, replace: 0, delete: 0 });
    assert.equal(existsSync(program.stateFile), false);
    assert.deepEqual(runs('created'), []);
  });

  test('the first apply runs the commands, in the order of their inputs', async () => {
    const { outputs } = await program.apply();
    assert.deepEqual(outputs, { greeting: 'hello', heard: 'swordfish is the word' });
    assert.ok(program.lines.some((line) => line.endsWith('pair-first: told on stderr')));
    assert.ok(!program.lines.some((line) => line.includes('swordfish')), 'stdout is not logged');
  });

  test('no secret is in the state file in clear, and only its owner may read it', () => {
    const state = readFileSync(program.stateFile, 'utf8');
    assert.ok(!state.includes('"swordfish"'));
    assert.equal(statSync(program.stateFile).mode & 0o777, 0o600);
  });

  test('a second preview and a second apply change nothing', async () => {
    assert.equal((await program.preview()).counts.same, 4);
    assert.equal((await program.apply()).counts.same, 4);
    assert.deepEqual(runs('created'), ['x']);
  });

  test('a changed input runs update, which keeps the output of before', async () => {
    program.set('wordSecret', 'marlin');
    const { counts, outputs } = await program.apply();
    assert.equal(counts.update, 1);
    assert.equal(outputs.heard, 'swordfish is the word');
    assert.deepEqual([runs('created'), runs('updated')], [['x'], ['x']]);
  });

  test('a changed trigger replaces the command: create runs, then delete of the old one', async () => {
    program.set('trigger', 'again');
    const { counts, outputs } = await program.apply();
    assert.deepEqual([counts.replace, counts.delete], [1, 1]);
    assert.equal(outputs.heard, 'marlin is the word');
    assert.deepEqual([runs('created'), runs('deleted')], [['x', 'x'], ['first']]);
  });

  test('a failure keeps what succeeded, and the next apply goes on from there', async () => {
    program.set('trigger', 'third');
    program.set('second', 'exit 7');
    await assert.rejects(program.apply(), { code: 'tool-failed', message: /exit status 7/ });
    assert.equal(runs('created').length, 3);
    program.set('second', 'cat');
    const { counts } = await program.apply();
    assert.deepEqual([counts.same, counts.delete], [4, 1], 'the replaced command was still to be deleted');
    assert.equal(runs('created').length, 3);
  });

  test('another passphrase is refused before anything is done', async () => {
    const { StateFile } = await import('../../scripts/local/in-process/state.ts');
    await assert.rejects(StateFile.open(program.stateFile, 'open barley'), { code: 'bad-file' });
  });

  test('a program that throws ends the run with its own error', async () => {
    await program.write("throw new Error('no such luck');");
    await assert.rejects(program.apply(), /no such luck/);
    await program.write(source);
  });

  test('what the program no longer has is deleted; destroy deletes the rest, dependents first', async () => {
    const deletedBefore = runs('deleted').length;
    assert.equal((await program.destroy()).counts.delete, 4);
    assert.deepEqual(runs('deleted').slice(deletedBefore), ['second', 'first']);
    await program.apply();
    await program.write('export const nothing = true;');
    assert.equal((await program.apply()).counts.delete, 3);
    assert.deepEqual(runs('deleted').slice(deletedBefore + 2), ['second', 'first']);
  });
});

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}
