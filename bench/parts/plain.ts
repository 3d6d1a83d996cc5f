import { count } from '../../drawing/figures';
import { consumption } from '../measuring/consumption';
import { barPicture } from '../report/bars';

const MESSAGES = { full: 80_000, quick: 20_000 };

export const plain = consumption({
  name: 'plain',
  title: 'Plain consumption: no database, the handler does nothing',
  about: `${count(MESSAGES.full)} messages a run; from the first fifth of them to the last acknowledgement.`,
  baseline: 'golevelup',
  rounds: { full: 4, quick: 2 },
  writes: false,
  picture: barPicture,
  variants: [
    {
      name: 'amqplib',
      label: 'amqplib, one ack per message',
      messages: MESSAGES,
      load: async () => (await import('../peers/plain-amqplib')).plainAmqplib,
    },
    {
      name: 'golevelup',
      label: 'golevelup `@RabbitSubscribe`',
      messages: MESSAGES,
      load: async () => (await import('../peers/plain-golevelup')).plainGolevelup,
    },
    {
      name: 'nest-rmq',
      label: 'Nest RMQ transporter',
      messages: MESSAGES,
      load: async () => (await import('../peers/plain-nest-rmq')).plainNestRmq,
    },
    {
      name: 'rascal',
      label: 'rascal',
      messages: MESSAGES,
      load: async () => (await import('../peers/plain-rascal')).plainRascal,
    },
    {
      name: 'rabbitmq-client',
      label: 'rabbitmq-client',
      messages: MESSAGES,
      load: async () => (await import('../peers/plain-rabbitmq-client')).plainRabbitmqClient,
    },
    {
      name: 'holdfast',
      label: "Holdfast, `idempotency: 'off'`",
      isHoldfast: true,
      messages: MESSAGES,
      load: async () => (await import('../holdfast/plain')).plainHoldfast,
    },
  ],
  targets: [
    { variant: 'holdfast', against: 'golevelup', atLeast: 1.3 },
    { variant: 'holdfast', against: 'amqplib', atLeast: 1.2 },
  ],
});
