import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import type { Copy, Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { repositoryRoot } from '../support/servers';

const text = readFileSync(join(repositoryRoot, 'Dockerfile'), 'utf8');
const dockerfile = DockerfileParser.parse(text);
const stages = dockerfile.getFROMs();

/** The instructions of the stage that becomes the image. */
const final = (keyword: string): Instruction[] => {
  const start = stages.at(-1)!.getRange().start.line;
  return dockerfile
    .getInstructions()
    .filter((one) => one.getKeyword() === keyword && one.getRange().start.line > start);
};
const words = (instruction: Instruction): string[] => instruction.getArguments().map(String);

describe('the Dockerfile', () => {
  it('has nothing to complain about for the linter', () => {
    expect(validate(text)).toEqual([]);
  });

  it('names every stage, and lets the version of Node be chosen', () => {
    expect(stages.map((stage) => stage.getBuildStage())).toEqual([
      'base',
      'dependencies',
      'build',
      'runtime',
    ]);
    expect(stages[0]!.getImage()).toBe('node:${NODE_VERSION}-bookworm-slim');
  });

  it('runs as a numeric user that no system user is', () => {
    const user = final('USER').map((one) => words(one)[0]);
    expect(user).toHaveLength(1);
    const [uid, gid] = user[0]!.split(':').map(Number);
    expect(uid).toBeGreaterThanOrEqual(10_000);
    expect(gid).toBeGreaterThanOrEqual(10_000);
  });

  it('starts node without a shell, so that SIGTERM reaches it', () => {
    expect(JSON.parse(final('CMD')[0]!.getArgumentsContent()!)).toEqual(['node', 'dist/main.js']);
    expect(final('ENTRYPOINT')).toEqual([]);
  });

  it('runs in production mode, on the documented port, with a health check that needs only node', () => {
    expect(final('ENV').map((one) => one.getArgumentsContent())).toEqual(['NODE_ENV=production']);
    expect(final('EXPOSE').flatMap(words)).toEqual(['3000']);
    const [check] = final('HEALTHCHECK');
    expect(check!.getArgumentsContent()).toContain('["node", "-e"');
    expect(check!.getArgumentsContent()).toContain('/health/live');
  });

  it('copies only what exists and what .dockerignore lets in', () => {
    const sources = dockerfile
      .getCOPYs()
      .filter((copy: Copy) => copy.getFlags().length === 0)
      .flatMap((copy) => words(copy).slice(0, -1));
    const ignore = readFileSync(join(repositoryRoot, '.dockerignore'), 'utf8').split('\n');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));

    expect(sources.filter((source) => !existsSync(join(repositoryRoot, source)))).toEqual([]);
    expect([...new Set(sources)].sort()).toEqual(allowed.sort());
    expect(ignore).toContain('*');
  });

  it('copies from stages that come before', () => {
    const from = dockerfile.getCOPYs().flatMap((copy) => copy.getFlags().map((flag) => flag.getValue()));
    expect(from).toEqual(['build', 'build']);
  });

  it('runs no install scripts of packages', () => {
    const npm = dockerfile.getInstructions().filter((one) => one.getKeyword() === 'RUN');
    const installs = npm
      .flatMap((one) => one.getArgumentsContent()!.split('&&'))
      .filter((one) => /npm (ci|prune)/.test(one));
    expect(installs).toHaveLength(2);
    expect(installs.filter((one) => !one.includes('--ignore-scripts'))).toEqual([]);
  });
});
