import { RefreshError } from '../../model/errors.ts';
import { parseConnectionUrl, type ServerAddress } from '../../model/server-address.ts';

/** The address of a server from two variables; what is wrong with them goes to `problems`. */
export function readAddress(
  urlName: string,
  caName: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: RefreshError[],
): ServerAddress | undefined {
  const url = environment[urlName];
  if (!url) {
    problems.push(
      new RefreshError('bad-environment', 'it is not set', {
        object: urlName,
        hint: 'set it to postgresql://user:password@host:port/database; locally: . .local/env',
      }),
    );
    return undefined;
  }
  const ca = environment[caName];
  if (ca && !/-----BEGIN [A-Z ]*CERTIFICATE-----/.test(ca)) {
    problems.push(
      new RefreshError('bad-environment', 'it holds no certificate', {
        object: caName,
        hint: `it takes the certificate’s text, not its path: export ${caName}="$(cat ca-certificate.crt)"`,
      }),
    );
  }
  try {
    return parseConnectionUrl(url, urlName, environment[caName] || undefined);
  } catch (error) {
    if (!(error instanceof RefreshError)) throw error;
    problems.push(error);
    return undefined;
  }
}
