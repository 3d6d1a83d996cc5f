import type { Mode } from '../part';
import type { BenchQueue } from './bench-queue';

/** What a measurement may use. */
export interface Stage {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  readonly queue: BenchQueue;
  readonly mode: Mode;
  /** The repository, where what is to be measured as a whole is started. */
  readonly root: string;
  /** Where consuming processes leave their CPU profiles; undefined: nowhere. */
  readonly profiles: string | undefined;
}
