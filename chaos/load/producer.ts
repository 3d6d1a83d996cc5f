import { type ChannelModel, type ConfirmChannel, type Message } from 'amqplib';
import { connectToOneOf } from '../stage/connect';
import type { Draw } from '../draw';
import type { Ledger } from './ledger';
import { messageId, type Kind } from './kinds';
import type { Load } from './load';

interface Publication {
  readonly kind: Kind;
  readonly number: number;
  readonly confirmed?: () => void;
}

export interface ProducerOptions {
  /** One address, or those of all nodes separated by commas. */
  readonly url: string;
  readonly kinds: readonly Kind[];
  readonly draw: Draw;
  readonly ledger: Ledger;
  /** Publications a second at most. */
  readonly rate: number;
  /** Messages in the work queues above which it waits. */
  readonly backlogLimit: number;
  /** The next number of each kind; goes on from round to round. */
  readonly numbers: Map<string, number>;
}

/** Publications drawn ahead; the next one is taken from anywhere among them, so that the copies of one id come in any order. */
const DECK = 2_000;
const MOST_UNCONFIRMED = 400;
const TICK_MS = 10;
const CONFIRM_TIMEOUT_MS = 15_000;

/**
 * The producers of the run: publishes with confirm and mandatory, again and again under the same id until the broker has confirmed and
 * routed the message, and writes down every confirm.
 */
export class Producer implements Load {
  private readonly deck: Publication[] = [];
  private readonly heldBack = new Map<string, Publication[]>();
  private readonly underWay = new Map<string, number>();
  private readonly returned = new Set<string>();
  private readonly urgent: Publication[] = [];
  private readonly totalWeight: number;
  private connection: ChannelModel | undefined;
  private channel: ConfirmChannel | undefined;
  private unconfirmed = 0;
  private credit = 0;
  private creditAt = 0;
  private running = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  private backlog = 0;
  private backlogLimit: number;

  constructor(private readonly options: ProducerOptions) {
    this.totalWeight = options.kinds.reduce((sum, { weight }) => sum + weight, 0);
    this.backlogLimit = options.backlogLimit;
  }

  start(): void {
    this.running = true;
    this.creditAt = performance.now();
    void this.keepConnected();
    this.tick();
  }

  /** No new messages from now on; resolves when everything that was begun is confirmed, all copies included. */
  async finish(): Promise<void> {
    this.running = false;
    for (const kind of [...this.heldBack.keys()]) this.resume(kind);
    while (this.deck.length + this.urgent.length + this.unconfirmed > 0) await wait(50);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.connection?.close().catch(() => undefined);
  }

  /** Told once a second. */
  noteBacklog(messages: number): void {
    this.backlog = messages;
  }

  async holdBack(kind: string): Promise<void> {
    if (!this.heldBack.has(kind)) this.heldBack.set(kind, []);
    while ((this.underWay.get(kind) ?? 0) > 0) await wait(20);
  }

  resume(kind: string): void {
    this.deck.push(...(this.heldBack.get(kind) ?? []));
    this.heldBack.delete(kind);
  }

  async publish(name: string, count: number): Promise<void> {
    const kind = this.options.kinds.find((one) => one.name === name);
    if (!kind) throw new Error(`there is no kind of message named ${name}`);
    await Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<void>((confirmed) => {
            this.urgent.push({ kind, number: this.numberOf(kind), confirmed });
          }),
      ),
    );
  }

  allowBacklog(messages: number | undefined): void {
    this.backlogLimit = messages ?? this.options.backlogLimit;
  }

  private tick(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.tick();
    }, TICK_MS);
    const now = performance.now();
    // Slower the longer the queues are: the broker's figures are a second old, and all or nothing would swing.
    const room = this.running ? Math.max(0, 1 - this.backlog / this.backlogLimit) : 1;
    const rate = this.options.rate * room;
    this.credit = Math.min(this.options.rate / 4, this.credit + ((now - this.creditAt) / 1_000) * rate);
    this.creditAt = now;
    if (this.running) this.refill();
    while (this.channel && this.unconfirmed < MOST_UNCONFIRMED) {
      const publication = this.take();
      if (!publication) break;
      this.send(this.channel, publication);
    }
  }

  private refill(): void {
    while (this.deck.length < DECK) {
      let drawn = this.options.draw.next() * this.totalWeight;
      const kind = this.options.kinds.find(({ weight }) => (drawn -= weight) < 0);
      if (!kind) continue;
      const number = this.numberOf(kind);
      for (let copy = kind.copies(number); copy > 0; copy--) this.deck.push({ kind, number });
    }
  }

  private numberOf({ name }: Kind): number {
    const { numbers } = this.options;
    const number = numbers.get(name) ?? 0;
    numbers.set(name, number + 1);
    return number;
  }

  private take(): Publication | undefined {
    const urgent = this.urgent.shift();
    if (urgent) return urgent;
    if (this.credit < 1 || this.deck.length === 0) return undefined;
    this.credit--;
    const at = this.options.draw.between(0, this.deck.length - 1);
    const taken = this.deck[at] as Publication;
    this.deck[at] = this.deck.at(-1) as Publication;
    this.deck.pop();
    const held = this.heldBack.get(taken.kind.name);
    if (!held) return taken;
    held.push(taken);
    return this.take();
  }

  private send(channel: ConfirmChannel, publication: Publication): void {
    const { kind, number } = publication;
    const id = messageId(kind.name, number);
    this.unconfirmed++;
    this.underWay.set(kind.name, (this.underWay.get(kind.name) ?? 0) + 1);
    let settled = false;
    const settle = (confirmed: boolean): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      this.unconfirmed--;
      this.underWay.set(kind.name, (this.underWay.get(kind.name) ?? 1) - 1);
      const routed = !this.returned.delete(id);
      if (confirmed && routed) {
        this.options.ledger.write('confirmed', kind.name, number);
        publication.confirmed?.();
        return;
      }
      if (!confirmed) this.options.ledger.write('unknown', kind.name, number);
      (publication.confirmed ? this.urgent : (this.heldBack.get(kind.name) ?? this.deck)).push(publication);
    };
    // A confirm that the broker owes for ever (its queue has no majority) is one that did not come.
    const timer = setTimeout(() => {
      settle(false);
    }, CONFIRM_TIMEOUT_MS);
    const properties = {
      messageId: id,
      contentType: 'application/json',
      persistent: true,
      mandatory: true,
    };
    try {
      channel.publish(
        kind.exchange,
        kind.routingKey,
        kind.body(number),
        properties,
        (error: Error | null) => {
          settle(error === null);
        },
      );
    } catch {
      settle(false);
    }
  }

  private async keepConnected(): Promise<void> {
    while (!this.closed) {
      try {
        const connection = await connectToOneOf(this.options.url, 'chaos producer');
        this.connection = connection;
        const gone = new Promise<void>((resolve) => {
          connection.once('close', () => {
            resolve();
          });
        });
        connection.on('error', () => undefined);
        const channel = await connection.createConfirmChannel();
        channel.on('error', () => undefined);
        channel.on('return', ({ properties }: Message) => {
          this.returned.add(String(properties.messageId));
        });
        this.channel = channel;
        channel.once('close', () => {
          if (this.channel === channel) this.channel = undefined;
          connection.close().catch(() => undefined);
        });
        await gone;
      } catch {
        // The broker is away; that is what this run is about.
      }
      this.channel = undefined;
      this.connection = undefined;
      await wait(200);
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
