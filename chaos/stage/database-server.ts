import type { QueryResultRow } from 'pg';

/** The Postgres of this run, as a machine room sees it. */
export interface DatabaseServer {
  /** `immediate`: no checkpoint, every session dropped, recovery at the next start. It is back when this resolves. */
  restartImmediately(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Straight to the server, past every wire, on a connection of its own. */
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Holds this lock on the table of effects for so long: statements of handlers wait. */
  lockEffects(ms: number, signal: AbortSignal): Promise<void>;
  /** Takes every connection the server has left; the undo gives them back. */
  takeAllConnections(): Promise<() => Promise<void>>;
}
