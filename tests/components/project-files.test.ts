import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { parse } from 'yaml';
import { secretSettings, settingSchemas } from '../../components/settings-schema.ts';
import { mockPulumi } from './mocks.ts';

mockPulumi();
const { readSettings } = await import('../../components/settings.ts');

interface Declaration {
  readonly type?: string;
  readonly secret?: boolean;
  readonly default?: unknown;
  readonly description?: string;
}

const project = yamlFile('Pulumi.yaml');
const declarations: Readonly<Record<string, Declaration>> = project.config;
const example: Readonly<Record<string, unknown>> = yamlFile('Pulumi.prod.yaml').config;
const exampleText = readFileSync(new URL('../../Pulumi.prod.yaml', import.meta.url), 'utf8');

test('Node runs the program as it is', () => {
  assert.equal(project.name, 'staging-refresh');
  assert.deepEqual(project.runtime, { name: 'nodejs', options: { typescript: false } });
  assert.equal(project.main, 'index.ts');
});

test('Pulumi.yaml declares every setting, typed and described, and no other', () => {
  assert.deepEqual(Object.keys(declarations).sort(), Object.keys(settingSchemas).sort());
  for (const [key, { type, description }] of Object.entries(declarations)) {
    assert.ok(type, key);
    assert.ok(description && description.length > 20, key);
  }
});

test('the defaults of Pulumi.yaml and of the program are the same', () => {
  for (const [key, schema] of Object.entries(settingSchemas)) {
    const declared = declarations[key]?.default;
    const byProgram = schema.safeParse(undefined);
    if (declared === undefined) assert.equal(byProgram.success, false, `${key} must be required in both`);
    else if (declared === '') assert.ok(byProgram.success && (byProgram.data ?? '') === '', key);
    else assert.deepEqual(schema.parse(declared), byProgram.data, key);
  }
});

test('secrets are said to be secret, and the one without a default is held to it by the CLI', () => {
  assert.equal(declarations.productionDatabaseUrl?.secret, true);
  for (const key of secretSettings) {
    const { secret, description = '' } = declarations[key] ?? {};
    assert.ok(secret || description.startsWith('Secret. '), key);
  }
});

test('the example is complete once its secrets are set, and holds none', () => {
  const secrets = {
    productionDatabaseUrl: 'postgresql://reader:pw@db.example:25060/shop',
    digitalOceanToken: 'dop_v1_example',
    githubToken: 'ghp_example',
  };
  for (const key of Object.keys(secrets)) {
    assert.ok(exampleText.includes(`pulumi config set --secret staging-refresh:${key}`), key);
    assert.ok(!(`staging-refresh:${key}` in example), key);
  }
  const plain = Object.entries(example).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const secret = Object.entries(secrets).map(([key, value]) => [`staging-refresh:${key}`, value]);
  pulumi.runtime.setAllConfig(
    Object.fromEntries([...plain, ...secret]),
    secret.map(([key = '']) => key),
  );
  const settings = readSettings({});
  assert.equal(settings.trustedSources.length, 3);
});

test('the example mentions every setting', () => {
  for (const key of Object.keys(settingSchemas))
    assert.ok(exampleText.includes(`staging-refresh:${key}`), key);
});

function yamlFile(name: string) {
  return parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
}
