import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { serveDigitalOcean } from '../../scripts/local/api/digitalocean.ts';
import { serveGitHub } from '../../scripts/local/api/github.ts';
import type { ApiServer } from '../../scripts/local/api/server.ts';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { LocalClusters } from '../../scripts/local/cluster-host.ts';
import { ApiClient, objectIn, objectsIn } from '../../scripts/local/in-process/api-client.ts';
import { type Properties, textOf } from '../../scripts/local/in-process/property.ts';
import { StateFile } from '../../scripts/local/in-process/state.ts';
import { query, servers } from '../support/servers.ts';
import { TestProgram } from './in-process/program.ts';

const tokens = { digitalOcean: 'dop_v1_test_token', gitHub: 'ghp_test_token' };

const source = `
import * as pulumi from '@pulumi/pulumi';
import * as digitalocean from '@pulumi/digitalocean';
import * as github from '@pulumi/github';
const config = new pulumi.Config();
const ocean = new digitalocean.Provider('ocean', { token: config.requireSecret('oceanSecret'), apiEndpoint: config.require('ocean') });
const hub = new github.Provider('hub', { token: config.requireSecret('hubSecret'), owner: 'local', baseUrl: config.require('hub') });
const production = digitalocean.getDatabaseClusterOutput({ name: 'shop-production' }, { provider: ocean });
const cluster = new digitalocean.DatabaseCluster('cluster', {
  name: config.require('name'), engine: 'pg', version: '17', size: 'db-s-1vcpu-2gb', region: production.region, nodeCount: Number(config.get('nodes') ?? 1),
}, { provider: ocean });
const database = new digitalocean.DatabaseDb('database', { clusterId: cluster.id, name: 'shop' }, { provider: ocean });
const user = new digitalocean.DatabaseUser('user', { clusterId: cluster.id, name: 'app' }, { provider: ocean, deletedWith: cluster });
new digitalocean.DatabaseFirewall('firewall', { clusterId: cluster.id, rules: [{ type: 'ip_addr', value: '127.0.0.1' }] }, { provider: ocean });
new github.ActionsSecret('secret', { repository: 'shop', secretName: 'STAGING_DB_URL', value: cluster.uri }, { provider: hub });
new github.RepositoryFile('file', { repository: 'shop', file: 'notes/cluster.txt', content: config.require('text'), overwriteOnCreate: true }, { provider: hub });
export const host = cluster.host;
export const port = cluster.port;
export const id = cluster.id;
export const password = user.password;
export const databaseName = database.name;
export const ca = digitalocean.getDatabaseCaOutput({ clusterId: cluster.id }, { provider: ocean }).certificate;
`;

describe('in-process apply against the emulated APIs and real servers', () => {
  let folder: string;
  let program: TestProgram;
  let apis: { ocean: ApiServer; hub: ApiServer };
  let clusters: LocalClusters;
  let ocean: ApiClient;
  let hub: ApiClient;
  const made: string[] = [];

  const clusterNames = async () =>
    objectsIn(await ocean.request('GET', '/v2/databases'), 'databases').map(({ name }) => name);
  const apply = async (): Promise<Properties> => {
    const { outputs } = await program.apply();
    made.push(String(outputs.id));
    return outputs;
  };

  before(async () => {
    const { production, tools } = await servers();
    folder = await mkdtemp(join(tmpdir(), 'staging-refresh-apis-'));
    const authority = await openAuthority(join(folder, 'authority'));
    const productionId = randomUUID();
    clusters = new LocalClusters({
      folder: join(folder, 'clusters'),
      tools,
      authority,
      production: { id: productionId, server: production },
    });
    apis = {
      ocean: await serveDigitalOcean({
        stateFile: join(folder, 'digitalocean.json'),
        token: tokens.digitalOcean,
        host: clusters,
        creatingSeconds: 0,
        production: {
          id: productionId,
          name: 'shop-production',
          connection: {
            host: production.host,
            port: production.port,
            user: production.adminUser,
            password: production.adminPassword,
            database: 'defaultdb',
            ca: authority.caPem,
          },
        },
      }),
      hub: await serveGitHub({
        stateFile: join(folder, 'github.json'),
        token: tokens.gitHub,
        repositories: [{ owner: 'local', name: 'shop' }],
      }),
    };
    ocean = new ApiClient(apis.ocean.url, tokens.digitalOcean);
    hub = new ApiClient(`${apis.hub.url}/api/v3`, tokens.gitHub);
    program = await TestProgram.create(source);
    for (const [key, value] of Object.entries({
      ocean: apis.ocean.url,
      hub: apis.hub.url,
      oceanSecret: tokens.digitalOcean,
      hubSecret: tokens.gitHub,
      name: 'shop-staging',
      text: 'first',
    })) {
      program.set(key, value);
    }
  });

  after(async () => {
    await apis.ocean.close();
    await apis.hub.close();
    for (const id of made) await clusters.release(id);
    await program.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test('a cluster, a role or a database that a killed run left half made is not in the way', async () => {
    await ocean.request('POST', '/v2/databases', {
      name: 'shop-staging',
      engine: 'pg',
      version: '17',
      size: 'db-s-1vcpu-2gb',
      region: 'fra1',
      num_nodes: 1,
    });
    const type = 'digitalocean:index/databaseCluster:DatabaseCluster';
    const file = await StateFile.open(program.stateFile, 'open sesame');
    file.state.pending.push({ urn: `urn:pulumi:test::small::${type}::cluster`, operation: 'create' });
    await file.save();
    await apply();
    assert.deepEqual((await clusterNames()).toSorted(), ['shop-production', 'shop-staging']);
  });

  test('the role can use its database over verified TLS', async () => {
    const { outputs } = await program.apply();
    const { host, port, password } = outputs;
    const caFile = join(folder, 'authority', 'authority.pem');
    const rows = await query(
      `postgresql://app:${password}@${host}:${port}/shop`,
      caFile,
      'SELECT current_user AS name',
    );
    assert.deepEqual(rows, [{ name: 'app' }]);
    assert.match(String(outputs.ca), /^-----BEGIN CERTIFICATE-----/);
  });

  test('the repository has the secret and the file; the trusted source is in force', async () => {
    const secrets = objectsIn(await hub.request('GET', '/repos/local/shop/actions/secrets'), 'secrets');
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['STAGING_DB_URL'],
    );
    const file = await hub.request('GET', '/repos/local/shop/contents/notes/cluster.txt');
    assert.equal(Buffer.from(textOf(file, 'content') ?? '', 'base64').toString(), 'first');
    const [rule] = objectsIn(await ocean.request('GET', `/v2/databases/${made[0]}/firewall`), 'rules');
    assert.deepEqual([rule?.type, rule?.value], ['ip_addr', '127.0.0.1']);
  });

  test('a second preview changes nothing; a changed text and node count are updates in place', async () => {
    const before = await program.preview();
    assert.deepEqual({ ...before.counts, same: 0 }, { same: 0, create: 0, update: 0, replace: 0, delete: 0 });
    program.set('text', 'second');
    program.set('nodes', '2');
    const { counts } = await program.apply();
    assert.deepEqual([counts.update, counts.replace], [2, 0]);
    const cluster = objectIn(await ocean.request('GET', `/v2/databases/${made[0]}`), 'database');
    assert.equal(cluster.num_nodes, 2);
  });

  test('another name replaces the cluster and what is in it, the old one first', async () => {
    program.set('name', 'shop-staging-2');
    const outputs = await apply();
    assert.notEqual(outputs.id, made[0]);
    assert.deepEqual((await clusterNames()).toSorted(), ['shop-production', 'shop-staging-2']);
  });

  test('destroy removes it all, also what somebody has removed already, and leaves production', async () => {
    await hub.delete('/repos/local/shop/actions/secrets/STAGING_DB_URL');
    await program.destroy();
    assert.deepEqual(await clusterNames(), ['shop-production']);
    assert.equal(await hub.find('/repos/local/shop/contents/notes/cluster.txt'), undefined);
    const file = await StateFile.open(program.stateFile, 'open sesame');
    assert.equal(file.state.resources.size, 0);
  });
});
