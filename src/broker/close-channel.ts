import type { Channel } from 'amqplib';
import { settleWithin } from '../message/message.module';

/** How long a broker may take to say that a channel is closed. */
const CLOSE_MS = 2_000;

/** Closes a channel, whatever state it is in; resolves when it is closed, or when nobody answers any more. Never throws. */
export async function closeChannel(channel: Channel): Promise<void> {
  // amqplib never settles a close() whose connection ends before the answer comes; the event tells of every end.
  const ended = new Promise<void>((resolve) => channel.once('close', resolve));
  await settleWithin(Promise.race([closeOf(channel), ended]), CLOSE_MS);
}

/** amqplib throws, rather than rejects, when the channel is closed already. */
async function closeOf(channel: Channel): Promise<void> {
  await channel.close();
}
