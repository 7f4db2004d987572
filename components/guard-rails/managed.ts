/** A resource as a policy sees it. Secrets come unwrapped: a policy can't tell whether Pulumi will encrypt a value. */
export interface Managed {
  readonly type: string;
  readonly name: string;
  /** Reading what a preview doesn't know yet throws: see `known`. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly propertyDependencies: Readonly<Record<string, readonly { readonly name: string }[]>>;
}

/** A rule that was broken. Never quotes a value that may be secret. */
export interface Finding {
  readonly message: string;
}

/** The value, or undefined as long as a preview doesn't know it. */
export function known<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.constructor.name === 'UnknownValueError') return undefined;
    throw error;
  }
}

/** A text among a resource's properties, such as `textOf(command, 'environment', 'STAGING_DB_URL')`. */
export function textOf({ props }: Managed, ...path: readonly string[]): string | undefined {
  const value = known(() =>
    path.reduce<unknown>((holder, key) => (holder as Record<string, unknown> | undefined)?.[key], props),
  );
  return typeof value === 'string' ? value : undefined;
}

export const kind = {
  cluster: 'digitalocean:index/databaseCluster:DatabaseCluster',
  firewall: 'digitalocean:index/databaseFirewall:DatabaseFirewall',
  command: 'command:local:Command',
  file: 'github:index/repositoryFile:RepositoryFile',
  variable: 'github:index/actionsVariable:ActionsVariable',
} as const;
