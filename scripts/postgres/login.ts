import type { ServerAddress } from '../model/server-address.ts';
import { codeOf } from './failure.ts';

/** `role@host:port` to what the first session that asked to be let in was told; after a refusal the next one is first. */
const asked = new Map<string, Promise<unknown>>();

/** SQLSTATE `invalid_password`: the same for every database of that server. */
export const wrongPassword = '28P01';

/** How one session logs in. */
export interface Login {
  /** As `pg` takes it: asked for when the server asks. */
  readonly password: string | (() => Promise<string>);
  /** Watches what becomes of it. @param connecting settles when the session stands, or never will. */
  asked<Result>(connecting: Promise<Result>): Promise<Result>;
}

/**
 * Services lock an account out after a few wrong passwords, and several sessions are opened at the same time. So while
 * the first one of a role waits for its answer, the others of that server go as far as being asked for the password; if
 * it was wrong, they fail of the same error without having given it.
 */
export function loginOf({ host, port, user, password }: ServerAddress): Login {
  const who = `${user}@${host}:${port}`;
  const first = asked.get(who);
  if (first !== undefined) {
    const behind = async () => {
      await first.catch((error: unknown) => {
        if (codeOf(error) === wrongPassword) throw error;
      });
      return password.reveal();
    };
    return { password: behind, asked: (connecting) => connecting };
  }
  return {
    password: password.reveal(),
    asked: async (connecting) => {
      asked.set(who, connecting);
      try {
        return await connecting;
      } catch (error) {
        asked.delete(who);
        throw error;
      }
    },
  };
}
