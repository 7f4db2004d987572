import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command } from 'commander';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A command of the engine, with the files that running it may read. */
interface Known {
  readonly name: string;
  readonly flags: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

test('each flag that an error or its hint names exists for every command that can throw it', async () => {
  const commands = await readCommands();
  assert(commands.length > 15);
  const wrong: string[] = [];
  let looked = 0;
  for (const file of new Set(commands.flatMap(({ files }) => [...files]))) {
    const callers = commands.filter(({ files, flags }) => files.has(file) && canThrow(file, flags));
    for (const text of wordsFor(file)) {
      for (const { flag, said } of flagsIn(text)) {
        looked += 1;
        const meant = said === undefined ? callers : commands.filter(({ name }) => name === said);
        const without = meant.filter(({ flags }) => !flags.has(flag)).map(({ name }) => name);
        if (without.length > 0 || meant.length === 0)
          wrong.push(`${file}: ${flag} is no flag of ${without.join(', ') || said}: ${text}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert(looked > 40, `${looked} flags were looked at`);
});

/**
 * Files that commands share whose errors come only to those with this flag: it was given, or they do what it is about.
 * What else such a file says is held against these commands as well.
 */
const bound: readonly (readonly [file: string, flag: string])[] = [
  ['scripts/artifact/age', '--recipient'],
  ['scripts/artifact/file-error.ts', '--artifact'],
  ['scripts/policy/policy-file.ts', '--policy'],
  // Doctor opens its sessions itself, and watches none.
  ['scripts/postgres/stall.ts', '--stall-seconds'],
  ['scripts/stages/config.ts', '--open-trusted-sources'],
  ['scripts/stages/config/artifact.ts', '--artifact-content'],
  ['scripts/stages/config/service.ts', '--open-trusted-sources'],
  ['scripts/stages/in-place/', '--strategy'],
  ['scripts/stages/in-place/rights.ts', '--rehearse'],
  ['scripts/stages/preflight/staging.ts', '--owner'],
  ['scripts/stages/snapshot/brakes.ts', '--max-xmin-age-seconds'],
];

function canThrow(file: string, flags: ReadonlySet<string>): boolean {
  return bound.every(([prefix, flag]) => !file.startsWith(prefix) || flags.has(flag));
}

async function readCommands(): Promise<Known[]> {
  const known: Known[] = [];
  for (const file of globSync('scripts/commands/*.ts', { cwd: root })) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(root, file)).href);
    for (const [name, make] of Object.entries(module)) {
      if (!name.endsWith('Command') || typeof make !== 'function') continue;
      const command: unknown = make();
      assert(command instanceof Command);
      const files = reachedFrom(file);
      known.push(
        ...[command, ...command.commands].map((each) => ({
          name: each.name(),
          flags: flagsOf(command, each),
          files,
        })),
      );
    }
  }
  return known;
}

/** Those of an inner command (`policy suggest`) may be any of its family's: they share their files. */
function flagsOf(family: Command, command: Command): Set<string> {
  const options = [command, ...(command === family ? family.commands : [family, ...family.commands])].flatMap(
    ({ options }) => options,
  );
  return new Set(['--help', '--quiet', '--verbose', ...options.map(({ long }) => long ?? '')]);
}

/** The file and all that it imports, directly or not: what is thrown there may come to the one who gave the command. */
function reachedFrom(file: string, reached = new Set<string>()): Set<string> {
  if (reached.has(file)) return reached;
  reached.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, path = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?'(\.[^']+\.ts)'/gm))
    reachedFrom(join(dirname(file), path), reached);
  for (const [, path = ''] of text.matchAll(/import\('(\.[^']+\.ts)'\)/g))
    reachedFrom(join(dirname(file), path), reached);
  return reached;
}

/** What a file says in words: its texts with a flag among words, and flags that are the object of an error. */
function wordsFor(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  if (!/--[a-z]/.test(text) || file.endsWith('/style.ts')) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const words: string[] = [];
  const look = (node: ts.Node): void => {
    // A command's own help is about itself.
    if (
      ts.isCallExpression(node) &&
      /\.(option|description|addHelpText|argument|describe)$/.test(node.expression.getText())
    )
      return void look(node.expression);
    if (
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateExpression(node)
    ) {
      const said = node.getText().slice(1, -1);
      if (/\w .*--[a-z]|^--[a-z-]+ .*\w/s.test(said) || isObject(node)) words.push(said);
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return words;
}

function isObject({ parent }: ts.Node): boolean {
  return ts.isPropertyAssignment(parent) && parent.name.getText() === 'object';
}

/** Programs of others, whose flags are theirs. */
const programs = /(?:pg_dump|pg_restore|psql|age|age-keygen|zstd|docker|npx|gh|df|dump)\b[^;]*$/;

/** @returns `said`: the command before it in the text, if there is one: `refresh run --jobs 4`. */
function flagsIn(text: string): { flag: string; said: string | undefined }[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].flatMap(({ 0: flag, index }) => {
    const before = text.slice(0, index);
    const said = [...before.matchAll(/refresh (?:policy )?([a-z]+)/g)].at(-1);
    if (programs.test(before.slice(said?.index ?? 0))) return [];
    return [{ flag, said: said?.[1] }];
  });
}
