import { randomBytes } from 'node:crypto';
import { environmentName } from '../../scripts/contract.ts';
import { connectionUrl } from '../../scripts/local/server.ts';
import { as, makeScenario, type Scenario, smallProduction } from './scenario.ts';

/** A role of staging's that may do everything in the database and nothing beside it. */
export interface Steward extends AsyncDisposable {
  readonly user: string;
  /** The scenario's environment with this role's URL of staging. */
  readonly environment: Record<string, string>;
}

/** No CREATEDB, no membership in pg_signal_backend; a member of the database's owner. */
export async function makeSteward({ staging, environment }: Scenario): Promise<Steward> {
  const user = `steward_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await as('postgres', staging, (session) =>
    session.query(
      `create role ${user} login nosuperuser nocreatedb nocreaterole bypassrls password '${password}' in role app`,
    ),
  );
  const url = connectionUrl(staging.server, user, password, staging.name);
  return {
    user,
    environment: { ...environment, [environmentName.stagingUrl]: url },
    async [Symbol.asyncDispose]() {
      // Its database is gone by then, or what it owns there keeps it.
      await as('postgres', staging, (session) =>
        session.query(`reassign owned by ${user} to app; drop owned by ${user}; drop role ${user}`),
      );
    },
  };
}

/** A scenario for runs in place, by a role that can do no other. */
export async function makeScenarioInPlace(
  productionSql = smallProduction,
): Promise<Scenario & { readonly steward: Steward }> {
  const scenario = await makeScenario(productionSql);
  const steward = await makeSteward(scenario);
  return {
    ...scenario,
    environment: steward.environment,
    steward,
    async [Symbol.asyncDispose]() {
      await steward[Symbol.asyncDispose]();
      await scenario[Symbol.asyncDispose]();
    },
  };
}
