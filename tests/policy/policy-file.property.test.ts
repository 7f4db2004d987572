import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { RefreshError } from '../../scripts/model/errors.ts';
import { parsePolicy } from '../../scripts/policy/policy-file.ts';
import { fc } from '../support/property.ts';

const valid = `version: 1
unlisted: copy
tables:
  public.session: { treatment: schema-only }
  public.people: { treatment: copy, preserve: "id = 1", mask: { email: email, password: { fixed: "!" }, note: null } }
  public.orders: { where: "not is_test", references: [] }
before-publish: { sql: [sql/a.sql], command: "true", check: ["select true"] }
`;

test('any text is a policy or bad-policy', () => {
  const pieces = fc.constantFrom(
    'version: 1',
    'tables:',
    '  a.b: {',
    '}',
    '- x',
    '&a',
    '*a',
    '!!js/function x',
    '<<: *a',
    '\t',
    ': ',
    '"',
    '|',
    '? ',
  );
  const line = fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 20 }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => isPolicyOrRefused(lines.join('\n'))),
    {
      numRuns: 600,
      examples: [
        [['&a [*a]']],
        [['tables: {__proto__: {treatment: copy}}', 'version: 1']],
        [['? {a: 1}', ': 2']],
      ],
    },
  );
});

test('any value in any place of a policy is taken or bad-policy', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'version',
      'unlisted',
      'tables',
      'before-publish',
      'mask',
      'treatment',
      'where',
      'preserve',
      'keep',
      'foreign-keys',
      'references',
      'fixed',
      '__proto__',
      'constructor',
    ),
    fc.string({ maxLength: 8 }),
  );
  const leaf = fc.oneof(
    fc.constantFrom(1, 'copy', 'preserve', 'email', null, true),
    fc.string({ maxLength: 10 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => isPolicyOrRefused(stringify(value))),
    { numRuns: 600 },
  );
});

test('a valid policy with one character changed is taken or bad-policy', () => {
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.string({ unit: 'binary', maxLength: 2 }), (at, put) =>
      isPolicyOrRefused(valid.slice(0, at) + put + valid.slice(at + 1)),
    ),
    { numRuns: 800 },
  );
});

function isPolicyOrRefused(text: string): void {
  try {
    const policy = parsePolicy(text, 'refresh.policy.yaml');
    assert.ok(
      policy.tables.every(({ treatment }) =>
        ['copy', 'schema-only', 'exclude', 'preserve'].includes(treatment),
      ),
    );
  } catch (error) {
    assert(error instanceof RefreshError, `${String(error)}\n${text}`);
    assert.equal(error.code, 'bad-policy');
  }
}
