import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readEnvironment } from '../../src/config/environment';
import { evaluate } from '../support/script-module';
import { repositoryRoot } from '../support/servers';

interface Service {
  image?: string;
  build?: string;
  ports: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
  stop_grace_period?: string;
}

const file = parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')) as {
  services: Record<'rabbitmq' | 'postgres' | 'holdfast', Service>;
  volumes: Record<string, unknown>;
};
const { rabbitmq, postgres, holdfast } = file.services;

describe('docker-compose.yml', () => {
  it('has the three services, with versions that are named', () => {
    expect(Object.keys(file.services)).toEqual(['rabbitmq', 'postgres', 'holdfast']);
    expect(rabbitmq.image).toMatch(/^rabbitmq:\d+\.\d+-management$/);
    expect(postgres.image).toMatch(/^postgres:\d+$/);
    expect(holdfast.build).toBe('.');
  });

  it('opens its ports to this machine alone, the servers on their standard ones', () => {
    expect(Object.values(file.services).flatMap(({ ports }) => ports)).toEqual([
      '127.0.0.1:5672:5672',
      '127.0.0.1:15672:15672',
      '127.0.0.1:5432:5432',
      '127.0.0.1:3000:3000',
    ]);
  });

  it('keeps the data of the servers in named volumes', () => {
    const used = [rabbitmq, postgres].flatMap(({ volumes }) =>
      volumes!.map((volume) => volume.split(':')[0]),
    );
    expect(used).toEqual(Object.keys(file.volumes));
  });

  it('starts the service when the servers are healthy', () => {
    expect(rabbitmq.healthcheck?.test[0]).toBe('CMD');
    expect(postgres.healthcheck?.test[0]).toBe('CMD');
    expect(holdfast.depends_on).toEqual({
      rabbitmq: { condition: 'service_healthy' },
      postgres: { condition: 'service_healthy' },
    });
  });

  it('gives the service an environment it accepts without a word', () => {
    const environment = readEnvironment(holdfast.environment);
    expect(environment.warnings).toEqual([]);
    expect(environment.service.examples).toBe(true);
    expect(Number.parseInt(holdfast.stop_grace_period!, 10) * 1000).toBeGreaterThan(
      environment.service.shutdownGraceMs,
    );
  });

  it('gives the service the servers of the same file', () => {
    expect(new URL(holdfast.environment!.RABBITMQ_URL!).hostname).toBe('rabbitmq');
    const database = new URL(holdfast.environment!.DATABASE_URL!);
    expect(database.hostname).toBe('postgres');
    expect(database.pathname).toBe(`/${postgres.environment!.POSTGRES_DB}`);
    expect(database.password).toBe(postgres.environment!.POSTGRES_PASSWORD);
  });

  it.each(['rabbitmq', 'postgres'] as const)('is where an extra %s takes its image from', async (kind) => {
    expect(await evaluate('setup/container-server.mjs', 'it.imageOf(input)', kind)).toBe(
      file.services[kind].image,
    );
  });
});
