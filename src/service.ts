import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestApplicationOptions } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ProblemFilter } from './access/access.module';
import { AppModule } from './app.module';
import { configToken, type EnvironmentSource, type ServiceConfig } from './config/config.module';
import { HoldfastStrategy } from './registration/registration.module';

/** The largest request the admin API reads. */
const LARGEST_REQUEST = '1mb';
const API_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};

/** The whole service, ready to listen. What is global here is so for the service only, never for an adopter's app. */
export async function createService(source: EnvironmentSource): Promise<NestExpressApplication> {
  const app = await createApp(source, { bufferLogs: true, autoFlushLogs: false });
  AppModule.logAsService(app);
  const { apiDocs, trustedProxies } = app.get<ServiceConfig>(configToken('service'));
  app.disable('x-powered-by');
  app.set('trust proxy', trustedProxies);
  app.use((_request: unknown, response: { set(headers: object): void }, next: () => void) => {
    response.set(API_HEADERS);
    next();
  });
  app.useBodyParser('json', { limit: LARGEST_REQUEST });
  app.useGlobalFilters(new ProblemFilter(app.get(HttpAdapterHost)));
  app.connectMicroservice({ strategy: app.get(HoldfastStrategy) });
  if (apiDocs) SwaggerModule.setup('api/docs', app, () => describeApi(app), { raw: ['json'] });
  return app;
}

/**
 * The description of the API, made without a broker, a database or a port: nothing is instantiated.
 * @public for scripts/docs.mjs
 */
export async function describeService(source: EnvironmentSource): Promise<OpenAPIObject> {
  return describeApi(await createApp(source, { preview: true, logger: false }));
}

type Options = Pick<NestApplicationOptions, 'bufferLogs' | 'autoFlushLogs' | 'preview' | 'logger'>;

function createApp(source: EnvironmentSource, own: Options): Promise<NestExpressApplication> {
  const options: Options & Pick<NestApplicationOptions, 'abortOnError' | 'bodyParser'> = {
    ...own,
    abortOnError: false,
    bodyParser: false,
  };
  return NestFactory.create<NestExpressApplication>(AppModule.forRoot(source), options);
}

function describeApi(app: NestExpressApplication): OpenAPIObject {
  const { version } = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const description = new DocumentBuilder()
    .setTitle('Holdfast')
    .setDescription(
      'Operates the consumers of a Holdfast service. Every call needs a key (`Authorization: Bearer <secret>`, see HOLDFAST_API_KEYS) ' +
        'with at least the role named by `x-required-role`: viewer < operator < admin. Errors are problem+json (RFC 9457): decide by `code`.',
    )
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The secret of a key.' }, 'key')
    .build();
  return SwaggerModule.createDocument(app, description);
}
