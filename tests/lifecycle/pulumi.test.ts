import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pulumiStack } from './pulumi-stack.ts';
import { describeStories } from './stories.ts';

const needed = ['pulumi', ...['command', 'digitalocean', 'github'].map((name) => `pulumi-resource-${name}`)];
const missing = needed.find((program) => !isOnPath(program));

/** The real provider waits 15 seconds for each cluster: minutes in all, too long for every `npm test`. */
const reason =
  missing !== undefined
    ? `needs the real Pulumi CLI and providers: no ${missing} on PATH`
    : process.env.STAGING_REFRESH_LIFECYCLE === undefined &&
      'npm run test:lifecycle runs it: it takes minutes';

describeStories('the real Pulumi', pulumiStack, () => reason);

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}
