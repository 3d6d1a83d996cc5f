import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { Logger, LoggerModule } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { BenchOrder } from '../holdfast/orders';
import { POOL_SIZE, PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';

/* What a team has before it has Holdfast: Nest with Express, golevelup, TypeORM, pino, Prometheus, terminus and OpenAPI, and one handler. */

@Injectable()
class Orders {
  constructor(private readonly database: DataSource) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder({ sequence, customer, cents }: BenchMessage): Promise<void> {
    await this.database.manager.insert(BenchOrder, {
      messageId: String(sequence),
      sequence,
      customer,
      cents,
    });
  }
}

@Controller('health')
class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: DataSource,
  ) {}

  @Get('ready')
  ready(): Promise<unknown> {
    return this.health.check([
      async () => {
        await this.database.query('select 1');
        return { database: { status: 'up' } };
      },
    ]);
  }
}

async function main(): Promise<void> {
  const database = new DataSource({
    type: 'postgres',
    url: process.env['DATABASE_URL'],
    poolSize: POOL_SIZE,
    entities: [BenchOrder],
  });
  await database.initialize();

  @Module({
    imports: [
      LoggerModule.forRoot(),
      PrometheusModule.register(),
      TerminusModule,
      RabbitMQModule.forRoot({ uri: process.env['RABBITMQ_URL']!, prefetchCount: PREFETCH }),
    ],
    controllers: [Health],
    providers: [Orders, { provide: DataSource, useValue: database }],
  })
  class App {}

  const app = await NestFactory.create(App, { bufferLogs: true });
  app.useLogger(app.get(Logger));
  SwaggerModule.setup('docs', app, SwaggerModule.createDocument(app, new DocumentBuilder().build()));
  await app.listen(Number(process.env['PORT']));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
