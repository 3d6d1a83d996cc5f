import type { Both } from './link';
import { postgresSieves, type CommitFate } from './postgres-frames';
import type { Sieve } from './sieve';
import { listen, TcpWire } from './tcp-wire';
import type { PostgresWire } from './wire';

/** @param serverUrl of one Postgres, with its port. Over TLS the wire carries everything, and cannot find a COMMIT. */
export async function openPostgresWire(serverUrl: string): Promise<PostgresWire> {
  return new CommitLosingWire(await listen(), serverUrl);
}

class CommitLosingWire extends TcpWire implements PostgresWire {
  private readonly losses = new Set<Loss>();

  loseCommitAnswers(count: number, withinMs: number): Promise<number> {
    return this.lose('unanswered', count, withinMs);
  }

  loseCommits(count: number, withinMs: number): Promise<number> {
    return this.lose('unsent', count, withinMs);
  }

  protected override sieves(): Both<Sieve> {
    return postgresSieves({ next: () => this.nextLoss() });
  }

  private lose(kind: CommitFate['kind'], count: number, withinMs: number): Promise<number> {
    return new Promise((resolve) => {
      const end = this.undoable(() => {
        clearTimeout(timer);
        this.losses.delete(loss);
        resolve(loss.end());
      });
      const loss = new Loss(kind, count, end);
      const timer = setTimeout(end, withinMs);
      this.losses.add(loss);
    });
  }

  private nextLoss(): CommitFate | undefined {
    return this.losses.values().next().value;
  }
}

/** So many COMMITs are to be lost. One whose connection ends before its turn has come was not lost by us, and does not count. */
class Loss implements CommitFate {
  private hits = 0;

  constructor(
    readonly kind: CommitFate['kind'],
    private count: number,
    private readonly onDone: () => void,
  ) {}

  claim(): boolean {
    if (this.hits >= this.count) return false;
    this.hits++;
    if (this.hits === this.count) this.onDone();
    return true;
  }

  /** @returns how many it has hit. */
  end(): number {
    this.count = this.hits;
    return this.hits;
  }
}
