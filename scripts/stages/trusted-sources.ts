import { DigitalOcean } from '../digitalocean/client.ts';
import { changeFirewall } from '../digitalocean/firewall.ts';
import {
  forgetOpening,
  isAlive,
  type KeptOpening,
  keepOpening,
  listOpenings,
  openingsFolder,
} from '../digitalocean/opening.ts';
import { closed, coverage, nameRule, opened, readMark } from '../digitalocean/rule.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { Run } from '../model/run.ts';
import type { Side } from '../model/servers.ts';
import { awaitEntry } from './trusted-sources/entry.ts';
import { findRunnerAddress } from './trusted-sources/runner-address.ts';
import { sweep } from './trusted-sources/sweep.ts';

/** After so long a rule is nobody's any more: six hours, the longest that a job on GitHub's runners lives. */
const openMs = 6 * 3600 * 1000;

export interface TrustedSourcesOptions {
  /** How long to wait before a list is looked at once more, in milliseconds. */
  readonly settleMs?: number;
}

/**
 * This machine's address on the clusters' lists of trusted sources for the time of a run: opened before the first
 * connection, closed in every ending. A killed run's rule is swept by the next run, by `refresh doctor --fix`, or by
 * the workflow's last step; a rule is known as ours by its description, or by what `openingsFolder` holds.
 */
export class TrustedSources {
  readonly #run: Run;
  readonly #options: TrustedSourcesOptions;
  readonly #folder: string;
  readonly #open: KeptOpening[] = [];

  constructor(run: Run, options: TrustedSourcesOptions = {}) {
    this.#run = run;
    this.#options = options;
    this.#folder = openingsFolder(run.config.environment);
  }

  /** @throws RefreshError; what was opened until then is closed by `close`. */
  async open(): Promise<void> {
    const { digitalOcean, trustedSources } = this.#run.config;
    if (!digitalOcean || trustedSources.sides.length === 0) return;
    const api = new DigitalOcean(digitalOcean, { signal: this.#run.signal });
    const shut: Side[] = [];
    for (const side of trustedSources.sides) {
      const clusterId = this.#clusterId(side);
      for (const line of await sweep(api, clusterId, this.#folder, this.#options)) {
        this.#run.log.warn(`${side}: ${line}`);
      }
      if ((await api.firewall(clusterId)).length > 0) shut.push(side);
      else {
        this.#run.log.warn(
          `${side}: the cluster has no trusted sources, so it is open to all: nothing was added, since an entry would shut everybody else out`,
        );
      }
    }
    if (shut.length === 0) return;
    const address = await findRunnerAddress(this.#run);
    for (const side of shut) await this.#openOne(api, side, address);
    for (const side of shut) await awaitEntry(this.#run, side, address);
  }

  /**
   * Takes the run's rules away, with connections and time limits of its own: the run may have been interrupted.
   *
   * @throws RefreshError when one is left; the others are gone.
   */
  async close(): Promise<void> {
    const { digitalOcean } = this.#run.config;
    if (!digitalOcean) return;
    const api = new DigitalOcean(digitalOcean, { attemptMs: 10_000 });
    const failures: unknown[] = [];
    const close = async (kept: KeptOpening) => {
      try {
        await this.#closeOne(api, kept);
      } catch (error) {
        failures.push(error);
        const { address, clusterId } = kept.opening;
        const why = asError(error).message;
        this.#run.log.warn(
          `${address} is still among the trusted sources of cluster ${clusterId} (${why}): refresh doctor --fix removes it`,
        );
      }
    };
    // At once: a cancelled job on GitHub has ten seconds left.
    await Promise.all(this.#open.splice(0).map(close));
    if (failures.length > 0) throw failures[0];
  }

  async #openOne(api: DigitalOcean, side: Side, address: string): Promise<void> {
    const clusterId = this.#clusterId(side);
    const { id: run, log } = this.#run;
    const by = coverage(await api.firewall(clusterId), address);
    if (by && (by === 'open to all' || !readMark(by))) {
      log.info(
        `${side}: trusted sources hold ${address} already${by === 'open to all' ? '' : ` (${nameRule(by)})`}`,
      );
      return;
    }
    const until = new Date(Date.now() + openMs);
    const kept = await keepOpening(this.#folder, { clusterId, run, address, until });
    this.#open.push(kept);
    const change = await changeFirewall(api, clusterId, (rules) => opened(rules, address, run, until), {
      ...this.#options,
      signal: this.#run.signal,
    });
    for (const line of change.foreign) log.warn(`${side}: trusted sources: ${line}`);
    if (change.writes === 0) return;
    const uuid = change.rules.find((rule) => rule.value === address && readMark(rule))?.uuid;
    if (uuid) {
      const known = await keepOpening(this.#folder, { clusterId, run, address, until, uuid }, kept.file);
      this.#open.splice(this.#open.indexOf(kept), 1, known);
    }
    log.info(`${side}: ${address} added to the trusted sources until the run ends`);
  }

  async #closeOne(api: DigitalOcean, kept: KeptOpening): Promise<void> {
    const { clusterId, run, address, uuid } = kept.opening;
    const now = new Date();
    const others = await listOpenings(this.#folder, clusterId);
    const shared = others.some(
      ({ opening }) => opening.run !== run && opening.address === address && isAlive(opening, now),
    );
    const change = await changeFirewall(
      api,
      clusterId,
      (rules) => closed(rules, { run, address, uuid, shared }),
      this.#options,
    );
    await forgetOpening(kept);
    for (const line of change.foreign) this.#run.log.warn(`trusted sources of cluster ${clusterId}: ${line}`);
    if (change.writes > 0)
      this.#run.log.info(`${address} removed from the trusted sources of cluster ${clusterId}`);
  }

  #clusterId(side: Side): string {
    const { productionClusterId, stagingClusterId } = this.#run.config;
    const id = side === 'production' ? productionClusterId : stagingClusterId;
    if (id) return id;
    throw new RefreshError('bad-environment', 'the cluster’s id is not set', {
      object: side === 'production' ? 'PROD_DB_CLUSTER_ID' : 'STAGING_DB_CLUSTER_ID',
      hint: '--open-trusted-sources needs it',
    });
  }
}
