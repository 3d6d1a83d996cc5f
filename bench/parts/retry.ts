import { FAILURES, retriesOf, type RetryVariant } from '../measuring/retries';
import type { Part } from '../part';

const NAME = 'retry';

export const retry: Part<RetryVariant> = {
  name: NAME,
  title: 'Retry: the first try fails, the second one after 1 s succeeds',
  about:
    'A failure is settled when its copy is confirmed and the original acknowledged; timed from the first fifth of them to the last, second tries that come back meanwhile included. The processor time is that of the whole run, both tries. Nobody logs a stack.',
  measures: FAILURES,
  baseline: 'golevelup',
  rounds: { full: 4, quick: 2 },
  variants: [
    {
      name: 'golevelup',
      label: 'golevelup, republishing with confirm',
      messages: { full: 40_000, quick: 10_000 },
      writes: false,
      load: async () => (await import('../peers/retry-golevelup')).retryGolevelup,
    },
    {
      name: 'holdfast-off',
      label: "Holdfast, `idempotency: 'off'`",
      isHoldfast: true,
      messages: { full: 40_000, quick: 10_000 },
      writes: false,
      load: async () => (await import('../holdfast/retrying')).retryOff,
    },
    {
      name: 'holdfast-inbox',
      label: 'Holdfast, with the inbox and one business insert',
      isHoldfast: true,
      messages: { full: 4_000, quick: 1_000 },
      writes: true,
      load: async () => (await import('../holdfast/retrying')).retryTransactional,
    },
  ],
  targets: [{ variant: 'holdfast-off', against: 'golevelup', atLeast: 1.3 }],
  measure: (variant, stage) => retriesOf(NAME, variant, stage),
};
