import fc from 'fast-check';

/**
 * fast-check, whose random values are the same in every run: a change fails by what it does, and never by the dice.
 * To look for what no run has seen, `PROPERTY_SEED=…` throws them anew; what that finds becomes an example of its test.
 */
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 20261124) });

export { fc };
