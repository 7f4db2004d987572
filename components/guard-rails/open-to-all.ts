import { type Finding, kind, known, type Managed, textOf } from './managed.ts';

/** Lists of trusted sources that let the whole internet in. */
export function openList(resources: readonly Managed[]): readonly Finding[] {
  return resources
    .filter(({ type }) => type === kind.firewall)
    .flatMap((firewall) => {
      const rules = known(() => firewall.props.rules);
      if (!Array.isArray(rules)) return [];
      if (rules.length === 0)
        return [{ message: `${firewall.name}: an empty list is open to the whole internet` }];
      return rules.flatMap((_, index) => {
        const value =
          textOf({ ...firewall, props: { rule: known(() => rules[index]) } }, 'rule', 'value') ?? '';
        return /\/0+$/.test(value) ? [{ message: `${firewall.name}: ${value} is the whole internet` }] : [];
      });
    });
}

/** Clusters that no list of trusted sources belongs to: DigitalOcean lets everybody connect to them. */
export function withoutList(resources: readonly Managed[]): readonly Finding[] {
  const guarded = resources
    .filter(({ type }) => type === kind.firewall)
    .flatMap(({ propertyDependencies }) => (propertyDependencies.clusterId ?? []).map(({ name }) => name));
  return resources
    .filter(({ type, name }) => type === kind.cluster && !guarded.includes(name))
    .map(({ name }) => ({
      message: `${name}: has no trusted sources, and so is open to the whole internet`,
    }));
}
