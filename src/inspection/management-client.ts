import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** A node that does not answer for this long is passed over. */
const TIMEOUT_MS = 5_000;
/** No answer that is asked for here is nearly as large. */
const MAX_BYTES = 1024 * 1024;
const KEEP_ALIVE = { keepAlive: true, maxSockets: 1 };

/** The management API did not answer, or not with what was asked for. The message names the address without its login. */
export class ManagementError extends Error {
  override readonly name = 'ManagementError';

  constructor(
    message: string,
    /** The HTTP status, where there was an answer. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface Node {
  readonly url: URL;
  readonly shown: string;
  readonly authorization: string;
}

/**
 * Reads from RabbitMQ's management API, one request after another over one connection. Node's own client and not `fetch`: its
 * sockets can be closed when the process stops, and no redirect leads the password elsewhere.
 */
export class ManagementClient {
  private readonly nodes: readonly Node[];
  private readonly agents = { 'http:': new HttpAgent(KEEP_ALIVE), 'https:': new HttpsAgent(KEEP_ALIVE) };
  /** The node that answered last. */
  private preferred = 0;

  /** @param urls with user and password; a path is that of a proxy or of `management.path_prefix`. */
  constructor(
    urls: readonly string[],
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    this.nodes = urls.map(nodeOf);
  }

  /**
   * The parsed answer; undefined when there is no such thing (404).
   * @param path below `/api`, its parts encoded.
   * @throws ManagementError no node answered, or one refused.
   */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const failures: string[] = [];
    for (let tried = 0; tried < this.nodes.length; tried++) {
      const index = (this.preferred + tried) % this.nodes.length;
      const node = this.nodes[index];
      if (!node) break;
      try {
        const answer = await this.ask(node, path, signal);
        this.preferred = index;
        return answer;
      } catch (error) {
        const failure = new ManagementError(
          `${node.shown} ${error instanceof Error ? error.message : String(error)}`,
          error instanceof ManagementError ? error.status : undefined,
          { cause: error },
        );
        // What one node refuses the others refuse as well.
        if (signal.aborted || (failure.status ?? 500) < 500) throw failure;
        failures.push(failure.message);
      }
    }
    throw new ManagementError(failures.join('; '));
  }

  /**
   * Closes what is open; what is under way fails. To be called after each round of questions: the broker closes a connection that
   * is idle for a minute, and a question that crosses with that is lost.
   */
  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  private async ask(node: Node, path: string, signal: AbortSignal): Promise<unknown> {
    const { status, text } = await this.exchange(node, path, signal);
    const answer = parsed(text);
    if (status === 200 && answer !== undefined) return answer;
    if (status === 404 && isRefusal(answer)) return undefined;
    throw new ManagementError(`answers ${complaint(status, answer)}`, status === 200 ? undefined : status);
  }

  private async exchange(
    node: Node,
    path: string,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const late = AbortSignal.timeout(this.timeoutMs);
    try {
      const response = await this.send(node, path, AbortSignal.any([signal, late]));
      return { status: response.statusCode ?? 0, text: await textOf(response) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!late.aborted) throw error;
      throw new ManagementError(`does not answer within ${this.timeoutMs} ms`, undefined, { cause: error });
    }
  }

  private send(node: Node, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const isSecure = node.url.protocol === 'https:';
    const url = new URL(`${node.url.href}api${path}`);
    const options = {
      agent: this.agents[isSecure ? 'https:' : 'http:'],
      headers: { authorization: node.authorization, accept: 'application/json' },
      signal,
    };
    return responseTo(isSecure ? httpsRequest(url, options) : httpRequest(url, options));
  }
}

function nodeOf(text: string): Node {
  const url = new URL(text);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = url.password = url.search = url.hash = '';
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/api$/, '')}/`;
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  return { url, shown: url.href.replace(/\/$/, ''), authorization };
}

function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).on('error', reject).end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the response, and with it the socket.
    if (bytes > MAX_BYTES) throw new ManagementError(`answers more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** RabbitMQ's own 404, not that of some other web server. */
function isRefusal(answer: unknown): answer is { error: string } {
  return (
    typeof answer === 'object' && answer !== null && 'error' in answer && typeof answer.error === 'string'
  );
}

function complaint(status: number, answer: unknown): string {
  const reason = isRefusal(answer) ? `: ${answer.error.slice(0, 200)}` : '';
  switch (status) {
    case 200:
      return 'something that is no JSON: is that the management API of RabbitMQ?';
    case 401:
    case 403:
      return `${status}${reason}. Are user and password right, has the user the tag "management", and permissions on the virtual host?`;
    default:
      return `${status}${reason || ': is that the management API of RabbitMQ?'}`;
  }
}
