import type { ConsumerVariant } from '../measuring/consumer';
import { ARRIVALS, outboxOf } from '../measuring/outbox';
import type { Part } from '../part';

const NAME = 'outbox';

export const outbox: Part<ConsumerVariant> = {
  name: NAME,
  title: 'Outbox: consume, take effect once, publish downstream',
  about:
    'Each message makes one business insert and one message downstream; timed by their arrival there, from the first fifth of them to the last, each once.',
  measures: ARRIVALS,
  baseline: 'hand-written',
  rounds: { full: 3, quick: 1 },
  variants: [
    {
      name: 'golevelup-unsafe',
      label:
        'textbook in golevelup, then published by the handler (not safe: a crash between loses the message)',
      messages: { full: 4_000, quick: 1_000 },
      load: async () => (await import('../peers/outbox-golevelup')).outboxGolevelup,
    },
    {
      name: 'hand-written',
      label: 'hand-written pg with an outbox table that is polled',
      messages: { full: 8_000, quick: 1_500 },
      load: async () => (await import('../peers/outbox-hand-written')).outboxHandWritten,
    },
    {
      name: 'holdfast',
      label: 'Holdfast, `ctx.publish(…)`',
      isHoldfast: true,
      messages: { full: 8_000, quick: 1_500 },
      load: async () => (await import('../holdfast/publishing')).publishingHoldfast,
    },
  ],
  targets: [],
  measure: (variant, stage) => outboxOf(NAME, variant, stage),
};
