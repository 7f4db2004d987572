import { isIPv4 } from 'node:net';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { sessionOptions } from '../../postgres/run-sessions.ts';
import { openSession } from '../../postgres/session.ts';

/**
 * This machine's IPv4 address as the clusters see it. No third party is asked by default: the flag says the address, or
 * names a service that echoes it, or a server that lets us in already (staging, then production) says whom it sees.
 *
 * @throws RefreshError `host-unreachable` when nobody can tell, `api-unavailable` when the service doesn't.
 */
export async function findRunnerAddress(run: Run): Promise<string> {
  const { runnerAddress } = run.config.trustedSources;
  if (runnerAddress === undefined) return await askServers(run);
  if (isIPv4(runnerAddress)) return usable(runnerAddress, '--runner-address');
  return usable(await askService(runnerAddress, run.signal), `the service ${new URL(runnerAddress).host}`);
}

async function askServers(run: Run): Promise<string> {
  let refused: unknown;
  for (const side of ['staging', 'production'] as const) {
    try {
      await using session = await openSession(run.config[side], sessionOptions(run, side));
      const { address } = await session.row<{ address: string | null }>(
        'select host(pg_catalog.inet_client_addr()) as address',
      );
      if (address && isIPv4(address)) return usable(address, session.label);
      run.log.info(`${side} sees this machine as ${address ?? 'a local process'}: no IPv4 address`);
    } catch (error) {
      run.signal.throwIfAborted();
      refused ??= error;
    }
  }
  throw new RefreshError('host-unreachable', 'no server can say from which address this machine comes', {
    object: '--open-trusted-sources',
    hint: '--runner-address takes this machine’s public IPv4 address, or the https:// URL of a service that answers with it',
    cause: refused,
  });
}

async function askService(url: string, signal: AbortSignal): Promise<string> {
  const fail = (why: string, cause?: unknown) =>
    new RefreshError('api-unavailable', `the service that says this machine’s address ${why}`, {
      object: new URL(url).host,
      hint: '--runner-address also takes the address itself',
      cause,
    });
  let text: string;
  try {
    const limit = AbortSignal.timeout(10_000);
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.any([signal, limit]) });
    if (!response.ok) throw fail(`answered ${response.status}`);
    text = (await response.text()).slice(0, 200).trim();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof RefreshError) throw cause;
    throw fail('did not answer', cause);
  }
  // Plain text, or JSON such as {"ip":"203.0.113.7"}.
  const address = /^(?:\{\s*"ip"\s*:\s*")?([\d.]+)(?:"\s*\})?$/.exec(text)?.[1];
  if (address && isIPv4(address)) return address;
  throw fail('answered with something else than an IPv4 address');
}

/** What can't be one machine's address is not let in, whoever says it. */
function usable(address: string, origin: string): string {
  const first = Number(address.split('.', 1)[0]);
  if (first > 0 && first < 224) return address;
  throw new RefreshError('bad-flag', `${address} is no machine’s address`, {
    object: origin,
    hint: '--runner-address takes this machine’s public IPv4 address',
  });
}
