import type { Verification } from './report.ts';

declare const brand: unique symbol;

/** Proof that a database was verified. Only the stage that verifies (stages/verify/) makes one, and publishing asks for it. */
export interface Verified {
  readonly [brand]: true;
  readonly database: string;
  readonly verification: Verification;
}
