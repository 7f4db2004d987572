import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, startServer } from '../../scripts/local/server.ts';
import { type EngineEnd, startRun } from './engine-run.ts';
import type { Fault } from './fault.ts';
import type { Field } from './field.ts';
import type { Random } from './random.ts';

/** What one fault did. */
export interface Trial {
  readonly fault: Fault;
  /** False where the run was over before its moment came. */
  readonly struck: boolean;
  readonly code: number | null;
  readonly error: string | undefined;
  readonly published: boolean;
  readonly milliseconds: number;
  /** Who left nothing behind: the run itself, or the one after it. */
  readonly cleanedBy: 'the run' | 'the next run';
  /** What should not have happened. */
  readonly wrong: readonly string[];
  readonly stderr: string;
}

/** Lets one fault happen to one run, looks at what is left, and has a run without faults clean up where something is. */
export async function tryFault(field: Field, fault: Fault, random: Random): Promise<Trial> {
  const act = await fault.act?.(field);
  const old = (await field.staging()).generation;
  if (!act && old === field.generation) await field.nextGeneration();
  const wanted = act?.generation ?? field.generation;
  field.allow(old, wanted);
  const restore = (await fault.arrange?.(field)) ?? undefined;
  const run = await startRun(field, fault.flags, fault.places, act?.command);
  const struck = await run.reach(fault.moment);
  const struckAt = performance.now();
  const undo = struck ? await fault.strike?.({ field, run, random }) : undefined;
  const end = await run.ended;
  await undo?.();
  await restore?.();
  await standing(field);
  const wrong: string[] = [];
  if (end.hung) wrong.push('it hung');
  if (/\(node:\d+\)|^ {4}at /m.test(end.stderr)) wrong.push('Node complained');
  if (end.error === 'unclassified') wrong.push('an unclassified error');
  if (end.error && fault.errors && !fault.errors.includes(end.error)) wrong.push(`it ended as ${end.error}`);
  const published = await judge(field, fault, end, { old, wanted }, wrong);
  const left = await leftovers(field, end);
  if (left.length > 0) await cleanUp(field, wrong);
  if (field.reads.flaws.length > 0)
    wrong.push(`a reader saw ${field.reads.flaws.splice(0).slice(0, 3).join('; ')}`);
  return {
    fault,
    struck: struck || fault.strike === undefined,
    code: end.code,
    error: end.error,
    published,
    milliseconds: end.at - struckAt,
    cleanedBy: left.length === 0 ? 'the run' : 'the next run',
    wrong,
    stderr: `${end.stderr}\nleft: ${left.join(', ')}`,
  };
}

/** Whether staging is new; it must be the old database or the new one, and what the exit status says. */
async function judge(
  field: Field,
  fault: Fault,
  end: EngineEnd,
  { old, wanted }: { readonly old: number; readonly wanted: number },
  wrong: string[],
): Promise<boolean> {
  const state = await field.staging();
  const published = state.generation === wanted;
  if (!published && state.generation !== old) wrong.push(`staging is neither: ${state.content}`);
  if ((end.code === 0 || end.code === 6) && !published) wrong.push(`exit ${end.code}, and staging is old`);
  if (end.code !== null && end.code !== 0 && end.code !== 6 && published) {
    // The second signal ends the process at once, whatever it has done by then.
    if (fault.name !== 'SIGINT, twice') wrong.push(`exit ${end.code}, and staging is new`);
  }
  if (fault.expects === 'published' && end.code !== 0) wrong.push(`exit ${end.code} instead of 0`);
  if (fault.expects === 'not published' && published) wrong.push('it was published');
  return published;
}

/** What a run without faults makes of it: it has to publish, and to leave nothing. */
async function cleanUp(field: Field, wrong: string[]): Promise<void> {
  field.allow((await field.staging()).generation, field.generation);
  const next = await (await startRun(field)).ended;
  if (next.code !== 0) wrong.push(`the next run failed: ${next.stderr.split('\n').slice(-4).join(' ')}`);
  if ((await field.staging()).generation !== field.generation) wrong.push('the next run published nothing');
  const left = await leftovers(field, next);
  if (left.length > 0) wrong.push(`the next run left ${left.join(', ')}`);
}

/** Sessions need a moment to end; a database or a file stays. */
async function leftovers(field: Field, end: EngineEnd): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const left = [
      ...end.files,
      ...(await inServer(field, 'production')),
      ...(await inServer(field, 'staging')),
    ];
    if (left.length === 0 || tries === 40) return left;
    await sleep(50);
  }
}

async function inServer(field: Field, side: 'production' | 'staging'): Promise<string[]> {
  return await field.as(side, 'postgres', async (session) => {
    const { rows } = await session.query<{ what: string }>(
      `select 'database ' || datname as what from pg_database where datname like 'business\\_\\_next\\_%'
        union all
       select 'more than one earlier database' from pg_database where datname like 'business\\_\\_previous\\_%' having count(*) > 1
        union all
       select 'session ' || coalesce(query, '') from pg_stat_activity where application_name like 'staging-refresh%'`,
    );
    return rows.map(({ what }) => `${side}: ${what}`);
  });
}

/** A server that crashed is back before anything is judged. */
async function standing(field: Field): Promise<void> {
  for (const side of ['production', 'staging'] as const) {
    for (let tries = 0; ; tries++) {
      try {
        if (!(await isRunning(field.servers[side]))) await startServer(field.servers[side]);
        await field.on(side, 'postgres', (session) => session.query('select 1'));
        break;
      } catch (error) {
        if (tries === 300) throw error;
        await sleep(100);
      }
    }
  }
}
