import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePolicy } from '../../scripts/policy/policy-file.ts';
import { policyFlags } from '../support/policy.ts';
import { as } from '../support/scenario.ts';
import { engineEnvironment, freshDatabase, sampleDatabase, servers } from '../support/servers.ts';

const launcher = fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url));
const policyFile = fileURLToPath(new URL('../../refresh.policy.yaml', import.meta.url));

function policy(environment: Record<string, string>, ...args: string[]) {
  return spawnSync(process.execPath, [launcher, 'policy', ...args], { env: environment, encoding: 'utf8' });
}

test('suggest writes a policy that passes check; check finds what is not decided and annotates it', async () => {
  const { staging } = await servers();
  const environment = await engineEnvironment({
    productionDatabase: (await sampleDatabase()).name,
    stagingDatabase: (await freshDatabase(staging)).name,
  });
  const suggested = policy(environment, 'suggest');
  assert.equal(suggested.status, 0, suggested.stderr);
  assert.match(suggested.stdout, / {2}public\.contacts:\n {4}mask:\n/);
  assert.match(suggested.stdout, / {6}email: email +# e-mail address/);
  assert.doesNotThrow(() => parsePolicy(suggested.stdout, 'suggested'));
  const [, file] = await policyFlags(suggested.stdout);
  const checked = policy(environment, 'check', '--policy', file);
  assert.equal(checked.status, 0, checked.stderr);
  assert.equal(policy(environment, 'check', '--policy', policyFile).status, 0);
  // Not the form alone: production computes every suggested mask.
  const plan = spawnSync(process.execPath, [launcher, 'plan', '--policy', file], {
    env: { ...environment, REFRESH_MASK_KEY: 'k'.repeat(32) },
    encoding: 'utf8',
  });
  assert.equal(plan.status, 0, plan.stderr);

  const [, half] = await policyFlags('version: 1\ntables:\n  public.contacts: { mask: { emial: email } }\n');
  const found = policy({ ...environment, GITHUB_ACTIONS: 'true' }, 'check', '--policy', half);
  assert.equal(found.status, 2);
  assert.match(found.stdout, /^::error file=.*,line=3::.*did you mean email\?$/m);
  assert.match(found.stdout, /^::error file=.*::public\.contacts\.email looks like personal data/m);
});

test('suggest: names, then what values look like by statistics, by a sample; what fits the column; no value is told', async () => {
  const { production, staging } = await servers();
  const database = await freshDatabase(production);
  const environment = await engineEnvironment({
    productionDatabase: database.name,
    stagingDatabase: (await freshDatabase(staging)).name,
  });
  await as('app', database, (session) =>
    session.query(`
      create type gender as enum ('f', 'm', 'x');
      create table people (id int primary key, reach text, phone text unique, full_name text unique, gender gender not null, ssn varchar(4) not null unique);
      create domain mailbox as varchar(60); create type reached as (email text, n int);
      create table tricky (id int, emails mailbox[], was reached not null, phones jsonb not null, feed_email xml, last people);
      create table late (id int, reach text) with (autovacuum_enabled = off);
      create table django_session (session_key text primary key);
      create table login_sessions (id int primary key);
      create table mails (id text primary key);
      create table "VerificationToken" (token text primary key);
      create schema pgboss; create table pgboss.job (name text, data jsonb) partition by list (name);
      create table river_job (id int primary key, kind text, parent int references river_job);
      create table orders (id int primary key, details jsonb, raw json, sent_to jsonb);
      insert into orders select g, jsonb_build_object('contact', jsonb_build_object('email', 'secret' || g || '@corp.test', 'status', 'x', 'name', 'n'),
          'lines', jsonb_build_array(jsonb_build_object('reach', '+49 30 ' || 550000 + g), jsonb_build_object('reach', '+49 40 ' || 550000 + g)),
          'secret1@corp.test', 'a key that is a value'),
        case when g = 1 then '{"token": "\\u0000"}' else '{"token": "secret"}' end::json,
        jsonb_build_array('secret' || g || '@corp.test') from generate_series(1, 100) g;
      create table visits (session int references login_sessions, email_id text references mails, ip inet unique,
        reset_token text default '');
      create unique index on visits (reset_token) where reset_token <> '';
      insert into people select g, 'secret' || g || '@corp.test', '+49 30 ' || g, 'k' || g, 'f', g::text from generate_series(1, 100) g;
      analyze people;
      insert into late select g, '+49 30 55' || g from generate_series(1, 100) g;`),
  );
  const [plain, sampled] = [policy(environment, 'suggest'), policy(environment, 'suggest', '--sample')];
  for (const { status, stdout, stderr } of [plain, sampled]) {
    assert.equal(status, 0, stderr);
    assert.doesNotThrow(() => parsePolicy(stdout, 'suggested'));
    assert.doesNotMatch(stdout, /secret\d|corp\.test|\+49/, 'no value is told');
    assert.match(stdout, / {6}reach: email +# e-mail address, by statistics \(100 %\)/);
    assert.match(stdout, / {6}full_name: hash +# name of a person/, 'unique, so no name out of a list');
    assert.match(stdout, / {6}gender: \{ choice: \["f","m","x"\] \} # health, belief or origin/);
    assert.match(
      stdout,
      / {6}ip: \{ ip: \{ version: 6 \} \} # network address/,
      'unique, so of more addresses',
    );
    assert.match(
      stdout,
      / {6}reset_token: null +# token or secret/,
      'a hash of each that is not set would be one',
    );
    assert.doesNotMatch(stdout, /email_id/, 'which mail it is says nothing of an address');
    assert.match(
      stdout,
      /tricky:\n {4}mask:\n {6}emails: email +# e-mail address\n {6}was: \{ fixed: "\(,\)" \} +# e-mail address in it\n {6}phones: \{ fixed: "\{\}" \} +# phone number in it\n {6}feed_email: null +# e-mail address in it\n {6}last: null +# phone number in it\n/,
    );
    assert.match(stdout, /# public\.people\.ssn: identity document; no mask fits/);
    assert.match(stdout, / {2}public\.django_session: \{ treatment: schema-only \} # who is logged in/);
    assert.doesNotMatch(stdout, /login_sessions/, 'rows refer to it');
    for (const name of ['pgboss.job', 'public.river_job', 'public.VerificationToken'])
      assert(
        stdout.includes(`  ${name}: { treatment: schema-only }`),
        `${name}: nothing but itself refers to it`,
      );
  }
  assert.doesNotMatch(plain.stdout, /public\.late/, 'it has no statistics');
  assert.match(
    sampled.stdout,
    /public\.late:\n {4}mask:\n {6}reach: phone +# phone number, by a sample \(100 %\)/,
  );
  assert.doesNotMatch(plain.stdout, /public\.orders/, 'documents are rows');
  for (const line of [
    'details: { json: { "lines[].reach": phone, "contact.email": email, "contact.name": { name: { part: full } } } }',
    'raw: { json: { "token": hash } }',
    'sent_to: { fixed: "[]" }',
  ])
    assert(sampled.stdout.includes(`\n      ${line} `), line);
  // What nobody has decided on yet stays undecided: the check of a pull request says so, column by column.
  const [, file] = await policyFlags(plain.stdout);
  const checked = policy({ ...environment, GITHUB_ACTIONS: 'true' }, 'check', '--policy', file);
  assert.equal(checked.status, 2);
  assert.deepEqual(
    checked.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => /::(public\.\S+) /.exec(line)?.[1])
      .sort(),
    ['public.people.ssn'],
  );
});
