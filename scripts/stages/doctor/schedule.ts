import { workflow } from '../../contract.ts';
import type { GitHub } from '../../github/client.ts';
import { RefreshError } from '../../model/errors.ts';
import { type Check, failed, ok, skipped, verdictOf, warning } from './finding.ts';

/** Whether GitHub still runs the weekly workflow: in a public repository it stops after 60 days without a commit. */
export function scheduleCheck(gitHub: GitHub | RefreshError | undefined): Check {
  return {
    id: 'schedule',
    title: 'The weekly workflow',
    examine: async () => {
      if (gitHub instanceof RefreshError) return verdictOf(gitHub);
      if (!gitHub) {
        return skipped(
          'GitHub is not asked: GITHUB_TOKEN and GITHUB_REPOSITORY are not set',
          'optional: a token with Actions: read, and OWNER/NAME',
        );
      }
      const { state } = await gitHub.workflow(workflow.file);
      const found = `${workflow.path} is ${state}`;
      if (state === 'active') return ok(found);
      const repair = 'on the Actions page: the workflow, "Enable workflow"';
      return state === 'disabled_manually' ? warning(found, repair) : failed(found, repair);
    },
  };
}
