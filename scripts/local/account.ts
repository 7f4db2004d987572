import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { RefreshError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import type { StateFolder } from './state-folder.ts';

/** Who applies the stack: the real CLI with the real providers, or this process. */
export type Applier = 'pulumi' | 'in-process';

/** What the local stack decides once and keeps: names, tokens, passphrase, and where it left off. */
export interface LocalAccount {
  readonly version: 1;
  readonly digitalOceanToken: string;
  readonly gitHubToken: string;
  readonly passphrase: string;
  /** Key of the masks, so that a shell with `.local/env` masks as the stack does. */
  readonly maskKey: string;
  readonly productionCluster: { readonly id: string; readonly name: string };
  readonly repository: { readonly owner: string; readonly name: string };
  /** Kept, so that addresses stay valid over restarts. */
  readonly ports: { readonly digitalOcean?: number; readonly gitHub?: number };
  /** Absent until production holds the whole sample business. */
  readonly production?: ProductionAccess;
  /** Absent until the stack was applied for the first time: it stays with who began it. */
  readonly applier?: Applier;
  readonly refreshTrigger: string;
  /** The last report's file; its page lies beside it. */
  readonly report?: string;
  /** Backup files that this stack's refreshes made. */
  readonly artifacts?: readonly string[];
}

export interface ProductionAccess {
  readonly readerUrl: string;
  readonly appUrl: string;
  readonly rows: number;
}

/** The account of this folder; undefined where none was made yet. Fails with `bad-file` when it can't be read. */
export async function readAccount(folder: StateFolder): Promise<LocalAccount | undefined> {
  const text = await readFile(folder.account, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const account: LocalAccount = JSON.parse(text);
    if (account.version === 1) return account;
  } catch {
    // Told below; the parser's message would quote the content.
  }
  throw new RefreshError('bad-file', 'the account of the local stack can not be read', {
    object: folder.account,
    hint: 'npm run destroy removes the local stack, npm start makes a new one',
  });
}

export async function openAccount(folder: StateFolder): Promise<LocalAccount> {
  const known = await readAccount(folder);
  if (known) return known;
  const account = makeAccount();
  await saveAccount(folder, account);
  return account;
}

export async function saveAccount(folder: StateFolder, account: LocalAccount): Promise<void> {
  await writeFileAtomically(folder.account, `${JSON.stringify(account, undefined, 2)}\n`);
}

function makeAccount(): LocalAccount {
  return {
    version: 1,
    digitalOceanToken: `dop_v1_${randomBytes(32).toString('hex')}`,
    gitHubToken: `ghp_${randomBytes(18).toString('hex')}`,
    passphrase: randomBytes(24).toString('base64url'),
    maskKey: randomBytes(32).toString('hex'),
    productionCluster: { id: randomUUID(), name: 'shop-production' },
    repository: { owner: 'local', name: 'shop' },
    ports: {},
    refreshTrigger: 'first',
  };
}
