import assert from 'node:assert/strict';
import sodium from 'libsodium-wrappers';
import { objectsIn } from '../../scripts/local/in-process/api-client.ts';
import { textOf } from '../../scripts/local/in-process/property.ts';
import { query, servers } from '../support/servers.ts';
import { isPulumi, type LifecycleStack, type Outcome, type PulumiStack } from './stack.ts';

/** One thing that happens to a stack. Steps of one story happen to the same stack, one after the other. */
export interface Step {
  readonly title: string;
  /** Set where the in-process apply has no such command, or where it proves no more than another step; says which. */
  readonly needs?:
    | 'pulumi refresh'
    | 'pulumi stack rename'
    | 'pulumi import'
    | 'pulumi preview --policy-pack'
    | 'the real provider'
    | 'more time than npm test has';
  /** @param another a second stack in the same account, made by the same applier */
  run(stack: LifecycleStack, another: () => Promise<LifecycleStack>): Promise<void>;
}

/** For steps that `needs` keeps from any other applier. */
export function real(stack: LifecycleStack): PulumiStack {
  if (!isPulumi(stack)) throw new Error('this step says in `needs` what only the real Pulumi has');
  return stack;
}

/** The command ended well. */
export function succeeded(outcome: Outcome): Outcome {
  assert.ok(outcome.succeeded, outcome.output);
  return outcome;
}

/** How a failure reads that `World.breakCopy` makes: the words of the exception might quote a row, and are not told. */
export const copyBroke = /what is computed of a row failed/;

export function failed(outcome: Outcome, reason: RegExp): Outcome {
  assert.equal(outcome.succeeded, false, outcome.output);
  assert.match(outcome.output, reason);
  return outcome;
}

/** What was done, and nothing else was. */
export function didOnly(
  outcome: Outcome,
  expected: Partial<Pick<Outcome, 'created' | 'updated' | 'replaced' | 'deleted'>>,
): void {
  const { created, updated, replaced, deleted, output } = succeeded(outcome);
  assert.deepEqual(
    { created, updated, replaced, deleted },
    { created: [], updated: [], replaced: [], deleted: [], ...expected },
    output,
  );
}

/** Which database staging's name leads to: another number after each refresh. */
export async function liveDatabase(stack: LifecycleStack): Promise<string> {
  const rows = await staging<{ oid: string }>(stack, `select oid from pg_database where datname = 'shop'`);
  return rows[0]?.oid ?? assert.fail('staging has no database');
}

/** Rows of a statement in staging's database, as the stack's own outputs reach it. */
export async function staging<Row extends Record<string, unknown>>(
  stack: LifecycleStack,
  sql: string,
): Promise<Row[]> {
  const { stagingUrl } = await stack.outputs();
  const { production } = await servers();
  return await query<Row>(String(stagingUrl), production.caFile, sql);
}

/** Staging holds what production holds. */
export async function assertRefreshed(stack: LifecycleStack): Promise<void> {
  const { production } = await servers();
  const sql = 'select count(*), sum(total) from sales';
  const expected = await query(stack.world.production.url('reader'), production.caFile, sql);
  assert.deepEqual(await staging(stack, sql), expected);
}

export async function clusterNames({ world }: LifecycleStack): Promise<string[]> {
  return (await world.clusters()).map(({ name }) => String(name)).sort();
}

export async function secretNames({ world }: LifecycleStack, repository = 'local/shop'): Promise<string[]> {
  const answer = await world.hub.request('GET', `/repos/${repository}/actions/secrets?per_page=100`);
  return objectsIn(answer, 'secrets').map(({ name }) => String(name));
}

/** When GitHub got this secret; no API tells its value. */
export async function secretTime({ world }: LifecycleStack, name: string): Promise<string> {
  const answer = await world.hub.request('GET', `/repos/local/shop/actions/secrets/${name}`);
  return String(answer.updated_at);
}

/** Somebody else's `gh secret set`. */
export async function overwriteSecret({ world }: LifecycleStack, name: string): Promise<void> {
  const folder = '/repos/local/shop/actions/secrets';
  const { key, key_id } = await world.hub.request('GET', `${folder}/public-key`);
  await sodium.ready;
  const publicKey = sodium.from_base64(String(key), sodium.base64_variants.ORIGINAL);
  const sealed = sodium.crypto_box_seal('by hand', publicKey);
  await world.hub.request('PUT', `${folder}/${name}`, {
    key_id: key_id ?? null,
    encrypted_value: sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL),
  });
}

const workflowPath = '.github/workflows/db-backup-restore-do.yml';

/** Text of the workflow in a repository; undefined where there is none. */
export async function fileIn(
  { world }: LifecycleStack,
  repository = 'local/shop',
): Promise<string | undefined> {
  const found = await world.hub.find(`/repos/${repository}/contents/${workflowPath}`);
  return found && Buffer.from(textOf(found, 'content') ?? '', 'base64').toString();
}

/** The documented workflow, as a team may have it already. */
export async function writeOldWorkflow({ world }: LifecycleStack): Promise<void> {
  const content = Buffer.from('name: Weekly DB Backup\non: workflow_dispatch\n').toString('base64');
  await world.hub.request('PUT', `/repos/local/shop/contents/${workflowPath}`, { message: 'old', content });
}

/** A commit by hand, on GitHub's page. */
export async function editFile({ world }: LifecycleStack, text: string): Promise<void> {
  const path = `/repos/local/shop/contents/${workflowPath}`;
  const { sha } = await world.hub.request('GET', path);
  const content = Buffer.from(text).toString('base64');
  await world.hub.request('PUT', path, { message: 'by hand', content, sha: sha ?? null });
}
