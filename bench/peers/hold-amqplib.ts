import { connect, type Channel, type ConsumeMessage } from 'amqplib';
import { IN_FLIGHT, waitForever, type HoldingConsumer, type HoldingRun } from '../memory/holding';
import { QUEUE } from '../measuring/order';

export const holdAmqplib: HoldingConsumer = {
  async start(run) {
    const model = await connect(run.amqpUrl);
    const channel = await model.createChannel();
    await channel.prefetch(IN_FLIGHT);
    await channel.consume(QUEUE, (message) => {
      if (!message) throw new Error('the broker cancelled the consumer');
      void handle(message, channel, run);
    });
  },
};

async function handle(message: ConsumeMessage, channel: Channel, run: HoldingRun): Promise<void> {
  run.holds(JSON.parse(message.content.toString()));
  await waitForever();
  channel.ack(message);
}
