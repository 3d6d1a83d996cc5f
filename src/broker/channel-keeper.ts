import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { backoffMs } from '../message/message.module';
import { answerWithin } from './answer-within';
import type { BrokerConnection } from './broker-connection';
import { closeChannel } from './close-channel';

/** A channel that has lived this long was sound. */
const STABLE_MS = 10_000;

export interface ChannelKeeperOptions<C extends Channel> {
  readonly create: (model: ChannelModel) => Promise<C>;
  /**
   * Runs on every new channel; when it rejects, or takes too long, the channel is closed and another is opened after a while.
   * @param isCurrent false once this channel has been given up: what comes late must not take the place of its successor.
   */
  readonly setup: (channel: C, isCurrent: () => boolean) => Promise<void>;
  /** The channel is gone; `error` says why, where the broker said so. */
  readonly lost: (error: Error | undefined) => void;
  /** Overrides the wait before the next channel, in milliseconds. */
  readonly delay?: (failures: number) => number;
  /** How long `setup` may take, in milliseconds. */
  readonly answerMs?: number;
}

export const plainChannel = (model: ChannelModel): Promise<Channel> => model.createChannel();
export const confirmChannel = (model: ChannelModel): Promise<ConfirmChannel> => model.createConfirmChannel();

/**
 * Keeps one raw channel open: a new one on every connection, and after every channel error. The error of one channel stays
 * its own: without an `error` listener amqplib lets it take the whole connection, and every consumer, down.
 */
export class ChannelKeeper<C extends Channel> {
  private channel: C | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private failures = 0;
  /** When the channel was ready, from `performance.now()`; never, as long as it is not. */
  private openedAt = Infinity;
  private opening: Promise<void> | undefined;
  private off: (() => void) | undefined;

  constructor(
    private readonly connection: BrokerConnection,
    private readonly options: ChannelKeeperOptions<C>,
  ) {}

  start(): void {
    this.off = this.connection.onConnected(() => {
      this.failures = 0;
      this.open();
    });
  }

  /** Closes the channel now and opens another at once: what the broker has unsettled on it comes back. */
  async renew(): Promise<void> {
    const channel = this.channel;
    if (channel) await closeChannel(channel);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.off?.();
    clearTimeout(this.timer);
    await this.opening;
    if (this.channel) await closeChannel(this.channel);
  }

  private open(): void {
    clearTimeout(this.timer);
    if (this.stopped || this.opening || this.channel) return;
    const model = this.connection.model;
    if (!model) return;
    this.opening = this.tryOpen(model).finally(() => {
      this.opening = undefined;
      // The connection may have been replaced, or the channel lost, while this was under way.
      if (!this.channel && this.connection.model) this.schedule();
    });
  }

  private async tryOpen(model: ChannelModel): Promise<void> {
    let channel: C | undefined;
    let cause: Error | undefined;
    this.openedAt = Infinity;
    try {
      channel = await this.options.create(model);
      const opened = channel;
      opened.on('error', (error: Error) => (cause = error));
      opened.once('close', () => {
        const wasCurrent = this.channel === opened;
        if (!wasCurrent) return;
        // What is opened and closed over and over, such as a refused subscription, must not begin anew each time.
        if (performance.now() - this.openedAt > STABLE_MS) this.failures = 0;
        this.channel = undefined;
        this.options.lost(cause);
        this.schedule();
      });
      this.channel = opened;
      const ready = this.options.setup(opened, () => this.channel === opened);
      await answerWithin(ready, 'what a channel needs', this.options.answerMs);
      this.openedAt = performance.now();
    } catch (error) {
      if (channel && this.channel === channel) {
        this.channel = undefined;
        this.options.lost(cause ?? (error instanceof Error ? error : new Error(String(error))));
        await closeChannel(channel);
      }
    }
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.stopped || !this.connection.model) return;
    this.failures++;
    const delay = this.options.delay?.(this.failures) ?? backoffMs(this.failures);
    this.timer = setTimeout(() => {
      this.open();
    }, delay);
  }
}
