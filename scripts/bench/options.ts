import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { RefreshError } from '../model/errors.ts';

/** What one run of the benchmark was asked for. */
export interface BenchOptions {
  readonly mode: 'copy' | 'growth' | 'policy';
  readonly rounds: number;
  /** 1 is about 700 MB of tables. */
  readonly scale: number;
  readonly smallTables: number;
  readonly jobs: number;
  /** Milliseconds to each server and back, for everybody; undefined: as far as this machine is from itself. */
  readonly roundTripMs: number | undefined;
  /** Keys of the contenders that take part; undefined: all that are there. */
  readonly only: readonly string[] | undefined;
  /** Where servers and data live; undefined: a new temporary folder. */
  readonly folder: string | undefined;
  /** Leaves servers (stopped) and data in `folder` for the next run. */
  readonly keep: boolean;
  /** Folder of performance.md and its chart; undefined: nothing is written. */
  readonly docs: string | undefined;
  /** File for every single measurement, as JSON. */
  readonly results: string | undefined;
  /** As the user gave them: what the document says the figures were made with. */
  readonly command: string;
}

export const usage = `npm run bench -- [options]
  --rounds N       rounds of which medians are taken (default 3; 1 with --growth or --quick)
  --scale X        size of the data, 1 is about 700 MB of tables (default 1; 0.1 with --quick)
  --small-tables N small tables beside the large ones (default 200)
  --jobs N         parallel jobs of everybody who has such a flag (default 2)
  --round-trip MS  puts both servers this far away, by a proxy before each (0: the proxies alone); writes no document
  --only A,B       some of: documented, directory, directory-default, pgcopydb, refresh, refresh-no-artifact,
                   refresh-copy; or pg_restore, restore
  --growth         0.25, 1 and 4 times the data; 100, 1,000 and 10,000 tables; 1, 2 and 4 jobs
  --policy         what masks and a subset cost: a million people, half of a million and a half lines
  --quick          a small trial that writes no document
  --folder DIR     where servers and data live (default: a new temporary folder)
  --keep           leave them there for the next run with the same --folder
  --docs DIR       where performance.md and performance.svg go (default: docs; not with --quick)
  --no-docs        write neither
  --results FILE   write every measurement as JSON
`;

/** @throws RefreshError `bad-flag`. */
export function readOptions(argv: readonly string[]): BenchOptions | 'help' {
  const given = parse(argv);
  if (given.help) return 'help';
  const small = given.growth === true || given.quick === true;
  if (given.keep && !given.folder)
    throw badFlag('--keep', 'it needs --folder', 'a temporary folder is not found again');
  const writesDocs =
    given['no-docs'] !== true && (given.docs !== undefined || !(given.quick || given['round-trip']));
  return {
    mode: given.growth ? 'growth' : given.policy ? 'policy' : 'copy',
    rounds: wholeNumber('--rounds', given.rounds ?? (small ? '1' : '3'), 1, 100),
    scale: positive('--scale', given.scale ?? (given.quick ? '0.1' : '1')),
    smallTables: wholeNumber('--small-tables', given['small-tables'] ?? '200', 0, 100_000),
    jobs: wholeNumber('--jobs', given.jobs ?? '2', 1, 64),
    roundTripMs:
      given['round-trip'] === undefined
        ? undefined
        : wholeNumber('--round-trip', given['round-trip'], 0, 1000),
    only: given.only?.split(','),
    folder: given.folder ? resolve(given.folder) : undefined,
    keep: given.keep ?? false,
    docs: writesDocs ? resolve(given.docs ?? 'docs') : undefined,
    results: given.results ? resolve(given.results) : undefined,
    command: ['npm run bench', ...(argv.length > 0 ? ['--', ...measuring(argv)] : [])].join(' '),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string' },
        scale: { type: 'string' },
        'small-tables': { type: 'string' },
        jobs: { type: 'string' },
        'round-trip': { type: 'string' },
        only: { type: 'string' },
        growth: { type: 'boolean' },
        policy: { type: 'boolean' },
        quick: { type: 'boolean' },
        folder: { type: 'string' },
        keep: { type: 'boolean' },
        docs: { type: 'string' },
        'no-docs': { type: 'boolean' },
        results: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw badFlag('bench', cause instanceof Error ? cause.message : String(cause), usage);
  }
}

/** The flags that decide what is measured; folders are this machine's own business. */
function measuring(argv: readonly string[]): string[] {
  const places = ['--folder', '--docs', '--results'];
  return argv.filter((word, index) => {
    const before = argv[index - 1] ?? '';
    const place = places.some((name) => word === name || word.startsWith(`${name}=`));
    return !place && !places.includes(before) && word !== '--keep' && word !== '--no-docs';
  });
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw badFlag(flag, `has to be a whole number from ${least} to ${most}`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100) return value;
  throw badFlag(flag, 'has to be a number above 0, at most 100');
}

function badFlag(flag: string, message: string, hint = 'npm run bench -- --help lists the options') {
  return new RefreshError('bad-flag', message, { object: flag, hint });
}
