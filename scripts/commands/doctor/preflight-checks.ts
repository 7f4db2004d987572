import type { Run } from '../../model/run.ts';
import type { DatabaseFacts } from '../../model/servers.ts';
import { findServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import {
  type Check,
  failed,
  ok,
  skipped,
  together,
  type Verdict,
  verdictOf,
} from '../../stages/doctor/finding.ts';
import { judgeReader, readerSql } from '../../stages/doctor/least-privilege.ts';
import type { Patient } from '../../stages/doctor/patient.ts';
import { requireInPlace } from '../../stages/in-place/rights.ts';
import { foreseeExtensions } from '../../stages/preflight/extensions.ts';
import { countTables, requireLocks } from '../../stages/preflight/locks.ts';
import { listPolicyRoles, requirePolicyRoles } from '../../stages/preflight/policy-roles.ts';
import { requireReadable } from '../../stages/preflight/readable.ts';
import { requireStagingRights } from '../../stages/preflight/rights.ts';
import { refuseSameDatabase } from '../../stages/preflight/same-server.ts';
import { refuseProtected } from '../../stages/preflight/staging.ts';
import { requireVersions } from '../../stages/preflight.ts';

interface Both {
  readonly production: { readonly session: Session; readonly facts: DatabaseFacts };
  readonly staging: { readonly session: Session; readonly facts: DatabaseFacts };
}

/**
 * What preflight asks for, each in a check of its own. `run` is undefined where flags, environment or policy are wrong,
 * which another check tells.
 */
export function preflightChecks(patient: Patient, run: Run | undefined): readonly Check[] {
  return [
    { id: 'versions', title: 'PostgreSQL versions', problem: 2, examine: () => versions(patient) },
    { id: 'permissions', title: 'Permissions', problem: 5, examine: () => permissions(patient, run) },
    {
      id: 'same-database',
      title: 'Two different databases',
      problem: 8,
      examine: () => different(patient, run),
    },
    {
      id: 'staging-database',
      title: 'A database that can be refreshed',
      examine: () => refreshable(patient, run),
    },
    { id: 'extensions', title: 'Extensions', examine: () => extensions(patient) },
    { id: 'roles', title: 'Roles of row level security', examine: () => policyRoles(patient) },
    { id: 'locks', title: 'Lock table', examine: () => locks(patient) },
  ];
}

async function versions(patient: Patient): Promise<Verdict> {
  const tools = await findServerTools(patient.environment);
  const found = `pg_dump ${tools.version} (${tools.bindir})`;
  const both = bothOf(patient);
  if (!both) return skipped(`${found}; the servers’ versions are not known`);
  requireVersions(tools, both.production.facts, both.staging.facts);
  return ok(`${found}, production ${both.production.facts.version}, staging ${both.staging.facts.version}`);
}

async function permissions(patient: Patient, run: Run | undefined): Promise<Verdict> {
  return together([await readingRights(patient), await changingRights(patient, run)]);
}

async function readingRights({ servers }: Patient): Promise<Verdict> {
  const { session, address } = servers.production;
  if (!session || !address) return skipped('production: not reached');
  try {
    await requireReadable(session, address.user);
    return await judgeReader(session, address.user, address.database);
  } catch (error) {
    const verdict = verdictOf(error);
    return failed(
      `production: ${verdict.found}`,
      `${verdict.repair ?? ''}\nor make a role for it:\n${await readerSql(session, address.database)}`,
    );
  }
}

async function changingRights({ servers }: Patient, run: Run | undefined): Promise<Verdict> {
  const { session, facts } = servers.staging;
  if (!session || !facts) return skipped('staging: not reached');
  if (!run) return skipped('staging: not looked at before the settings are right');
  // It grants itself what it may: here that is rolled back, since a doctor looks and doesn't treat.
  await session.run('begin');
  try {
    const rights = await requireStagingRights(
      run,
      session,
      facts,
      run.config.owner ? [run.config.owner] : [],
      run.config.strategy,
    );
    const may = run.config.strategy === 'swap' ? 'make, rename and drop databases, and ' : '';
    return ok(`staging: ${rights.user} may ${may}act for ${facts.owner}`);
  } catch (error) {
    const verdict = verdictOf(error);
    return failed(
      `staging: ${verdict.found}`,
      verdict.repair ?? 'STAGING_DB_URL has to be the administrator’s (doadmin)',
    );
  } finally {
    await session.run('rollback');
  }
}

async function different(patient: Patient, run: Run | undefined): Promise<Verdict> {
  const both = bothOf(patient);
  if (!both || !run) return skipped('both databases have to be reached, and the settings have to be right');
  const before = run.log.warnings.length;
  await refuseSameDatabase(run, both.production, both.staging);
  const warned = run.log.warnings.slice(before);
  if (warned.length > 0)
    return {
      status: 'warning',
      found: warned.join('\n'),
      repair: 'better: a cluster of its own for staging',
    };
  return ok('production and staging are two databases on two servers');
}

async function refreshable(patient: Patient, run: Run | undefined): Promise<Verdict> {
  const database = patient.servers.staging.address?.database;
  if (!database) return skipped('staging: there is no usable URL');
  if (run?.config.strategy !== 'in-place') {
    refuseProtected(database);
    return ok(`${database} can be renamed`);
  }
  const both = bothOf(patient);
  if (!both) return skipped('both databases have to be reached');
  await requireInPlace(run, { production: both.production.facts, staging: both.staging.facts }, true);
  return ok(`${database} can be emptied and filled again in one transaction`);
}

async function extensions(patient: Patient): Promise<Verdict> {
  const both = bothOf(patient);
  if (!both) return skipped('both databases have to be reached');
  const warned = await foreseeExtensions(both.production.session, both.staging.session);
  if (warned.length > 0)
    return { status: 'warning', found: warned.join('\n'), repair: 'docs/completeness.md says what follows' };
  return ok('staging’s server offers all of production’s');
}

async function policyRoles(patient: Patient): Promise<Verdict> {
  const both = bothOf(patient);
  if (!both) return skipped('both databases have to be reached');
  const roles = await both.staging.session.rows<{ name: string }>(
    'select rolname::text as name from pg_catalog.pg_roles',
  );
  requirePolicyRoles(await listPolicyRoles(both.production.session), new Set(roles.map(({ name }) => name)));
  return ok('staging has every role that production’s policies name');
}

async function locks(patient: Patient): Promise<Verdict> {
  const both = bothOf(patient);
  if (!both) return skipped('both databases have to be reached');
  const tables = await countTables(both.production.session);
  requireLocks(tables, both.production.facts, both.staging.facts);
  return ok(`${tables} tables: both servers’ lock tables hold them`);
}

function bothOf({ servers }: Patient): Both | undefined {
  const { production, staging } = servers;
  if (!production.session || !production.facts || !staging.session || !staging.facts) return undefined;
  return {
    production: { session: production.session, facts: production.facts },
    staging: { session: staging.session, facts: staging.facts },
  };
}
