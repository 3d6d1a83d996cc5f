import { Controller, Get, Module, NotFoundException } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AccessModule, HoldfastController, Open, OpenController } from '../../src/access/access.module';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { API_KEYS, type ApiAnswer, type ApiCall, callApi, SECRETS } from '../support/api-client';
import { World, type RunningHoldfast } from '../support/holdfast';

@HoldfastController('api/v1/forgotten', 'test')
class ForgottenController {
  @Get()
  secret(): string {
    return 'nobody said who may read this';
  }
}

@OpenController('broken')
class BrokenController {
  @Get()
  @Open()
  fail(): never {
    throw new Error('select secret from host db.internal');
  }
}

@Controller('shop')
class AdoptersController {
  @Get()
  fail(): never {
    throw new NotFoundException('no shop here');
  }
}

@Module({ imports: [AccessModule], controllers: [ForgottenController, BrokenController, AdoptersController] })
class OtherRoutes {}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly role: keyof typeof SECRETS;
}

const RANK = ['viewer', 'operator', 'admin'] as const;

describe('the admin API', () => {
  let world: World;
  let address: string;
  let routes: Route[];

  const start = async (
    variables: Record<string, string>,
  ): Promise<{ holdfast: RunningHoldfast; at: string }> => {
    const holdfast = await world.start({ imports: [ObservabilityModule, OtherRoutes], variables });
    await holdfast.app.listen(0);
    return { holdfast, at: (await holdfast.app.getUrl()).replace('[::1]', '127.0.0.1') };
  };
  const call = (method: string, path: string, options?: ApiCall): Promise<ApiAnswer> =>
    callApi(address, method, path, options);

  beforeAll(async () => {
    world = await World.create();
    const { holdfast, at } = await start({ HOLDFAST_API_KEYS: API_KEYS });
    address = at;
    routes = routesOf(holdfast);
  });
  afterAll(() => world.remove());

  it('has a role for every route, as the contract says', () => {
    expect(routes.map(({ method, path, role }) => `${role} ${method} ${path}`).sort()).toEqual([
      'operator POST /api/v1/consumers/any/pause',
      'operator POST /api/v1/consumers/any/resume',
      'operator POST /api/v1/messages/process',
      'viewer GET /api/v1/consumers',
      'viewer GET /api/v1/consumers/any',
      'viewer GET /api/v1/messages/any',
    ]);
  });

  it('answers 401 and how to log in to everybody without a key', async () => {
    for (const { method, path } of routes) {
      const answer = await call(method, path);
      expect(answer).toMatchObject({ status: 401, body: { code: 'key-missing', status: 401 } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="holdfast"');
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('lets each role do what it may, and nothing more', async () => {
    for (const { method, path, role } of routes) {
      for (const as of RANK) {
        const { status } = await call(method, path, { as, ...(method === 'POST' && { body: {} }) });
        expect(`${as} ${method} ${path} ${String(status === 403)}`).toBe(
          `${as} ${method} ${path} ${String(RANK.indexOf(as) < RANK.indexOf(role))}`,
        );
        expect(status).not.toBe(401);
      }
    }
  });

  it('refuses a route that names no role, to everybody', async () => {
    for (const as of RANK) {
      expect(await call('GET', '/api/v1/forgotten', { as })).toMatchObject({
        status: 403,
        body: { code: 'route-without-role' },
      });
    }
    expect((await call('GET', '/api/v1/forgotten')).status).toBe(401);
  });

  it.each([
    ['a scheme of its own', { authorization: `Basic ${SECRETS.admin}` }],
    ['no secret', { authorization: 'Bearer ' }],
    ['a key in the query', {}],
  ])('takes no key by %s', async (_name, headers) => {
    const path = `/api/v1/consumers?access_token=${SECRETS.admin}`;
    expect(await call('GET', path, { headers })).toMatchObject({
      status: 401,
      body: { code: 'key-missing' },
    });
  });

  it('says nothing of what broke inside', async () => {
    const { status, body, text } = await call('GET', '/broken');
    expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal-error' });
    expect(text).not.toMatch(/select|db\.internal|\.ts/);
  });

  it("leaves an adopter's own routes alone", async () => {
    const answer = await call('GET', '/shop');
    expect(answer).toMatchObject({ status: 404, body: { statusCode: 404, message: 'no shop here' } });
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  it('answers probes and metrics without a key', async () => {
    expect((await call('GET', '/health/live')).status).toBe(200);
    expect((await call('GET', '/metrics')).status).toBe(200);
  });

  it('asks for a key at /metrics when told to', async () => {
    const { at, holdfast } = await start({
      HOLDFAST_API_KEYS: API_KEYS,
      HOLDFAST_METRICS_REQUIRE_KEY: 'true',
    });
    expect((await callApi(at, 'GET', '/metrics')).status).toBe(401);
    expect((await callApi(at, 'GET', '/metrics', { as: 'viewer' })).status).toBe(200);
    expect((await callApi(at, 'GET', '/health/live')).status).toBe(200);
    await holdfast.stop();
  });

  it('answers 401 to all when no key is configured, however often they ask', async () => {
    const { at, holdfast } = await start({ HOLDFAST_API_KEYS: '' });
    for (let i = 0; i < 15; i++) {
      const answer = await callApi(at, 'GET', '/api/v1/consumers', { as: 'admin' });
      expect(answer).toMatchObject({ status: 401, body: { code: 'no-key-configured' } });
    }
    await holdfast.stop();
  });

  it('makes a source that guesses keys wait, also with the right one', async () => {
    const { at, holdfast } = await start({ HOLDFAST_API_KEYS: API_KEYS });
    const guess = (secret: string): Promise<ApiAnswer> =>
      callApi(at, 'GET', '/api/v1/consumers', { headers: { authorization: `Bearer ${secret}` } });
    for (let i = 0; i < 10; i++) expect((await guess(`guess-${i}`)).status).toBe(401);
    const stopped = await guess('guess-11');
    expect(stopped).toMatchObject({ status: 429, body: { code: 'too-many-failures' } });
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await guess(SECRETS.admin)).status).toBe(429);
    await holdfast.stop();
  });
});

/** What the description of the API says, with a name for every parameter. */
function routesOf({ app }: RunningHoldfast): Route[] {
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/v1/') && path !== '/api/v1/forgotten')
    .flatMap(([path, item]) =>
      Object.entries(item as Record<string, { 'x-required-role': Route['role'] }>).map(
        ([method, operation]) => ({
          method: method.toUpperCase(),
          path: path.replaceAll(/\{\w+\}/g, 'any'),
          role: operation['x-required-role'],
        }),
      ),
    );
}
