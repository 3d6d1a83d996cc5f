import type { Draw } from '../draw';
import type { FaultRecord, Journal } from '../report/journal';
import type { Stage } from '../stage/stage';
import type { Fault } from './fault';

/** How long the service may take, after the last fault of a step, until every replica is ready with all its consumers. */
export const RECOVERY_MS = 30_000;

export interface DirectorParts {
  readonly stage: Stage;
  readonly journal: Journal;
  readonly draw: Draw;
  /** One of each lane, for ever. */
  readonly replicaFaults: Iterator<Fault>;
  readonly surroundings: Iterator<Fault>;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  /** Resolves once all replicas are well. */
  readonly allWell: (signal: AbortSignal) => Promise<void>;
}

/** A replica that was not well in time after a fault. */
export interface Ailing {
  readonly after: string;
  readonly what: string;
}

/**
 * Plays the faults: a step strikes one thing, or a process and its surroundings at once; then the service must be well again
 * before the next step begins.
 */
export class Director {
  readonly ailing: Ailing[] = [];

  constructor(private readonly parts: DirectorParts) {}

  async play(untilMs: number, signal: AbortSignal): Promise<void> {
    const { draw, stage, now, replicaFaults, surroundings } = this.parts;
    while (now() < untilMs && !signal.aborted) {
      const both = draw.chance(0.45);
      const lanes = both ? [replicaFaults, surroundings] : [draw.pick([replicaFaults, surroundings])];
      const faults = lanes.map((lane) => lane.next().value as Fault | undefined);
      await this.step(
        faults.filter((fault) => fault !== undefined),
        signal,
      );
      await stage.pause(draw.between(500, 3_000) * stage.pace, signal);
    }
  }

  private async step(faults: readonly Fault[], signal: AbortSignal): Promise<void> {
    const { now, allWell } = this.parts;
    const records = await Promise.all(faults.map((fault) => this.strike(fault, signal)));
    const endedAt = now();
    await allWell(AbortSignal.any([signal, AbortSignal.timeout(RECOVERY_MS)]));
    const tookMs = now() - endedAt;
    const after = faults.map(({ name }) => name).join(' with ');
    if (tookMs < RECOVERY_MS) for (const record of records) record.recoveredMs = tookMs;
    else if (!signal.aborted) {
      const what = await this.whoIsUnwell();
      if (what !== undefined) this.ailing.push({ after, what });
    }
  }

  private async strike(fault: Fault, signal: AbortSignal): Promise<FaultRecord> {
    const { journal, stage, now, draw } = this.parts;
    const record: FaultRecord = { name: fault.name, lane: fault.lane, from: now() };
    journal.faults.push(record);
    try {
      record.detail = await fault.strike(stage, draw.fork(`${fault.name} ${journal.faults.length}`), signal);
    } catch (error) {
      record.failure = error instanceof Error ? error.message : String(error);
    }
    record.to = now();
    return record;
  }

  private async whoIsUnwell(): Promise<string | undefined> {
    const ailments = await Promise.all(
      this.parts.stage.replicas.map(async (replica) => [replica.name, await replica.ailment()] as const),
    );
    const unwell = ailments.filter(([, ailment]) => ailment !== undefined);
    return unwell.length === 0
      ? undefined
      : unwell.map(([name, what]) => `${name}: ${what ?? ''}`).join('; ');
  }
}
