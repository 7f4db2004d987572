import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { AgeEncryption } from '../../scripts/artifact/age.ts';
import { artifactName, timeOfName } from '../../scripts/artifact/artifact-name.ts';
import { greetingFrame } from '../../scripts/artifact/format.ts';
import { deleteAbandoned, deleteOldArtifacts } from '../../scripts/artifact/retention.ts';
import { writeSmallArtifact } from './small-artifact.ts';

const now = new Date('2026-11-22T02:00:00Z');
const newest = 'prod_backup_20261122_020000.sql.zst';
let recipient = '';
let ourAge: Buffer = Buffer.alloc(0);
let folder = '';

before(async () => {
  recipient = await identityToRecipient(await generateX25519Identity());
  ourAge = (await AgeEncryption.forRecipient(recipient)).start;
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function fill(files: Readonly<Record<string, Buffer | string>>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  folder = await mkdtemp(join(tmpdir(), 'staging-refresh-retention-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

const left = async () => (await readdir(folder)).sort();

test('names say the time, whether rows are production’s own, and encryption', () => {
  const at = new Date('2025-01-05T02:00:00.999Z');
  assert.equal(artifactName(at, 'copied', false), 'prod_backup_20250105_020000.sql.zst');
  assert.equal(artifactName(at, 'full', true), 'prod_backup_20250105_020000_full.sql.zst.age');
  assert.equal(
    timeOfName('prod_backup_20250105_020000_full.sql.zst.age')?.toISOString(),
    '2025-01-05T02:00:00.000Z',
  );
  assert.equal(timeOfName('prod_backup_20250105_020000.sql.gz'), undefined);
});

test('by number and by age; the one just written stays, and so does what is not known to be of this database', async () => {
  const strangers = {
    'prod_backup_20200101_000000.sql.zst': 'somebody else’s',
    'prod_backup_20200102_000000.sql.zst.age': 'age-encryption.org/v1\n-> X25519 abc\nxyz\n--- mac\n',
    'prod_backup_20200103_000000.sql': greetingFrame(),
    'prod_backup_old.sql.zst': greetingFrame(),
    'notes.txt': '',
  };
  // Under names of ours, too: nobody reads them, and a FIFO would be waited for.
  const [link, directory, pipe] = ['01', '02', '03'].map(
    (day) => `prod_backup_201901${day}_000000.sql.zst`,
  ) as [string, string, string];
  const dated = [
    'prod_backup_20261001_020000.sql.zst',
    'prod_backup_20261101_020000.sql.zst.age',
    'prod_backup_20261108_020000_full.sql.zst.age',
    'prod_backup_20261115_020000.sql.zst',
    newest,
  ];
  const anothers = ['prod_backup_20200104_000000.sql.zst', 'prod_backup_20261121_000000.sql.zst.age'];
  const older = ['prod_backup_20200105_000000.sql.zst', 'prod_backup_20200105_000000_full.sql.zst.age'];
  const cut = 'prod_backup_20200106_000000.sql.zst';
  const remaining = async (keep: number | undefined, days: number | undefined) => {
    await fill({ ...strangers, [cut]: greetingFrame() });
    for (const [names, databaseId] of [
      [dated, 'shop'],
      [anothers, 'blog'],
      [older, undefined],
    ] as const)
      for (const name of names)
        await writeSmallArtifact(join(folder, name), {
          recipient: name.endsWith('.age') ? recipient : undefined,
          databaseId,
        });
    await symlink(newest, join(folder, link));
    await mkdir(join(folder, directory));
    spawnSync('mkfifo', [join(folder, pipe)]);
    const all = await left();
    const { deleted, unknown } = await deleteOldArtifacts(
      folder,
      'shop',
      { keep, days },
      join(folder, newest),
      now,
    );
    const names = await left();
    const gone = all.filter((name) => !names.includes(name));
    assert.deepEqual(deleted.map((path) => basename(path)).sort(), gone);
    assert.deepEqual(
      gone.filter((name) => !dated.includes(name)),
      [],
    );
    assert.deepEqual(unknown.map((path) => basename(path)).sort(), [...older, cut].sort());
    return dated.length - gone.length;
  };
  assert.equal(await remaining(2, undefined), 2);
  assert.equal(await remaining(undefined, 20), 3);
  assert.equal(await remaining(4, 20), 3);
  assert.equal(await remaining(1, 1), 1);
  assert.equal(await remaining(10, 365), 5);
});

test('half-written files go when their writer is dead, and only those that runs have begun', async () => {
  const dead = spawn('true');
  await once(dead, 'exit');
  const name = (pid: number | undefined, machine = hostname().replaceAll(/[^\w-]/g, '-')) =>
    `prod_backup_20261101_020000.sql.zst.${machine}.${pid}.partial`;
  const begun = Buffer.concat([greetingFrame(), Buffer.from('rows')]);
  const stay = {
    [name(process.ppid)]: begun,
    [name(dead.pid, 'another')]: begun,
    [name(dead.pid).replace('0000.sql', '0001.sql')]: 'a stranger’s',
    'prod_backup_20261101_020000.sql.zst.partial': begun,
    [newest]: begun,
  };
  await fill({
    ...stay,
    [name(dead.pid)]: begun,
    [name(process.pid)]: '',
    [name(dead.pid).replace('0000.sql', '0002.sql')]: begun.subarray(0, 11),
    [name(dead.pid).replace('0000.sql.zst', '0003.sql.zst.age')]: ourAge,
    [name(dead.pid, 'long-ago')]: begun,
  });
  const longAgo = new Date(Date.now() - 25 * 3_600_000);
  await utimes(join(folder, name(dead.pid, 'long-ago')), longAgo, longAgo);
  assert.equal((await deleteAbandoned(folder, new Date())).length, 5);
  assert.deepEqual(await left(), Object.keys(stay).sort());
});
