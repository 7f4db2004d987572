import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { complete, problemsOf, read } from './stack-config.ts';

const wrong: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
  [
    'a typo in an object',
    { stagingCluster: { nmae: 'x' } },
    ['stagingCluster.nmae: unknown, did you mean name?'],
  ],
  [
    'flags of a run: a typo, a wrong value, and what can’t be together',
    { runFlags: { 'keep-previos': 0, jobs: 'all', verify: 'checksum' } },
    [
      'runFlags.jobs: must be a number',
      'runFlags.verify: must be one of counts, checksums: did you mean checksums?',
      'runFlags.keep-previos: unknown, did you mean keep-previous?',
    ],
  ],
  [
    'flags of a run that only fail later',
    { runFlags: { 'artifact-content': 'full', rehearse: true, 'no-artifact': true } },
    [
      'runFlags.artifact-content: full needs artifactRecipient',
      'runFlags.rehearse: can’t be with no-artifact',
    ],
  ],
  [
    'a typo in a list',
    { trustedSources: [{ type: 'ip_addr', valeu: '203.0.113.7' }] },
    ['trustedSources[0].value: is missing', 'trustedSources[0].valeu: unknown, did you mean value?'],
  ],
  [
    'a typo in a key',
    { stagingClutser: { name: 'x' } },
    ['stagingClutser: unknown, did you mean stagingCluster?'],
  ],
  [
    'adopt beside what only an own cluster has',
    { stagingCluster: { adopt: 'shop-staging', size: 'x' }, trustedSources: [] },
    ['stagingCluster.size: must be left out with adopt'],
  ],
  [
    'adopt with a list',
    { stagingCluster: { adopt: 'shop-staging' } },
    ['trustedSources: must be left out with stagingCluster.adopt'],
  ],
  [
    'adopting production itself',
    { stagingCluster: { adopt: 'shop-production' }, trustedSources: [] },
    ['stagingCluster.adopt: is production itself'],
  ],
  [
    'production’s name for staging',
    { stagingCluster: { name: 'shop-production' } },
    ["stagingCluster.name: is production's name"],
  ],
  [
    'a database that can’t be renamed',
    { stagingCluster: { database: 'defaultdb' } },
    ['stagingCluster.database: "defaultdb" can\'t be renamed'],
  ],
  ['an empty list', { trustedSources: [] }, ['trustedSources: is empty, and an empty list is open']],
  ['a list and openToAll', { openToAll: true }, ['openToAll: contradicts trustedSources']],
  [
    'IPv6',
    { trustedSources: [{ type: 'ip_addr', value: '::1' }] },
    ['trustedSources[0].value: "::1" is IPv6'],
  ],
  [
    'one source twice',
    {
      trustedSources: [
        { type: 'tag', value: 'a' },
        { type: 'tag', value: 'a' },
      ],
    },
    ['trustedSources[1]: is there twice'],
  ],
  [
    'more sources than DigitalOcean allows',
    { trustedSources: Array.from({ length: 101 }, (_, i) => ({ type: 'ip_addr', value: `10.0.0.${i}` })) },
    ['trustedSources: holds more than the 100'],
  ],
  [
    'values of other types, in words that no library has chosen',
    {
      stagingCluster: { nodeCount: 'one', version: 17.2, size: 2 },
      trustedSources: ['203.0.113.7'],
      openToAll: 1,
      timeoutMinutes: 0,
      strategy: 'in_place',
      githubToken: 'two words',
    },
    [
      'stagingCluster.nodeCount: must be a number',
      'stagingCluster.version: must be a major version',
      'stagingCluster.size: must be text',
      'trustedSources[0]: must be an object such as {type: ip_addr',
      'openToAll: must be true or false',
      'timeoutMinutes: must be at least 1',
      'strategy: must be one of swap, in-place, fork: did you mean in-place?',
      'githubToken: must be one word',
    ],
  ],
  ['an object that is a list', { stagingCluster: [] }, ['stagingCluster: must be an object']],
  [
    'a database of the server’s own',
    { stagingCluster: { database: 'postgres' }, strategy: 'in-place' },
    ['stagingCluster.database: "postgres" is the server\'s own'],
  ],
  [
    'an alarm before the next run',
    { schedule: '0 2 1 * *' },
    ['alertAfterDays: 8 is less than the 31 days between two runs of "0 2 1 * *"'],
  ],
  ['no owner', { repository: 'shop' }, ['repository: must read OWNER/NAME']],
  ['a schedule of six fields', { schedule: '0 0 2 * * 0' }, ['schedule: "0 0 2 * * 0" has 6 fields']],
  ['a number that is none', { timeoutMinutes: 'an hour' }, ['timeoutMinutes: "an hour" is not a number']],
  ['longer than GitHub allows', { timeoutMinutes: 361 }, ['timeoutMinutes: must be at most 360']],
  [
    'a policy that isn’t there',
    { policy: 'policies/other.yaml' },
    ['policy: "policies/other.yaml" can\'t be read'],
  ],
  ['a policy outside the project', { policy: '../x.yaml' }, ['policy: must be the relative path']],
  ['an absolute policy', { policy: '/etc/x.yaml' }, ['policy: must be the relative path']],
  ['a short mask key', { maskKey: 'hunter2' }, ['maskKey: must have at least 16 characters']],
  [
    'no age recipient',
    { artifactRecipient: 'ssh-ed25519 AAAA' },
    ['artifactRecipient: must be an age public key'],
  ],
  ['no age identity', { artifactIdentity: 'hunter2' }, ['artifactIdentity: must be an age identity']],
  [
    'a webhook in clear',
    { notifyUrl: 'http://hooks.example/hunter2' },
    ['notifyUrl: must be an https:// address'],
  ],
  [
    'what a fork has from production, and what it makes no use of',
    {
      strategy: 'fork',
      stagingCluster: { name: 'x'.repeat(55), database: 'other', user: 'app', version: '17' },
      trustedSources: [],
      openToAll: true,
      refreshIn: 'github',
      artifactRecipient: `age1${'q'.repeat(58)}`,
      githubToken: undefined,
      digitalOceanToken: undefined,
    },
    [
      'stagingCluster.name: must have at most 54 characters with strategy fork',
      'stagingCluster.database: must be production\'s with strategy fork: "shop"',
      'stagingCluster.user: must be left out with strategy fork',
      'stagingCluster.version: must be left out with strategy fork',
      'refreshIn: must be here with strategy fork',
      'openToAll: is refused with strategy fork',
      'artifactRecipient: is of no use with strategy fork',
      'digitalOceanToken: must be in the stack with strategy fork',
      'githubToken: must be in the stack with strategy fork',
    ],
  ],
  [
    'a fork of an adopted cluster',
    { strategy: 'fork', stagingCluster: { adopt: 'somebody-s' }, trustedSources: [] },
    ['stagingCluster.adopt: is refused with strategy fork'],
  ],
  ['an unknown strategy', { strategy: 'copy' }, ['strategy: must be one of swap, in-place, fork']],
  ['an unknown place', { refreshIn: 'gitlab' }, ['refreshIn: must be one of here, github']],
  ['a day that is none', { holdUntil: '2026-13-45' }, ['holdUntil: is no day of any calendar']],
  ['a day that its month has not', { holdUntil: '2026-02-30' }, ['holdUntil: is no day of any calendar']],
  ['a word for a date', { holdUntil: 'Sunday' }, ['holdUntil: must be a date']],
  ['a mail to nobody', { mailUrl: 'smtps://u:hunter2@mail.example' }, ['mailUrl: must read smtps://']],
  ['an event of two words', { dispatchEvent: 'staging is new' }, ['dispatchEvent: must be at most 100']],
  [
    'no address of a runner',
    { runnerAddress: 'http://elsewhere.example' },
    ['runnerAddress: must be an IPv4 address'],
  ],
  ['an unknown format', { notifyFormat: 'xml' }, ['notifyFormat: must be one of slack, json']],
  [
    'nothing at all',
    Object.fromEntries(Object.keys(complete).map((key) => [key, undefined])),
    [
      'productionCluster: is missing',
      'productionDatabaseUrl: is missing',
      'repository: is missing',
      'digitalOceanToken: is missing',
      'githubToken: is missing',
      'trustedSources: is empty',
    ],
  ],
  [
    'several things, all at once',
    { productionDatabaseUrl: 'mysql://hunter2', schedule: 'weekly', repository: 'x/y/z' },
    [
      'productionDatabaseUrl: the URL does not begin with postgresql:',
      'schedule: "weekly" has 1 fields',
      'repository: must read',
    ],
  ],
];

for (const [what, values, expected] of wrong) {
  test(`refused: ${what}`, () => {
    const problems = problemsOf(() => read(values));
    assert.equal(problems.length, expected.length, problems.join('\n'));
    for (const start of expected) {
      const whole = `staging-refresh:${start}`;
      assert.ok(
        problems.some((problem) => problem.startsWith(whole)),
        `${whole} is not among\n${problems.join('\n')}`,
      );
    }
    assert.doesNotMatch(problems.join('\n'), /hunter2/);
  });
}

test('refused: a secret that is stored in clear, by the key that holds it', () => {
  const problems = problemsOf(() => read({}, {}, ['productionDatabaseUrl', 'digitalOceanToken']));
  assert.deepEqual(problems, [
    'staging-refresh:githubToken: is stored in clear: pulumi config set --secret staging-refresh:githubToken',
  ]);
});

test('refused: an owner that GitHub’s provider would not follow', () => {
  const problems = problemsOf(() => read({}, { GITHUB_OWNER: 'somebody' }));
  assert.match(problems.join(), /^staging-refresh:repository: isn't owned by GITHUB_OWNER=somebody/);
  assert.doesNotThrow(() => read({}, { GITHUB_OWNER: 'Example' }));
});

test('the message lists every problem, for a person who sees nothing else', () => {
  assert.throws(
    () => read({ schedule: 'weekly', branch: undefined, timeoutMinutes: 0 }),
    (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error), 'Pulumi prints a RunError without its stack');
      assert.match(
        error.message,
        /has 2 problems:\n {2}staging-refresh:schedule: .*\n {2}staging-refresh:timeout/,
      );
      return true;
    },
  );
});
