import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { extraServer } from '../support/extra-server';
import type { ExtraServer } from '../support/extra-server';
import { evaluate } from '../support/script-module';

const METHODS = ['scram-sha-256', 'md5', 'password', 'trust'] as const;
const secret = randomBytes(9).toString('hex');

const shakeHands = (url: string): Promise<unknown> =>
  evaluate('setup/postgres-client.mjs', 'it.shakeHandsWithPostgres(input)', url);

describe('the handshake with Postgres', () => {
  let server: ExtraServer;
  const urlOf = (user: string, password: string, database = 'postgres'): string =>
    `postgres://${user}:${password}@127.0.0.1:${server.port}/${database}`;

  beforeAll(async () => {
    server = await extraServer('postgres');
    const rules = join(server.dir, 'data', 'pg_hba.conf');
    const own = METHODS.map(
      (method) => `host all user_${method.replaceAll('-', '_')} 127.0.0.1/32 ${method}`,
    );
    writeFileSync(rules, `${own.join('\n')}\n${readFileSync(rules, 'utf8')}`);
    const client = new Client({ connectionString: server.url });
    await client.connect();
    for (const method of METHODS) {
      await client.query(`set password_encryption = '${method === 'md5' ? 'md5' : 'scram-sha-256'}'`);
      await client.query(`create role user_${method.replaceAll('-', '_')} login password '${secret}'`);
    }
    await client.query('select pg_reload_conf()');
    await client.end();
  });

  afterAll(() => server.remove());

  it.each(METHODS)('logs in with %s', async (method) => {
    const url = urlOf(`user_${method.replaceAll('-', '_')}`, secret);
    expect(await shakeHands(url)).toEqual({ version: expect.stringMatching(/^\d+/) });
  });

  it.each(['scram_sha_256', 'md5', 'password'])(
    'is refused with a wrong password for %s, and for good',
    async (name) => {
      expect(await shakeHands(urlOf(`user_${name}`, 'wrong'))).toEqual({
        error: { message: expect.stringContaining('28P01'), final: true },
      });
    },
  );

  it('is refused by an unknown database, and for good', async () => {
    expect(await shakeHands(urlOf('user_trust', secret, 'nowhere'))).toEqual({
      error: { message: expect.stringContaining('"nowhere" does not exist'), final: true },
    });
  });

  it('creates a database only once', async () => {
    const ensure = `Promise.all([it.ensureDatabase(input, 'wa"nted'), it.ensureDatabase(input, 'wa"nted')])`;
    const urls = (await evaluate('setup/databases.mjs', ensure, server.url)) as string[];
    expect(await evaluate('setup/databases.mjs', `it.ensureDatabase(input, 'wa"nted')`, server.url)).toBe(
      urls[0],
    );
    expect(await shakeHands(urls[0]!)).toHaveProperty('version');
  });
});
