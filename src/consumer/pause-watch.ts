import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';
import { PauseStore, type Pause } from './pause.store';

const INTERVAL_MS = 1_000;

/**
 * Brings every operator's pause to this replica within a second, whichever replica took the call. Until it has been read once nobody
 * consumes: a pause holds over a restart, also when the database comes back after the broker.
 */
@Injectable()
export class PauseWatch {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private pauses: ReadonlyMap<string, Pause> | undefined;
  private changes = 0;
  private listener: () => void = () => undefined;

  constructor(
    private readonly store: PauseStore,
    private readonly database: Database,
  ) {}

  start(listener: () => void): void {
    this.listener = listener;
    void this.look();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Whether the pauses have been read at all. */
  get isKnown(): boolean {
    return this.pauses !== undefined;
  }

  of(queue: string): Pause | undefined {
    return this.pauses?.get(queue);
  }

  async pause(queue: string, by: string, reason: string | null): Promise<void> {
    const pause = await this.store.pause(queue, by, reason);
    this.change((pauses) => pauses.set(queue, pause));
  }

  async resume(queue: string): Promise<void> {
    await this.store.resume(queue);
    this.change((pauses) => pauses.delete(queue));
  }

  private change(edit: (pauses: Map<string, Pause>) => unknown): void {
    const pauses = new Map(this.pauses);
    edit(pauses);
    this.changes++;
    this.pauses = pauses;
    this.listener();
  }

  private async look(): Promise<void> {
    try {
      await this.database.gate.whenAvailable();
      const before = this.changes;
      const pauses = this.stopped || !this.database.available ? undefined : await this.store.all();
      // A reading that began before a call on this replica may not know of it yet.
      if (pauses && before === this.changes) {
        this.pauses = new Map(pauses.map((pause) => [pause.queue, pause]));
        this.listener();
      }
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.look(), INTERVAL_MS);
  }
}
