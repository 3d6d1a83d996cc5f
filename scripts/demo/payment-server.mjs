import { createServer } from 'node:http';

/** The downstream of the example's `payments` consumer: somebody else's service, which can be broken and mended. */
export async function startPaymentServer(goodbye) {
  const charged = new Map();
  let repeated = 0;
  let refused = 0;
  let isBroken = false;
  let healing;

  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('error', () => {});
    request.on('end', () => {
      if (isBroken) {
        refused += 1;
        return response.writeHead(503).end();
      }
      const key = request.headers['idempotency-key'];
      // Asked twice, it charges once: so a repetition after a crash costs the customer nothing.
      if (charged.has(key)) repeated += 1;
      else charged.set(key, JSON.parse(text).id);
      response.writeHead(201).end();
    });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  goodbye.remember('payment server', () => {
    clearTimeout(healing);
    server.close();
    server.closeAllConnections();
  });

  const mend = () => {
    clearTimeout(healing);
    isBroken = false;
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Answers 503 until it is mended; with a time it heals by itself. */
    breakDown(ms) {
      mend();
      isBroken = true;
      if (ms !== undefined) healing = setTimeout(mend, ms);
    },
    mend,
    get isBroken() {
      return isBroken;
    },
    /** Orders that were charged, each once; how often it recognised a repetition; how often it answered 503. */
    get books() {
      return { charged: [...charged.values()], repeated, refused };
    },
  };
}
