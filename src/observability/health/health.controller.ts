import { Get, Header, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { Open, OpenController } from '../../access/access.module';
import type { Part } from './readiness';
import { ServiceHealth } from './service-health';

/** What is needed of a response of Express or Fastify. */
interface StatusResponse {
  status(code: number): unknown;
}

/** Probes in the format of terminus. They read states and wait for nothing, so they answer while everything else hangs. */
@ApiExcludeController()
@OpenController('health')
@Open()
export class HealthController {
  constructor(
    private readonly health: ServiceHealth,
    private readonly terminus: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /** The process runs and its event loop turns. Says nothing of dependencies: a restart would not mend them. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): HealthCheckResult {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  /** Messages and requests are welcome. */
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  ready(@Res({ passthrough: true }) response: StatusResponse): Promise<HealthCheckResult> {
    return this.answer(this.health.readiness(), response);
  }

  /** Everything has been there once. From then on always 200: what goes later is for `ready` to say. */
  @Get('startup')
  @Header('Cache-Control', 'no-store')
  startup(@Res({ passthrough: true }) response: StatusResponse): Promise<HealthCheckResult> {
    return this.answer(this.health.missingSinceStart(), response);
  }

  private async answer(parts: readonly Part[], response: StatusResponse): Promise<HealthCheckResult> {
    try {
      return await this.terminus.check(
        parts.map(({ name, up, details }) => () => {
          const indicator = this.indicators.check(name);
          return up ? indicator.up({ ...details }) : indicator.down({ ...details });
        }),
      );
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      // Answered here: as an exception it would leave as problem+json, and probes expect terminus's own format.
      response.status(503);
      return error.getResponse() as HealthCheckResult;
    }
  }
}
