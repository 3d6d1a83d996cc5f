import { connect } from 'amqplib';
import type { BenchMessage } from './order';

const PREFETCH = 1_000;

export interface Arrived {
  readonly perSecond: number;
  readonly distinct: number;
  readonly repeated: number;
}

/** Reads what arrives downstream and counts each message by its number. */
export class Downstream {
  private readonly seen: Uint8Array;
  private distinct = 0;
  private repeated = 0;
  private startedAt = 0;
  private endedAt = 0;
  private done: (() => void) | undefined;
  private close: (() => Promise<void>) | undefined;

  constructor(
    private readonly messages: number,
    private readonly warmUp: number,
  ) {
    this.seen = new Uint8Array(messages);
  }

  async open(amqpUrl: string, queue: string): Promise<void> {
    const model = await connect(amqpUrl, { noDelay: true });
    this.close = () => model.close();
    const channel = await model.createChannel();
    await channel.prefetch(PREFETCH);
    await channel.consume(queue, (message) => {
      if (!message) return;
      this.take((JSON.parse(message.content.toString()) as BenchMessage).sequence);
      channel.ack(message);
    });
  }

  /** When the last one is here. @throws Error when that takes longer. */
  async whenAllArrived(timeoutMs: number): Promise<Arrived> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`only ${this.distinct} of ${this.messages} arrived downstream in ${timeoutMs} ms`));
      }, timeoutMs);
      this.done = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.distinct === this.messages) this.done();
    });
    const timed = this.messages - this.warmUp;
    return { ...this.counted, perSecond: (timed / (this.endedAt - this.startedAt)) * 1_000 };
  }

  /** Also what came after the last of them. */
  get counted(): { readonly distinct: number; readonly repeated: number } {
    return { distinct: this.distinct, repeated: this.repeated };
  }

  async stop(): Promise<void> {
    await this.close?.();
  }

  private take(sequence: number): void {
    const before = this.seen[sequence];
    if (before === undefined) throw new Error(`message ${sequence} was never sent`);
    if (before > 0) {
      this.repeated++;
      return;
    }
    this.seen[sequence] = 1;
    this.distinct++;
    if (this.distinct === this.warmUp) this.startedAt = performance.now();
    if (this.distinct < this.messages) return;
    this.endedAt = performance.now();
    this.done?.();
  }
}
