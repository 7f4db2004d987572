/** What DigitalOcean offers for PostgreSQL, as its own description of the databases API gives it as an example. */
export const regions: readonly string[] = [
  'ams3',
  'blr1',
  'fra1',
  'lon1',
  'nyc1',
  'nyc2',
  'nyc3',
  'sfo2',
  'sfo3',
  'sgp1',
  'syd1',
  'tor1',
  'ric1',
  'atl1',
];

const sizes: readonly string[] = [
  'db-s-1vcpu-1gb',
  'db-s-1vcpu-2gb',
  'db-s-2vcpu-4gb',
  'db-s-4vcpu-8gb',
  'db-s-6vcpu-16gb',
  'gd-2vcpu-8gb',
  'gd-4vcpu-16gb',
  'gd-8vcpu-32gb',
  'gd-16vcpu-64gb',
  'gd-32vcpu-128gb',
  'gd-40vcpu-160gb',
  'so1_5-2vcpu-16gb',
  'so1_5-4vcpu-32gb',
  'so1_5-8vcpu-64gb',
  'so1_5-16vcpu-128gb',
  'so1_5-24vcpu-192gb',
  'so1_5-32vcpu-256gb',
  'db-intel-1vcpu-1gb',
  'db-amd-1vcpu-1gb',
  'db-intel-1vcpu-2gb',
  'db-amd-1vcpu-2gb',
  'db-amd-2vcpu-4gb',
  'db-intel-2vcpu-4gb',
  'db-amd-2vcpu-8gb',
  'db-intel-2vcpu-8gb',
  'db-intel-4vcpu-8gb',
  'db-amd-4vcpu-8gb',
  'db-amd-4vcpu-16gb',
  'db-intel-4vcpu-16gb',
  'db-intel-8vcpu-32gb',
  'db-amd-8vcpu-32gb',
  'db-intel-16vcpu-64gb',
  'db-amd-16vcpu-64gb',
];

/** The smallest sizes exist without standby nodes only. */
const singleNodeOnly: readonly string[] = ['db-s-1vcpu-1gb', 'db-intel-1vcpu-1gb', 'db-amd-1vcpu-1gb'];

export const layouts: readonly { readonly num_nodes: number; readonly sizes: readonly string[] }[] = [
  1, 2, 3,
].map((nodes) => ({
  num_nodes: nodes,
  sizes: nodes === 1 ? sizes : sizes.filter((size) => !singleNodeOnly.includes(size)),
}));

export const defaultVersion = '17';

/** Major versions with the minor one that new clusters get, and when they leave the offer and their support. */
export const versions: readonly VersionOffer[] = [
  {
    version: '13',
    semantic: '13.22',
    availableUntil: '2025-05-13T00:00:00Z',
    supportedUntil: '2025-11-13T00:00:00Z',
  },
  {
    version: '14',
    semantic: '14.19',
    availableUntil: '2026-05-12T00:00:00Z',
    supportedUntil: '2026-11-12T00:00:00Z',
  },
  {
    version: '15',
    semantic: '15.14',
    availableUntil: '2027-05-12T00:00:00Z',
    supportedUntil: '2027-11-11T00:00:00Z',
  },
  {
    version: '16',
    semantic: '16.10',
    availableUntil: '2028-05-09T00:00:00Z',
    supportedUntil: '2028-11-09T00:00:00Z',
  },
  {
    version: '17',
    semantic: '17.6',
    availableUntil: '2029-05-08T00:00:00Z',
    supportedUntil: '2029-11-08T00:00:00Z',
  },
];

export interface VersionOffer {
  readonly version: string;
  readonly semantic: string;
  readonly availableUntil: string;
  readonly supportedUntil: string;
}

/** Memory of one node in GB and its virtual CPUs, from the size's own name (`db-s-2vcpu-4gb`). */
export function capacity(size: string): { readonly memory: number; readonly cpus: number } {
  const [, cpus = '0', memory = '0'] = /(\d+)vcpu-(\d+)gb/.exec(size) ?? [];
  return { memory: Number(memory), cpus: Number(cpus) };
}

/**
 * Disk that comes with a size, in MiB. The description gives one figure, 60 GiB with 4 GB of memory; the others are
 * in proportion, the smallest has 10 GiB.
 */
export function baseStorage(size: string): number {
  return Math.max(capacity(size).memory * 15, 10) * 1024;
}
