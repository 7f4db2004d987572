import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentName } from '../contract.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { PolicyPlan } from '../model/plan.ts';
import type { Run } from '../model/run.ts';
import { literal } from '../model/table.ts';
import { openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { runChild, tailLength } from '../system/child.ts';

/** Lines of the command's output that the error repeats. */
const linesTold = 20;

/** What a policy wants done before publishing, and where its files lie. */
export type TeamSteps = Pick<PolicyPlan, 'folder' | 'beforePublish'>;

export function hasSteps({ sql, command, check }: TeamSteps['beforePublish']): boolean {
  return sql.length > 0 || command !== null || check.length > 0;
}

/** Reads the policy's SQL files before anything is copied. @throws RefreshError `bad-policy`. */
export async function readSqlFiles(policy: TeamSteps): Promise<readonly SqlFile[]> {
  return await Promise.all(
    policy.beforePublish.sql.map(async (path) => {
      const file = join(policy.folder, path);
      const text = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw new RefreshError('bad-policy', 'a before-publish file can’t be read', {
          object: file,
          hint: 'paths are relative to the policy’s folder',
          cause,
        });
      });
      const command = /^\\\w.*$/m.exec(text)?.[0];
      if (command) {
        throw new RefreshError('bad-policy', `${command} is a command of psql’s, and psql doesn’t run it`, {
          object: file,
          hint: 'before-publish files hold SQL alone',
        });
      }
      return { path, text };
    }),
  );
}

export interface SqlFile {
  readonly path: string;
  readonly text: string;
}

/**
 * What the team wants to happen in the new database before anybody sees it: its SQL files, its own command (staging's
 * code is ahead of production's, so its migrations run here), then its checks.
 *
 * @throws RefreshError `before-publish-failed`, `check-failed`: nothing is published.
 */
export async function beforePublish(
  run: Run,
  policy: TeamSteps,
  files: readonly SqlFile[],
  next: { readonly name: string; readonly searchPath: string },
): Promise<void> {
  const { command, commandMinutes, check } = policy.beforePublish;
  await using session = await openStaging(run, next.name, { search_path: next.searchPath });
  for (const { path, text } of files) {
    run.log.info(`before publishing: ${path}`);
    const statements = session.inTransaction ? `${withinTransaction(text)}; ${deferredNow}` : text;
    await session.run(statements, path).catch((cause: unknown) => {
      throw failed(path, asError(cause).message, cause);
    });
    // A file may change settings, its role or leave a transaction open: the next begins as this one did.
    if (session.inTransaction)
      await session.run(`reset session authorization; reset role; set search_path = ${next.searchPath}`);
    else
      await session
        .run('rollback; reset session authorization; reset role; reset all')
        .catch(() => undefined);
  }
  if (command !== null) await runCommand(run, command, commandMinutes, next.name);
  for (const query of check) await runCheck(session, query);
  if (check.length > 0) run.log.info(`${check.length} checks of the policy passed`);
}

/** What COMMIT would look at after each file; and what waits for it would keep its tables from getting their owners. */
const deferredNow = 'set constraints all immediate; set constraints all deferred';

/** What EXECUTE runs can't end the transaction around it: the server itself refuses COMMIT there (manual, 41.8). */
function withinTransaction(text: string): string {
  let tag = 'file';
  while (text.includes(`$${tag}$`)) tag += '_';
  return `do $outer$ begin execute ${literal(text)}; end $outer$`.replaceAll('$outer$', () => `$${tag}$`);
}

/** Where `pulumi up` runs the engine: what opens the stack's state, and the provider's own token. */
const ofTheStack = /^(PULUMI_|DIGITALOCEAN_)/;

/**
 * Gives the command the new database in `DATABASE_URL`, and none of the engine's own secrets: a migration has no
 * business with production.
 */
async function runCommand(run: Run, command: string, minutes: number, database: string): Promise<void> {
  run.log.info(`before publishing: ${command}`);
  const { staging, environment } = run.config;
  const own = new Set<string>(Object.values(environmentName));
  const inherited = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !own.has(entry[0]) && !ofTheStack.test(entry[0]),
  );
  const url = new URL(
    `postgresql://${staging.host.includes(':') ? `[${staging.host}]` : staging.host}:${staging.port}`,
  );
  url.username = encodeURIComponent(staging.user);
  url.password = encodeURIComponent(staging.password.reveal());
  url.pathname = `/${encodeURIComponent(database)}`;
  url.searchParams.set('sslmode', staging.ca ? 'verify-full' : 'require');
  const trust: Record<string, string> = {};
  if (staging.ca) {
    const file = join(run.temporary, 'before-publish-ca.pem');
    await writeFile(file, staging.ca, { mode: 0o600 });
    url.searchParams.set('sslrootcert', file);
    trust.PGSSLROOTCERT = file;
  }
  const limit = AbortSignal.timeout(minutes * 60_000);
  const result = await runChild('/bin/sh', ['-c', command], {
    // The team's own PGSSLROOTCERT stays: its command may talk to other servers, too.
    env: { ...trust, ...Object.fromEntries(inherited), DATABASE_URL: url.href },
    signal: AbortSignal.any([run.signal, limit]),
    group: true,
    tail: true,
  });
  run.signal.throwIfAborted();
  const secrets = [staging.password.reveal(), encodeURIComponent(staging.password.reveal())];
  const said = secrets
    .reduce(
      (text, secret) => text.replaceAll(secret, '***'),
      `${wholeLines(result.stdout)}${wholeLines(result.stderr)}`,
    )
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '');
  for (const line of said.slice(-linesTold)) run.log.info(`  ${line.slice(0, 400)}`);
  // Whatever status it ended with: told to end, it had not done all of its work.
  if (limit.aborted)
    throw failed(command, `the command was ended after ${minutes} minutes (command-minutes of the policy)`);
  if (result.code === 0) return;
  const how = result.signal ? `was ended by ${result.signal}` : `ended with status ${result.code}`;
  throw failed(command, `the command ${how}; its last lines are above`);
}

/** A tail may begin in the middle of a secret, which would not be recognized. */
function wholeLines(tail: string): string {
  if (tail.length < tailLength) return tail;
  const lineEnd = tail.indexOf('\n');
  return lineEnd < 0 ? '' : tail.slice(lineEnd + 1);
}

async function runCheck(session: Session, query: string): Promise<void> {
  const rows = await askCheck(session, query).catch((cause: unknown) => {
    const why = asError(cause).message;
    throw new RefreshError('check-failed', `a check of the policy could not be asked: ${why}`, {
      object: query,
      hint: 'nothing was published; the check has to be a query that gives one true',
      cause,
    });
  });
  const values = rows.flatMap((row) => Object.values(row));
  if (values.length === 1 && values[0] === true) return;
  throw new RefreshError('check-failed', `a check of the policy gave ${gave(values)} instead of one true`, {
    object: query,
    hint: 'nothing was published; run the query in production to see whether the data or the check is wrong',
  });
}

/** Never a value of a row: a check may select anything. */
function gave(values: readonly unknown[]): string {
  const [value] = values;
  if (values.length !== 1) return values.length === 0 ? 'nothing' : `${values.length} values`;
  if (value === null) return 'NULL';
  return value === false ? 'false' : 'something that is no boolean';
}

/** In a transaction of ours a check is a cursor's query: one SELECT, which nothing can follow. */
async function askCheck(session: Session, query: string): Promise<Record<string, unknown>[]> {
  if (!session.inTransaction) return await session.rows<Record<string, unknown>>(query);
  await session.rows(`declare policy_check cursor for ${query}`, []);
  const rows = await session.rows<Record<string, unknown>>('fetch all policy_check');
  await session.run('close policy_check');
  return rows;
}

function failed(object: string, message: string, cause?: unknown): RefreshError {
  return new RefreshError('before-publish-failed', message, {
    object,
    hint: 'nothing was published; repair it and run the refresh again',
    ...(cause === undefined ? {} : { cause }),
  });
}
