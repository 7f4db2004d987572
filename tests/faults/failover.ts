import { superuser, withSession } from '../../scripts/local/session.ts';
import { type Fault, phases } from './fault.ts';
import type { Field, Side } from './field.ts';
import { renames } from './kill.ts';
import { lostCommits } from './lost-commit.ts';
import type { Random } from './random.ts';
import { loggingStatements } from './statement-log.ts';
import { failOver, type Twins } from './twins.ts';

/** Each round: a replica as the source, and either side's primary gone with its standby in its place. */
export function failoverFaults(random: Random, twins: Readonly<Record<Side, Twins>>): Fault[] {
  const { production, staging } = twins;
  const early = () => ({ phase: random.pick(phases.slice(1, 5)), delayMs: random.below(100) });
  const anytime = () => ({ phase: random.pick(phases.slice(0, -1)), delayMs: random.below(200) });
  const server = (name: string, moment: Fault['moment'], rest: Partial<Fault>): Fault => ({
    kind: 'server',
    name,
    expects: 'any',
    moment,
    ...rest,
  });
  return [
    ...[early(), early()].map((moment) =>
      server('the replica that is read has to replay a VACUUM', moment, {
        errors: ['recovery-conflict'],
        arrange: (field) => readReplica(field, production),
        strike: async ({ field }) => {
          await field.on('production', 'app', async (session) => {
            await session.query('update orders set note = note; update wide set filler = filler');
            await session.query('vacuum orders, wide, customers, lines');
          });
          return undefined;
        },
      }),
    ),
    server(
      'the replica that is read lies behind (--max-replay-lag-seconds 1)',
      { phase: 'snapshot', delayMs: 0 },
      {
        expects: 'not published',
        flags: ['--max-replay-lag-seconds', '1'],
        arrange: (field) => readReplica(field, production),
        strike: ({ field }) => holdReplay(field, production),
      },
    ),
    server('the replica that is read is promoted', early(), {
      arrange: (field) => readReplica(field, production),
      strike: async () => {
        await production.promote();
        return () => production.repair();
      },
    }),
    server('production fails over to its standby', anytime(), {
      strike: ({ field }) => failOver(field, 'production', production),
    }),
    server('staging fails over to its synchronous standby', anytime(), {
      strike: ({ field }) => failOver(field, 'staging', staging),
    }),
    server('staging’s synchronous standby is gone, and each COMMIT waits for it', early(), {
      strike: async () => {
        await staging.loseStandby();
        return () => staging.repair();
      },
    }),
    ...lostCommits(staging),
    ...[0, 20, 60, 120].map((delayMs) =>
      server(
        'staging fails over to its synchronous standby as it begins the renames, and up to 120 ms later',
        { logged: { pattern: renames, nth: 1 }, delayMs },
        { arrange: loggingStatements, strike: ({ field }) => failOver(field, 'staging', staging) },
      ),
    ),
  ];
}

/** The engine is sent to the replica; production changes on the primary, as ever. */
async function readReplica(field: Field, production: Twins): Promise<() => Promise<void>> {
  await production.caughtUp();
  field.proxies.production.redirect(production.standby.port);
  return async () => field.proxies.production.redirect(field.servers.production.port);
}

/** What the primary writes does not arrive any more, and reading takes a while. */
async function holdReplay(field: Field, { standby }: Twins): Promise<() => Promise<void>> {
  const replay = (what: string) =>
    withSession(standby, superuser(standby), 'postgres', (session) =>
      session.query(`select pg_wal_replay_${what}()`),
    );
  field.proxies.production.begin('throttle');
  await replay('pause');
  await field.on('production', 'app', (session) => session.query('update customers set label = label'));
  return async () => {
    await replay('resume');
    field.proxies.production.heal();
  };
}
