import { inProcessStack } from './in-process-stack.ts';
import { describeStories } from './stories.ts';

describeStories('in-process', inProcessStack, (needs) =>
  needs === undefined ? false : `needs ${needs}: npm run test:lifecycle has it`,
);
