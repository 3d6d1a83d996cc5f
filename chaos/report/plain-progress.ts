import { eventsOf } from './events';
import { clock } from '../../drawing/figures';
import type { Journal } from './journal';
import type { Output, Progress } from './output';
import { summarise, type Moment } from './picture';

const SUMMARY_EVERY_MS = 10_000;

/** Where nothing can be redrawn: lines, one after the other. */
export class PlainProgress implements Progress {
  private lastTurn = -1;
  private readonly told = new Set<string>();

  constructor(
    private readonly journal: Journal,
    private readonly moment: () => Moment,
    private readonly stream: Output,
  ) {}

  tick(): void {
    this.tellEvents();
    const moment = this.moment();
    if (turnOf(moment) > this.lastTurn) this.summarise(moment);
  }

  tell(line: string): void {
    this.stream.write(`${line}\n`);
  }

  end(): void {
    this.tellEvents();
    this.summarise(this.moment());
  }

  private tellEvents(): void {
    for (const { key, at, text } of eventsOf(this.journal.faults)) {
      if (this.told.has(key)) continue;
      this.told.add(key);
      this.tell(`${clock(at)} ${text}`);
    }
  }

  private summarise(moment: Moment): void {
    this.lastTurn = turnOf(moment);
    this.tell(summarise(this.journal, moment));
  }
}

/** Counted from the beginning, so that late ticks do not add up. */
function turnOf({ elapsedMs }: Moment): number {
  return Math.floor(elapsedMs / SUMMARY_EVERY_MS);
}
