/** One real PostgreSQL server on loopback, over TCP with TLS only. */
export interface LocalServer {
  readonly name: string;
  /** Holds everything of the server; its data in `data`, its log in `server.log`. */
  readonly folder: string;
  readonly host: 'localhost';
  readonly port: number;
  readonly bindir: string;
  readonly superuser: string;
  readonly superuserPassword: string;
  readonly adminUser: 'doadmin';
  readonly adminPassword: string;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string;
}
