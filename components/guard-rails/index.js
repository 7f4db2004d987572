// Plain JavaScript, because Pulumi loads a policy pack with a TypeScript of its own; Node itself reads the rules.
import { PolicyPack } from '@pulumi/policy';
import { guardRails } from './guard-rails.ts';

new PolicyPack('staging-refresh-guard-rails', { policies: guardRails });
