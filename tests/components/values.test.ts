import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeConnectionUrl, connectionUrlProblem, databaseOf } from '../../components/connection-url.ts';
import { engineFlags } from '../../components/engine-flags.ts';
import {
  forkFlagNames,
  type RunFlags,
  runFlagNames,
  runFlagsSchema,
  runFlagWords,
} from '../../components/run-flags.ts';
import { nextRun, scheduleProblem } from '../../components/schedule.ts';
import { shellWords } from '../../components/shell-words.ts';
import { type TrustedSourceRule, trustedSourceProblem } from '../../components/trusted-source-rule.ts';
import { forkCommand } from '../../scripts/commands/fork.ts';
import { runCommand } from '../../scripts/commands/run.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { nearestWord } from '../../scripts/model/spelling.ts';

test('a wrong connection string is explained as the engine would, without a word of it', () => {
  const right = 'postgresql://re%40der:p%2Fw%25@db.example:25060/my%20shop?sslmode=require';
  assert.equal(connectionUrlProblem(right), undefined);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['hunter2-not-a-url', /is not a URL: encode special characters/],
    ['mysql://hunter2:hunter2@h/d', /does not begin with postgresql:/],
    ['postgresql://user@host/db', /no password: it must read postgresql:/],
    ['postgresql://host', /names no user/],
    ['postgresql://u:hunter2@host', /names no database/],
    ['postgresql://u:hunter2%zz@host/db', /%25/],
    ['postgresql://u:hunter2#x@host/db', /is not a URL/],
    ['postgresql://u:hunter2@host/db?sslmode=disable', /without TLS/],
    ['postgresql://u:hunter2@host/db?options=-c', /not supported: options/],
  ];
  for (const [text, reason] of wrong) {
    const problem = connectionUrlProblem(text) ?? '';
    assert.match(problem, reason, text);
    assert.doesNotMatch(problem, /hunter2/);
    assert.equal(databaseOf(text), undefined, text);
  }
  assert.equal(databaseOf(right), 'my shop');
});

test('a composed connection string survives every character of a password', () => {
  const parts = { host: 'h', port: 1, user: 'a@b', password: `p:/?#[]@!$&'()*+,;=% "`, database: 'd b' };
  const { password, ...rest } = parseConnectionUrl(composeConnectionUrl(parts), 'URL');
  assert.deepEqual({ ...rest, password: password.reveal() }, parts);
  assert.equal(
    composeConnectionUrl({ host: 'h', port: 25060, user: 'doadmin', password: 'p@/', database: 'shop' }),
    'postgresql://doadmin:p%40%2F@h:25060/shop?sslmode=require',
  );
});

test('a typo finds the word that was meant, and nothing far-fetched', () => {
  const words = ['name', 'size', 'region', 'nodeCount', 'version', 'database', 'user'];
  const expected: readonly (readonly [string, string | undefined])[] = [
    ['nmae', 'name'],
    ['databse', 'database'],
    ['nodecount', 'nodeCount'],
    ['reigon', 'region'],
    ['colour', undefined],
  ];
  for (const [typo, word] of expected) assert.equal(nearestWord(typo, words), word, typo);
});

test('schedules are taken as GitHub takes them', () => {
  for (const cron of ['0 2 * * 0', '*/15 0-6 1,15 * MON-FRI', '30 4 * JAN sun', '0 2 * * */7']) {
    assert.equal(scheduleProblem(cron), undefined, cron);
  }
  for (const cron of [
    '0 2 * *',
    '0 0 2 * * 0',
    '@weekly',
    '0 2 L * *',
    '0 25 * * *',
    '0 2 31 2 *',
    'H 2 * * 0',
    '0 2 * * 7',
    '0,1 2 * * 0',
    '37 6 * * *',
    '',
  ]) {
    assert.notEqual(scheduleProblem(cron), undefined, cron);
  }
});

test('the next run is in UTC, whatever the zone of the machine', () => {
  assert.equal(nextRun('0 2 * * 0', new Date('2026-11-22T01:59:59Z')), '2026-11-22T02:00:00Z');
  assert.equal(nextRun('0 2 * * 0', new Date('2026-11-22T02:00:00Z')), '2026-11-29T02:00:00Z');
  assert.equal(nextRun('30 1 29 2 *', new Date('2026-11-22T02:00:00Z')), '2028-02-29T01:30:00Z');
});

test('trusted sources are refused as DigitalOcean refuses them', () => {
  const rules: readonly (readonly [TrustedSourceRule, RegExp | undefined])[] = [
    [{ type: 'ip_addr', value: '203.0.113.7' }, undefined],
    [{ type: 'ip_addr', value: '10.128.0.0/9' }, undefined],
    [{ type: 'ip_addr', value: '203.0.113.7/32' }, undefined],
    [{ type: 'ip_addr', value: '2001:db8::1' }, /IPv6/],
    [{ type: 'ip_addr', value: '10.0.0.300' }, /not an IPv4 address/],
    [{ type: 'ip_addr', value: '10.0.0.1/33' }, /prefix length/],
    [{ type: 'ip_addr', value: '10.0.0.1/24/1' }, /not an IPv4 address/],
    [{ type: 'ip_addr', value: '192.168.17.9/20' }, /write 192\.168\.16\.0\/20/],
    [{ type: 'ip_addr', value: '0.0.0.0/0' }, /whole internet/],
    [{ type: 'droplet', value: '163973392' }, undefined],
    [{ type: 'droplet', value: 'web-1' }, /numeric id/],
    [{ type: 'k8s', value: 'ff2a6c52-5a44-4b63-b99c-0e98e7a63d61' }, undefined],
    [{ type: 'app', value: 'shop' }, /UUID of a App|UUID of a/],
    [{ type: 'tag', value: 'staging:web' }, undefined],
    [{ type: 'tag', value: 'two words' }, /not a tag/],
  ];
  for (const [rule, reason] of rules) {
    const problem = trustedSourceProblem(rule);
    if (reason) assert.match(problem ?? '', reason);
    else assert.equal(problem, undefined);
  }
});

test('words of a command line keep their shape in a shell', () => {
  assert.equal(shellWords(['node', 'a b', "it's", '$HOME', '--x=1']), `node 'a b' 'it'\\''s' '$HOME' --x=1`);
});

test('each flag that a stack may give is one of the engine’s, with a value where that wants one', () => {
  const engine = new Map(runCommand().options.map((option) => [option.long, option.required]));
  const all = Object.fromEntries(
    runFlagNames.map((name) => [name, runFlagsSchema.safeParse({ [name]: true }).success ? true : 1]),
  );
  const words = runFlagWords(all as RunFlags);
  for (const [name, value] of Object.entries(all)) {
    assert.equal(engine.get(`--${name}`), value !== true, name);
    assert.ok(words.includes(`--${name}`), name);
  }
  const fork = forkCommand().options.map(({ long }) => long);
  assert.deepEqual(
    runFlagNames.filter((name) => fork.includes(`--${name}`)),
    forkFlagNames,
  );
});

test('flags say what differs from the engine’s own defaults', () => {
  const settings = {
    strategy: 'swap',
    artifactRecipient: undefined,
    openProductionTrustedSources: false,
    runnerAddress: 'https://ip.example',
    notifyFormat: 'slack',
    notifyStart: false,
    runFlags: [],
  } as const;
  const nowhere = { policy: undefined, owner: undefined, openStaging: false };
  assert.deepEqual(engineFlags(settings, nowhere), ['--summary']);
  const all = {
    ...settings,
    strategy: 'in-place',
    artifactRecipient: 'age1x',
    notifyFormat: 'json',
  } as const;
  assert.deepEqual(
    engineFlags(
      { ...all, openProductionTrustedSources: true },
      { policy: 'p.yaml', owner: 'app', openStaging: true },
    ).join(' '),
    '--summary --owner app --policy p.yaml --strategy in-place --recipient age1x ' +
      '--open-trusted-sources staging,production --runner-address https://ip.example --notify-format json',
  );
  assert.deepEqual(engineFlags(settings, { ...nowhere, openStaging: true }).slice(1), [
    '--open-trusted-sources',
    'staging',
    '--runner-address',
    'https://ip.example',
  ]);
});
