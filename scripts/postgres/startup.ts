import type { Side } from '../model/servers.ts';
import { houseSettings, laterSettings } from './house-settings.ts';

/** What servers (`host:port`) know that were met already; older ones would refuse it in a start-up packet. */
const met = new Map<string, Readonly<Record<string, string>>>();

/** null: as the server, the database or the role has it. */
export type Settings = Readonly<Record<string, string | null>>;

/** How a session begins, and the statements that it still needs once its server has told its version; mostly `''`. */
export interface Startup {
  readonly options: string;
  readonly late: (version: string) => string;
}

/**
 * All settings in the start-up packet, which costs no round trip of its own; and before the first statement can run,
 * production is read-only.
 */
export function startup(
  server: string,
  {
    side,
    settings,
    startup,
  }: {
    readonly side: Side;
    readonly settings?: Settings;
    readonly startup?: Readonly<Record<string, string>>;
  },
): Startup {
  const readOnly = side === 'production' ? { default_transaction_read_only: 'on' } : {};
  const known = met.get(server);
  const all = { ...houseSettings, ...known, ...readOnly, ...settings, ...startup };
  return {
    // A space ends an option (manual, 53.7, StartupMessage).
    options: Object.entries(all)
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([name, value]) => `-c ${name}=${value.replace(/[\s\\]/g, '\\$&')}`)
      .join(' '),
    late: (version) => {
      const later = laterSettings(Number.parseInt(version, 10));
      met.set(server, later);
      const unset = known ? [] : Object.entries(later);
      return unset.map(([name, value]) => `set ${name} to '${value}'`).join(';\n');
    },
  };
}
