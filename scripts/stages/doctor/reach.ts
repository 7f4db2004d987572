import { environmentName } from '../../contract.ts';
import { asRefreshError, RefreshError } from '../../model/errors.ts';
import { parseConnectionUrl, type ServerAddress } from '../../model/server-address.ts';
import type { DatabaseFacts, Side } from '../../model/servers.ts';
import { requireDirect } from '../../postgres/direct.ts';
import { openSession, type Session } from '../../postgres/session.ts';
import type { Reached } from './patient.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** As far as one gets with what the environment says about one side. Never throws. */
export async function reach(
  environment: Environment,
  side: Side,
  readFacts: (session: Session) => Promise<DatabaseFacts>,
): Promise<Reached> {
  let address: ServerAddress | undefined;
  let session: Session | undefined;
  try {
    address = readAddress(environment, side);
    session = await openSession(address, { side, applicationName: 'staging-refresh doctor' });
    await requireDirect(session, address);
    return { side, address, session, facts: await readFacts(session) };
  } catch (cause) {
    await session?.close();
    return { side, error: asRefreshError(cause), ...(address ? { address } : {}) };
  }
}

function readAddress(environment: Environment, side: Side): ServerAddress {
  const [urlName, caName] =
    side === 'production'
      ? [environmentName.productionUrl, environmentName.productionCa]
      : [environmentName.stagingUrl, environmentName.stagingCa];
  const url = environment[urlName];
  if (url) return parseConnectionUrl(url, urlName, environment[caName] || undefined);
  throw new RefreshError('bad-environment', 'it is not set', {
    object: urlName,
    hint: `copy the connection string from the cluster’s page (Connection Details) into ${urlName}`,
  });
}
