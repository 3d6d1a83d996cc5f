import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';
import { DEMO_HEADER } from './orders.mjs';

const EXCHANGE = 'shop';
const ROUTING_KEY = 'order.created';
const TICK_MS = 50;

/**
 * The shop. It publishes straight to the broker, with confirms, and enters into the ledger what was confirmed. A message
 * that was not, because its connection broke, is sent again under its id until it is.
 */
export class Producer {
  #url;
  #orders;
  #ledger;
  #unconfirmed = new Set();
  #connection;
  #channel;
  #timer;
  #owed = 0;
  #closed = false;

  constructor({ url, orders, ledger }) {
    this.#url = url;
    this.#orders = orders;
    this.#ledger = ledger;
  }

  async open() {
    this.#connection = await amqp.connect(this.#url);
    this.#connection.on('error', () => {}); // The close that follows is what counts.
    this.#connection.on('close', () => void this.#reopen());
    this.#channel = await this.#connection.createConfirmChannel();
    this.#channel.on('error', () => {});
    // Told before the confirm: the exchange or the binding was missing, so the confirm means nothing.
    this.#channel.on('return', ({ properties }) => {
      for (const message of this.#unconfirmed)
        if (message.id === properties.headers[DEMO_HEADER]) message.wasReturned = true;
    });
    for (const message of this.#unconfirmed) this.#publish(message);
  }

  /** From now on this many a second. */
  start(perSecond) {
    this.#timer = setInterval(() => {
      this.#owed = Math.min(this.#owed + (perSecond * TICK_MS) / 1000, perSecond);
      for (; this.#owed >= 1; this.#owed -= 1) this.send(this.#orders.next());
    }, TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  burst(count) {
    for (let i = 0; i < count; i += 1) this.send(this.#orders.malformed());
  }

  send(message) {
    const own = { ...message };
    this.#unconfirmed.add(own);
    this.#publish(own);
  }

  /** Sent, and not known to have arrived. */
  get unconfirmed() {
    return this.#unconfirmed.size;
  }

  async close() {
    this.stop();
    this.#closed = true;
    await this.#connection?.close().catch(() => {});
  }

  #publish(message) {
    const { id, body, properties } = message;
    const channel = this.#channel;
    message.wasReturned = false;
    const options = { ...properties, headers: { [DEMO_HEADER]: id }, persistent: true, mandatory: true };
    const settle = (error) => {
      if (channel !== this.#channel) return; // It has been sent again over the next one.
      if (error ?? message.wasReturned) return void setTimeout(() => this.#publish(message), 500).unref();
      this.#unconfirmed.delete(message);
      this.#ledger.add(message);
    };
    try {
      channel.publish(EXCHANGE, ROUTING_KEY, body, options, settle);
    } catch {
      // The channel has closed; its connection comes back and sends everything that is not confirmed.
    }
  }

  async #reopen() {
    while (!this.#closed) {
      await sleep(300);
      try {
        return await this.open();
      } catch {
        // The broker is still away.
      }
    }
  }
}
