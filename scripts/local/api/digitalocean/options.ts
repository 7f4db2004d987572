import type { ScopedRoute } from './access.ts';
import { defaultVersion, layouts, regions, versions } from './catalogue.ts';

/** `GET /v2/databases/options`; of the engines the emulation has PostgreSQL alone. */
export function optionRoutes(): readonly ScopedRoute[] {
  return [
    {
      method: 'GET',
      path: '/v2/databases/options',
      scope: 'database:read',
      handle: () => ({
        status: 200,
        body: {
          options: {
            pg: {
              regions,
              versions: versions.map(({ version }) => version),
              layouts,
              default_version: defaultVersion,
            },
          },
          version_availability: {
            pg: versions.map(({ version, supportedUntil, availableUntil }) => ({
              version,
              end_of_life: supportedUntil,
              end_of_availability: availableUntil,
              default: version === defaultVersion,
            })),
          },
        },
      }),
    },
  ];
}
