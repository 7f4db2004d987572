import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { settingSchemas } from '../../components/settings-schema.ts';
import { anchorOf, projectFolder, readDocument, readDocuments, shellCommands } from './document.ts';

const run = promisify(execFile);
const documents = readDocuments();

test('every link leads to a file of the project, and every anchor to a heading', () => {
  for (const { path, links } of documents) {
    for (const { file, anchor } of links) {
      assert.ok(existsSync(join(projectFolder, file)), `${path}: ${file} is not there`);
      if (anchor === '' || !file.endsWith('.md')) continue;
      const anchors = readDocument(file).headings.map(({ text }) => anchorOf(text));
      assert.ok(anchors.includes(anchor), `${path}: ${file} has no heading for #${anchor}`);
    }
  }
});

test('every file that is named in code is there', () => {
  for (const { path, spans } of documents) {
    for (const span of spans.filter((text) => /^(scripts|components|tests|docs|sql)\/[\w./-]+$/.test(text))) {
      assert.ok(existsSync(join(projectFolder, span)), `${path}: ${span} is not there`);
    }
  }
});

test('every npm script that is named exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  for (const { path, text } of documents) {
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g), ...text.matchAll(/\bnpm (start|test)\b/g)].map(
      ([, name = '']) => name,
    );
    for (const name of named) assert.ok(name in scripts, `${path}: npm run ${name}`);
  }
});

test('every setting of the stack that is named exists', () => {
  for (const { path, text } of documents) {
    // The types of components, in URNs, begin like settings.
    for (const [, key = ''] of text.matchAll(/\bstaging-refresh:(?!components:)([a-z]\w*)/gi))
      assert.ok(key in settingSchemas, `${path}: staging-refresh:${key}`);
  }
});

test('every command and flag of refresh that is named exists, and each command’s help has an example', async () => {
  const known = await readCommands();
  const allFlags = new Set([...known.values()].flatMap((flags) => [...flags]));
  for (const flag of flagsIn(await help('scripts/bench/copy.ts'))) allFlags.add(flag);
  let seen = 0;
  for (const document of documents) {
    for (const span of document.spans.filter((text) => text.startsWith('--'))) {
      for (const flag of flagsOf(span)) assert.ok(allFlags.has(flag), `${document.path}: ${flag}`);
    }
    for (const command of shellCommands(document)) {
      const [, rest = ''] = invocation.exec(command) ?? [];
      const words = rest.split(/\s+/).filter((word) => word !== '');
      const [name = '', second = ''] = words;
      if (command.startsWith('npx '))
        assert.ok(!name.startsWith('-'), `${document.path}: npm takes ${name} for its own in ${command}`);
      if (name === '' || name.startsWith('-') || !/^[a-z]/.test(name)) continue;
      seen++;
      const flags = known.get(`${name} ${second}`) ?? known.get(name);
      assert.ok(flags, `${document.path}: refresh ${name} is no command`);
      for (const flag of flagsOf(rest))
        assert.ok(flags.has(flag), `${document.path}: refresh ${name} has no ${flag}`);
    }
  }
  assert.ok(seen > 20, 'the documents name no commands, or this test no longer finds them');
});

/** `refresh …` as it may be typed: by npm, by its bundle, with variables before it. */
const invocation =
  /^(?:\w+=\S* )*(?:npx --no |node \S*\/(?=refresh\.mjs)|node scripts\/(?=refresh\.ts|launcher\.js))?(?:refresh(?:\.mjs|\.ts)?|launcher\.js) +(.*)$/;

function flagsOf(text: string): string[] {
  return text.split(/\s+/).flatMap((word) => /^--[a-z][a-z-]*/.exec(word) ?? []);
}

/** Each command, subcommands as `policy check`, with its flags. */
async function readCommands(): Promise<Map<string, ReadonlySet<string>>> {
  const known = new Map<string, ReadonlySet<string>>();
  const visit = async (words: readonly string[]): Promise<void> => {
    const text = await help('scripts/launcher.js', ...words);
    known.set(words.join(' '), new Set(flagsIn(text)));
    if (words.length > 0) assert.match(text, /^Examples?\b.*:\n {2}\S/m, `help ${words.join(' ')}`);
    const [, list = ''] = /^Commands:\n((?: {2}.*\n?)+)/m.exec(text) ?? [];
    const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
    await Promise.all(names.filter((name) => name !== 'help').map((name) => visit([...words, name])));
  };
  await visit([]);
  known.set('help', new Set());
  assert.ok(known.size > 15 && known.has('run') && known.has('policy check'));
  return known;
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
}

async function help(program: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program, ...words, '--help'], { cwd: projectFolder });
  return stdout;
}
