import { inProcessStack } from './in-process-stack.ts';
import { describeStories } from './stories.ts';

describeStories('in-process', inProcessStack, (needs) =>
  needs ? `the in-process apply has no ${needs}: npm run test:lifecycle has` : false,
);
