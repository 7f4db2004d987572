import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as pulumi from '@pulumi/pulumi';
import { ownCluster, refreshArgs, refreshWorkflowArgs } from './component-args.ts';
import { declaredOutputs, mockPulumi, settled, watchRegisteredOutputs } from './mocks.ts';

const registered = mockPulumi();
const watched = watchRegisteredOutputs();
const { MaskKey } = await import('../../components/mask-key.ts');
const { lookUpProduction } = await import('../../components/production-cluster.ts');
const { Refresh } = await import('../../components/refresh.ts');
const { RefreshWorkflow } = await import('../../components/refresh-workflow.ts');
const { RepositorySecrets } = await import('../../components/repository-secrets.ts');
const { StagingCluster } = await import('../../components/staging-cluster.ts');
const { TrustedSources } = await import('../../components/trusted-sources.ts');

const production = await lookUpProduction('shop-production', {});
const staging = new StagingCluster('earlier', { cluster: ownCluster, production }, {});
await settled(staging.url);
await settled(staging.owner);

/** A component, by how it is made, and how many resources it makes. */
const components: readonly (readonly [
  number,
  (name: string, opts: pulumi.ComponentResourceOptions) => pulumi.ComponentResource,
])[] = [
  [3, (name, opts) => new StagingCluster(name, { cluster: ownCluster, production }, opts)],
  [
    1,
    (name, opts) =>
      new TrustedSources(name, { cluster: staging, rules: [{ type: 'tag', value: 'web' }] }, opts),
  ],
  [1, (name, opts) => new MaskKey(name, { key: undefined }, opts)],
  [
    2,
    (name, opts) =>
      new RepositorySecrets(
        name,
        { owner: 'example', repository: 'shop', environment: undefined, secrets: { A: 'a', B: 'b' } },
        opts,
      ),
  ],
  [5, (name, opts) => new RefreshWorkflow(name, refreshWorkflowArgs, opts)],
  [1, (name, opts) => new Refresh(name, refreshArgs, opts)],
];

for (const [count, make] of components) {
  const title = make.toString().match(/new (\w+)/)?.[1] ?? '';
  test(`${title}: children are parented and prefixed, outputs are registered`, async () => {
    const name = `family-${title}`;
    const parents = new Map<string, pulumi.Resource | undefined>();
    const before = registered.length;
    const component: pulumi.ComponentResource = make(name, {
      // Inherited by children only: a resource without its parent never comes by here.
      transformations: [
        ({ name: child, opts }) => {
          parents.set(child, opts.parent);
          return undefined;
        },
      ],
    });
    const outputs = declaredOutputs(component);
    for (const output of outputs)
      await settled(
        (component as unknown as Record<string, pulumi.Output<unknown>>)[output] ?? assert.fail(),
      );

    const children = registered.slice(before).filter(({ type }) => !type.startsWith('staging-refresh:'));
    assert.equal(children.length, count);
    for (const child of children) {
      assert.equal(parents.get(child.name), component, child.name);
      assert.ok(child.name.startsWith(name), child.name);
    }
    assert.ok(outputs.length > 0);
    for (const output of outputs) assert.ok(watched.get(component)?.includes(output), output);
  });
}
