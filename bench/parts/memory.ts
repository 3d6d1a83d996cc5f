import { join } from 'node:path';
import { memoryOf, MEMORY, type MemoryVariant } from '../memory/measure';
import type { Part } from '../part';

const COMPILED = join(__dirname, '..');

export const memory: Part<MemoryVariant> = {
  name: 'memory',
  title: 'Memory and start-up',
  about:
    'Start-up: from the start of the process until it says that it is ready. Idle: five seconds later, with one consumer attached. In flight: heap and buffers for each of 5 000 messages of 1 KiB whose handlers wait, after garbage collection.',
  measures: MEMORY,
  baseline: 'bare',
  rounds: { full: 5, quick: 1 },
  variants: [
    {
      kind: 'app',
      name: 'bare',
      label: 'bare Nest application with the same libraries',
      script: () => join(COMPILED, 'memory', 'bare-app.js'),
      environment: {},
    },
    {
      kind: 'app',
      name: 'holdfast',
      label: 'Holdfast, the service with one handler',
      isHoldfast: true,
      script: (root) => join(root, 'dist', 'main.js'),
      environment: { HOLDFAST_HANDLERS: join(COMPILED, 'holdfast', 'idle.js') },
    },
    {
      kind: 'holding',
      name: 'amqplib',
      label: 'in flight: amqplib',
      load: async () => (await import('../peers/hold-amqplib')).holdAmqplib,
    },
    {
      kind: 'holding',
      name: 'golevelup',
      label: 'in flight: golevelup `@RabbitSubscribe`',
      load: async () => (await import('../peers/hold-golevelup')).holdGolevelup,
    },
    {
      kind: 'holding',
      name: 'holdfast-off',
      label: "in flight: Holdfast, `idempotency: 'off'`",
      isHoldfast: true,
      load: async () => (await import('../holdfast/holding')).holdHoldfast,
    },
  ],
  targets: [{ variant: 'holdfast', against: 'bare', measure: 'rss', atMost: 1.3 }],
  measure: memoryOf,
};
