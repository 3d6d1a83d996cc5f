import type { Load } from '../load/load';
import type { BrokerServer } from './broker-server';
import type { DatabaseServer } from './database-server';
import type { Replica } from './replica';

/** Everything a fault can lay hands on. */
export interface Stage {
  readonly replicas: readonly Replica[];
  readonly broker: BrokerServer;
  readonly database: DatabaseServer;
  readonly load: Load;
  /** How long faults last, as a factor of their usual length: 1 in a long run, less in a quick one. */
  readonly pace: number;
  /** Sleeps, unless the run is given up. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A line for people, beside the progress. */
  readonly tell: (line: string) => void;
}
