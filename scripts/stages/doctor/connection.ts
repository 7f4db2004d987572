import { coverage } from '../../digitalocean/rule.ts';
import { RefreshError } from '../../model/errors.ts';
import { counted } from '../../model/figures.ts';
import { describeAddress } from '../../model/server-address.ts';
import type { Side } from '../../model/servers.ts';
import { type Check, failed, ok, skipped, together, type Verdict, verdictOf, warning } from './finding.ts';
import { clusterName, hurdleOf, type Patient, type Reached, sides, urlName } from './patient.ts';

/** From the wire up: network, TLS, login, and that there is no pool in between. */
export function connectionChecks(patient: Patient): readonly Check[] {
  return [
    {
      id: 'network',
      title: 'Time-outs and trusted sources',
      problem: 3,
      examine: async () => {
        const verdicts: Verdict[] = [];
        for (const side of sides) {
          verdicts.push(reached(patient, side), await trustedSources(patient, side));
        }
        return together(verdicts);
      },
    },
    { id: 'tls', title: 'Verified TLS', examine: () => together(each(patient, tls)) },
    {
      id: 'login',
      title: 'Authentication and URL encoding',
      problem: 4,
      examine: () => together(each(patient, login)),
    },
    { id: 'pooler', title: 'Direct connections', examine: () => together(each(patient, pooler)) },
  ];
}

function each(patient: Patient, look: (reached: Reached) => Verdict): Verdict[] {
  return sides.map((side) => look(patient.servers[side]));
}

function reached(patient: Patient, side: Side): Verdict {
  const server = patient.servers[side];
  const { address, error } = server;
  if (!address) return skipped(`${side}: there is no usable URL`);
  if (hurdleOf(server) !== 'network' || !error) return ok(`${side}: ${describeAddress(address)} answers`);
  const page = `cloud.digitalocean.com/databases/${patient.clusterIds[side] ?? 'ID'}/settings`;
  return failed(
    `${side}: ${describeAddress(address)}: ${error.message}`,
    `${error.hint}; trusted sources: ${page} (Network Access), or: refresh run --open-trusted-sources ${side}`,
  );
}

async function trustedSources(patient: Patient, side: Side): Promise<Verdict> {
  const { api, clusterIds } = patient;
  const id = clusterIds[side];
  if (!api) return skipped(`${side}: its trusted sources are not known, DO_API_TOKEN is not set`);
  if (api instanceof RefreshError) return skipped(`${side}: its trusted sources are not known`);
  if (!id) return skipped(`${side}: its trusted sources are not known, ${clusterName[side]} is not set`);
  try {
    const rules = await api.firewall(id);
    if (coverage(rules, '0.0.0.0') !== undefined) {
      return warning(
        `${side}: the cluster is open to all, only passwords protect it`,
        `add trusted sources: cloud.digitalocean.com/databases/${id}/settings (Network Access)`,
      );
    }
    return ok(`${side}: ${counted(rules.length, 'trusted source')}`);
  } catch (error) {
    return verdictOf(error);
  }
}

function tls(server: Reached): Verdict {
  const { side, address, error } = server;
  const hurdle = hurdleOf(server);
  if (!address || hurdle === 'network') return skipped(`${side}: not reached`);
  if (hurdle !== 'tls' || !error)
    return ok(`${side}: the certificate is ${address.host}’s, signed by a known authority`);
  return failed(
    `${side}: ${error.message}`,
    `download the CA certificate from the cluster’s page (Connection Details) and put its text into ${side === 'production' ? 'PRODUCTION_DB_CA' : 'STAGING_DB_CA'}`,
  );
}

function login(server: Reached): Verdict {
  const { side, address, error } = server;
  const hurdle = hurdleOf(server);
  if (hurdle === 'network' || hurdle === 'tls') return skipped(`${side}: not reached`);
  if (hurdle === 'login' && error) {
    return failed(
      `${side}: ${error.message}${address ? '' : ` (${urlName[side]})`}`,
      `${error.hint}; then update the secret ${urlName[side]}`,
    );
  }
  return ok(`${side}: ${address?.user ?? ''} may connect to ${address?.database ?? ''}`);
}

function pooler(server: Reached): Verdict {
  const { side, session, error } = server;
  if (session) return ok(`${side}: no pool in between`);
  if (hurdleOf(server) === 'pooler' && error) return verdictOf(error);
  return hurdleOf(server) === 'other' && error ? verdictOf(error) : skipped(`${side}: not reached`);
}
