import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';

export interface Pause {
  readonly queue: string;
  readonly by: string;
  readonly reason: string | null;
  readonly at: Date;
}

const COLUMNS = 'queue, paused_by as by, reason, paused_at as at';

const ALL = `select ${COLUMNS} from holdfast.consumer_pause`;

/** Pausing what is paused keeps who did it first. */
const PAUSE = `insert into holdfast.consumer_pause as p (queue, paused_by, reason) values ($1, $2, $3)
on conflict (queue) do update set queue = excluded.queue
returning ${COLUMNS}`;

const RESUME = 'delete from holdfast.consumer_pause where queue = $1';

/** All SQL on operators' pauses. */
@Injectable()
export class PauseStore {
  constructor(private readonly database: Database) {}

  async all(): Promise<Pause[]> {
    return (await this.database.query<Pause>(ALL)).rows;
  }

  async pause(queue: string, by: string, reason: string | null): Promise<Pause> {
    const { rows } = await this.database.query<Pause>(PAUSE, [queue, by, reason]);
    const [pause] = rows;
    if (!pause) throw new Error(`pausing "${queue}" returned no row`);
    return pause;
  }

  async resume(queue: string): Promise<void> {
    await this.database.query(RESUME, [queue]);
  }
}
