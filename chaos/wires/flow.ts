import type { Socket } from 'node:net';
import { CALM, type Conditions } from './conditions';
import type { Sieve } from './sieve';

/** `end`: the sender has said that nothing more comes. `reset`: it has broken off. */
type Ending = 'end' | 'reset';

interface Waiting {
  /** From `performance.now()`. */
  readonly dueAt: number;
  readonly what: Buffer | Ending;
}

/** Beyond it the sender has to wait, as behind a full receive window. */
const MOST_WAITING_BYTES = 256 * 1_024;
/** A throttled flow goes on about this often. */
const PORTION_MS = 50;

/**
 * One direction of one connection. Without trouble a chunk is written on as it comes, and the sender waits while the receiver is full;
 * in trouble the chunks queue here.
 */
export class Flow {
  private conditions: Conditions;
  private readonly queue: Waiting[] = [];
  private waitingBytes = 0;
  /** When a throttled flow may go on. */
  private openAt = 0;
  private timer: NodeJS.Timeout | undefined;
  /** The receiver takes no more for now. */
  private isFull = false;
  private hasEnded = false;
  private readonly pass = (bytes: Buffer): void => {
    this.send(bytes);
  };

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    conditions: Conditions,
    private readonly sieve: Sieve | undefined,
  ) {
    this.conditions = conditions;
    from.on('data', (chunk: Buffer) => {
      this.take(chunk);
    });
    from.on('end', () => {
      this.endWith('end');
    });
    from.on('close', () => {
      this.endWith('reset');
    });
    to.on('drain', () => {
      this.isFull = false;
      this.holdSender();
    });
  }

  change(conditions: Conditions): void {
    this.conditions = conditions;
    this.pump();
  }

  /** Forgets what has not been sent. */
  stop(): void {
    this.hasEnded = true;
    this.queue.length = 0;
    clearTimeout(this.timer);
  }

  private take(chunk: Buffer): void {
    if (this.hasEnded || this.conditions.muted) return;
    if (!this.sieve) this.send(chunk);
    else if (!this.sieve.sift(chunk, this.pass)) {
      this.hasEnded = true;
      this.send('reset');
    }
  }

  /** After `end` comes `close`, which says nothing new; behind a mute nobody hears of either. */
  private endWith(ending: Ending): void {
    if (this.hasEnded || this.conditions.muted) return;
    const rest = this.sieve?.rest();
    if (rest?.length) this.send(rest);
    this.hasEnded = true;
    this.send(ending);
  }

  private send(what: Buffer | Ending): void {
    if (this.conditions === CALM && this.queue.length === 0) this.deliver(what);
    else {
      this.queue.push({ dueAt: performance.now() + this.conditions.delayMs, what });
      this.waitingBytes += what.length;
      this.pump();
    }
    this.holdSender();
  }

  private pump(): void {
    clearTimeout(this.timer);
    for (let first = this.queue[0]; first && !this.conditions.held; first = this.queue[0]) {
      const waitMs = Math.max(first.dueAt, this.openAt) - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => {
          this.pump();
        }, Math.ceil(waitMs));
        break;
      }
      this.queue.shift();
      this.waitingBytes -= first.what.length;
      this.deliver(this.portionOf(first));
    }
    this.holdSender();
  }

  /** What may go now of a chunk; the rest of it stays first in the queue. */
  private portionOf({ dueAt, what }: Waiting): Buffer | Ending {
    const { bytesPerSecond } = this.conditions;
    if (typeof what === 'string' || bytesPerSecond === Infinity) return what;
    const most = Math.max(1, Math.ceil((bytesPerSecond * PORTION_MS) / 1_000));
    const portion = what.subarray(0, most);
    this.openAt = performance.now() + (portion.length / bytesPerSecond) * 1_000;
    if (what.length > most) {
      this.queue.unshift({ dueAt, what: what.subarray(most) });
      this.waitingBytes += what.length - most;
    }
    return portion;
  }

  private deliver(what: Buffer | Ending): void {
    if (this.to.destroyed) return;
    if (what === 'end') this.to.end();
    else if (what === 'reset') reset(this.to);
    else if (!this.to.write(what)) this.isFull = true;
  }

  private holdSender(): void {
    const isTooMuch = this.isFull || this.waitingBytes > MOST_WAITING_BYTES;
    if (isTooMuch !== this.from.isPaused()) {
      if (isTooMuch) this.from.pause();
      else this.from.resume();
    }
  }
}

/** The other side gets ECONNRESET. A socket whose end is already on its way cannot be reset any more. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
