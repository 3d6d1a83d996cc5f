import { join } from 'node:path';
import { repositoryRoot } from '../test/support/servers';
import { HELP, readArguments, UsageError, type ChaosArguments } from './arguments';
import { reportJson, reportMarkdown } from './report/markdown';
import { plotSvg } from './report/plot';
import { summary } from './report/table';
import { run, writeReport } from './run';

async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const giveUp = new AbortController();
  // The first one ends the run in order: it mends, works off the rest and closes the books. A second one ends it at once.
  process.once('SIGINT', () => {
    giveUp.abort();
  });
  process.once('SIGTERM', () => {
    giveUp.abort();
  });
  const folder = args.out ?? join(repositoryRoot, '.holdfast', 'chaos-runs', nameOf(args));
  const report = await run(args, folder, giveUp.signal);
  writeReport(folder, {
    'throughput.svg': plotSvg(report.journal),
    'report.md': reportMarkdown(report, { plotPath: 'throughput.svg' }),
    'report.json': reportJson(report),
  });
  process.stdout.write(`${summary(report, process.stdout.isTTY ? process.stdout.columns : 110)}\n`);
  process.stdout.write(`report, plot and histories: ${folder}\n`);
  return report.verdicts.every(({ passed }) => passed) ? 0 : 1;
}

function nameOf({ seed }: ChaosArguments): string {
  return `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-seed-${seed}`;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
