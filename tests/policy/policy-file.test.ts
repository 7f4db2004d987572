import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { RefreshError } from '../../scripts/model/errors.ts';
import { masks } from '../../scripts/policy/masks.ts';
import { parsePolicy } from '../../scripts/policy/policy-file.ts';
import { policyJsonSchema } from '../../scripts/policy/policy-schema.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

test('the JSON Schema in docs is the one that the engine follows; the guide has every mask', () => {
  assert.deepEqual(
    JSON.parse(read('docs/policy.schema.json')),
    policyJsonSchema(),
    'refresh policy schema > docs/policy.schema.json',
  );
  const guide = read('docs/policy.md');
  for (const { name, about } of masks) assert.ok(guide.includes(`| \`${name}\` | ${about} |`), name);
});

test('the JSON Schema takes the policies of this repository and refuses what the engine refuses', () => {
  const validate = new Ajv2020({ strict: false, logger: false }).compile(policyJsonSchema());
  assert.ok(validate(parse(read('refresh.policy.yaml'))), JSON.stringify(validate.errors));
  for (const wrong of [
    'version: 2',
    'version: 1\ntable: {}',
    'version: 1\ntables: { a.b: { mask: { c: emial } } }',
  ])
    assert.equal(validate(parse(wrong)), false, wrong);
});

test('what is written wrongly is told with its place and the word that was meant', () => {
  const table: [string, RegExp][] = [
    ['version: 2', /p\.yaml:1:10: version: /],
    ['{}', /p\.yaml:1:1: version: /],
    ['version: 1\ntabels: {}', /unknown key tabels: did you mean tables\?/],
    ['version: 1\ntables:\n  a.b:\n    were: x', /p\.yaml:4:5: .*unknown key were: did you mean where\?/],
    ['version: 1\ntables:\n  a.b:\n    mask:\n      c: { fixd: 1 }', /p\.yaml:5:10: .*did you mean fixed\?/],
    ['version: 1\ntables:\n  a.b: { mask: { c: { email: {}, name: {} } } }', /has to name one mask/],
    [
      'version: 1\ntables:\n  a.b: { mask: { c: number } }',
      /number needs to be told more, as in \{ number: … \}: a whole/,
    ],
    ['version: 1\ntables:\n  a.b: { treatment:copy }', /a space is missing after "treatment:"$/],
    [
      'version: 1\ntables:\n  a.b: { mask: { c: { number: { min: 5, max: 1 } } } }',
      /min is greater than max/,
    ],
    ['version: 1\ntables:\n  a.b: { keep: ["*"] }', /would let every new column through/],
    [
      'version: 1\ntables:\n  a.b:\n    mask:\n      c: emial',
      /p\.yaml:5:10: .*there is no mask emial: did you mean email\?/,
    ],
    ['version: 1\nbefore-publish: { sqll: [] }', /did you mean sql\?/],
    [
      'version: 1\ntables: { a.b: { treatment: schemaonly } }',
      /has to be copy, schema-only, exclude or preserve: did you mean schema-only\?/,
    ],
    ['version: 1\ntables: { a.b: { where: 1 } }', /where: has to be text$/m],
  ];
  for (const [text, says] of table) {
    assert.throws(
      () => parsePolicy(text, 'p.yaml'),
      (error) =>
        error instanceof RefreshError &&
        error.code === 'bad-policy' &&
        error.exitCode === 2 &&
        says.test(error.message),
      text,
    );
  }
});

test('what is no YAML is told in words that need no knowledge of it, with the line and a mark', () => {
  const table: [string, string, string, string][] = [
    ['a: [', '1:4', '"[" is opened here and never closed', '1 | a: ['],
    ['a: { b: c\nd: e', '1:4', '"{" is opened here and never closed', '1 | a: { b: c'],
    ['a: "x\n', '1:4', 'a quotation mark is opened here', '1 | a: "x'],
    ["a: 'it's'", '1:8', 'a quotation mark ends before this', "1 | a: 'it's'"],
    ['a: 1\na: 2', '2:1', 'this key stands twice', '2 | a: 2'],
    ['a:\n\tb: c', '2:1', 'a tab stands where', '2 |  b: c'],
    ['a:\n  b: c\n d: e', '3:1', 'this line is indented otherwise', '3 |  d: e'],
    ['a: b: c', '1:4', 'a value that holds ": "', '1 | a: b: c'],
    ['a: { b: c d: e }', '1:9', 'a comma is missing after this', '1 | a: { b: c d: e }'],
    ['a\nb: c', '1:1', 'a ":" is missing behind a key', '1 | a'],
    ['*.a: { b: c }', '1:6', 'is an alias to YAML', '1 | *.a: { b: c }'],
    ['a: *b', '1:4', 'is an alias to YAML', '1 | a: *b'],
    ['a: @b', '1:4', 'a value that begins with this character', '1 | a: @b'],
    ['a: "\\d"', '1:5', 'a "\\" between double quotation marks', '1 | a: "\\d"'],
    ['a: 1\n---\nb: 2', '2:1', 'a second document begins here', '2 | ---'],
  ];
  for (const [text, place, words, line] of table) {
    assert.throws(
      () => parsePolicy(text, 'p.yaml'),
      ({ message }: Error) => {
        const [first = '', second = '', mark = ''] = message.split('\n');
        assert.ok(first.includes(words) && first.includes(`: p.yaml:${place}: `), message);
        assert.equal(second.trim(), line);
        assert.equal(mark.length, second.indexOf('|') + 2 + Number(place.split(':')[1]), message);
        return true;
      },
    );
  }
});

test('masks are written as a name, as null, or as a name with options', () => {
  const policy = parsePolicy(
    'version: 1\ntables: { a.b: { mask: { c: email, d: null, e: , f: { hash: { length: 8 }, when: not x } } } }',
    'p.yaml',
  );
  assert.deepEqual(Object.fromEntries(policy.tables[0]?.masks ?? []), {
    c: { mask: 'email', options: {}, when: null },
    d: { mask: 'null', options: {}, when: null },
    e: { mask: 'null', options: {}, when: null },
    f: { mask: 'hash', options: { length: 8 }, when: 'not x' },
  });
});
