/** Not a new key first: with another one all the masked values that people know would be others. */
export const maskKeyHint =
  'take the key of earlier runs (the stack’s: the beginning of docs/runbook.md has the command), since another one gives other masked values; for a first run make one with openssl rand -hex 32 and keep it';
