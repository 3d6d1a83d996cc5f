import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { FULL, measureInbox, QUICK, type InboxOptions } from './measure';

/*
 * By itself: node .holdfast/bench/inbox/main.js <database url> [--quick] [--layouts a,b] [--kinds v4,v7] [--sizes n,m] [--modes single,hundred]
 * [--rounds n] [--seconds n]. The result is JSON on standard output.
 */

async function main(): Promise<void> {
  // Standard output is for the result.
  Logger.overrideLogger(['error']);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      layouts: { type: 'string' },
      kinds: { type: 'string' },
      sizes: { type: 'string' },
      modes: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
    },
  });
  const [url] = positionals;
  if (!url) throw new Error('name the database: postgres://user:password@host:port/database');
  const base = values.quick ? QUICK : FULL;
  const options: InboxOptions = {
    layouts: values.layouts?.split(',') ?? base.layouts,
    kinds: (values.kinds?.split(',') as InboxOptions['kinds'] | undefined) ?? base.kinds,
    sizes: values.sizes?.split(',').map(Number) ?? base.sizes,
    modes: (values.modes?.split(',') as InboxOptions['modes'] | undefined) ?? base.modes,
    rounds: Number(values.rounds ?? base.rounds),
    seconds: Number(values.seconds ?? base.seconds),
  };
  const states = await measureInbox(url, options, (line) => {
    console.error(line);
  });
  console.log(JSON.stringify(states, undefined, 2));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
