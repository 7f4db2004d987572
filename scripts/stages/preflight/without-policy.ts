import { defaultPolicyFile } from '../../contract.ts';
import type { RestoreConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { lastPublished, type PastRun } from '../../model/history.ts';

/**
 * A policy that was moved, or a run from another folder: without a word, everything would be copied as it is into a
 * staging whose readers may not see that.
 *
 * @param runs what staging remembers.
 * @throws RefreshError `bad-policy`, but for `--policy none`.
 */
export function refuseWithoutPolicy(
  { policy, copiesAll }: Pick<RestoreConfig, 'policy' | 'copiesAll'>,
  runs: readonly PastRun[],
): void {
  const last = lastPublished(runs);
  if (policy || copiesAll || !last?.underPolicy) return;
  throw new RefreshError(
    'bad-policy',
    'there is no data policy, and the last refresh had one: everything would be copied as it is',
    {
      object: defaultPolicyFile,
      hint: 'put it back, or name it: --policy FILE, policy in the stack; --policy none if everything is meant, policy: none in the stack',
    },
  );
}
