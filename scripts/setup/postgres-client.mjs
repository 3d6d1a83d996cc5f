import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { startScram } from './scram.mjs';

/*
 * Just enough of the Postgres protocol to log in and run a statement, without dependencies, because it runs before
 * `npm ci`.
 */
const PROTOCOL_3 = 196_608;
const SSL_REQUEST = 80_877_103;
/** "The database system is starting up" heals by waiting, as do refused connections; other answers do not. */
const STARTING_UP = '57P03';

/** Logs in, runs the function with `{ query, version }`, logs out. Errors that waiting cannot heal have `final: true`. */
export async function withPostgres(url, action, timeoutMs = 5000) {
  const target = parse(url);
  const connection = await openConnection(target, timeoutMs);
  try {
    const version = await logIn(connection, target);
    return await action({ version, query: (sql) => query(connection, sql) });
  } catch (error) {
    throw Object.assign(new Error(`${target.shown}: ${error.message}`, { cause: error }), {
      final: error.final,
      sqlState: error.sqlState,
    });
  } finally {
    connection.end();
  }
}

/** Logs in and out. Resolves to `{ version }`; rejects with the reason. */
export const shakeHandsWithPostgres = (url, timeoutMs = 3000) =>
  withPostgres(url, async ({ version, query: ask }) => (await ask('select 1'), { version }), timeoutMs);

function parse(url) {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const user = decodeURIComponent(username) || process.env.PGUSER || 'postgres';
  const database = decodeURIComponent(pathname.slice(1)) || user;
  const host = decodeURIComponent(hostname).replace(/^\[|\]$/g, '') || 'localhost';
  return {
    host,
    port: Number(port) || 5432,
    user,
    password: decodeURIComponent(password) || process.env.PGPASSWORD || '',
    database,
    sslMode: searchParams.get('sslmode') ?? 'disable',
    caFile: searchParams.get('sslrootcert'),
    shown: `postgres://${user}@${hostname}:${Number(port) || 5432}/${database}`,
  };
}

async function openConnection(target, timeoutMs) {
  let socket = connectPlain({ host: target.host, port: target.port });
  try {
    await event(socket, 'connect', timeoutMs);
    if (!['disable', 'allow', 'prefer'].includes(target.sslMode))
      socket = await upgrade(socket, target, timeoutMs);
  } catch (error) {
    socket.destroy();
    throw Object.assign(new Error(`${target.shown}: ${error.message || error.code}`), { final: error.final });
  }
  return conversation(socket, timeoutMs);
}

async function upgrade(socket, { host, sslMode, caFile }, timeoutMs) {
  socket.write(Buffer.concat([int32(8), int32(SSL_REQUEST)]));
  const [answer] = await event(socket, 'data', timeoutMs);
  if (String(answer) !== 'S') throw Object.assign(new Error('the server offers no TLS'), { final: true });
  const ca = caFile ? readFileSync(caFile) : undefined;
  const secure = connectTls({ socket, servername: host, ca, rejectUnauthorized: sslMode !== 'no-verify' });
  await event(secure, 'secureConnect', timeoutMs);
  return secure;
}

function event(emitter, name, timeoutMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    emitter.once(name, (...values) => (clearTimeout(timer), resolve(values)));
    emitter.once('error', (error) => (clearTimeout(timer), reject(error)));
  });
}

/** Turns the socket into `next()`: one message `{ type, body }` after the other. */
function conversation(socket, timeoutMs) {
  const messages = [];
  let received = Buffer.alloc(0);
  let waiting;
  let broken;
  const wake = () => waiting?.();
  const breakOff = (error) => ((broken ??= error), wake());
  socket.setTimeout(timeoutMs * 6, () => breakOff(new Error(`no answer within ${timeoutMs * 6} ms`)));
  socket.on('error', breakOff);
  socket.on('close', () =>
    breakOff(new Error('the connection was closed in the middle of the conversation')),
  );
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 5 && received.length >= received.readUInt32BE(1) + 1) {
      const end = received.readUInt32BE(1) + 1;
      messages.push({ type: String.fromCharCode(received[0]), body: received.subarray(5, end) });
      received = received.subarray(end);
    }
    wake();
  });
  return {
    send: (type, body) => socket.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body])),
    async next() {
      while (messages.length === 0) {
        if (broken) throw broken;
        await new Promise((resolve) => (waiting = resolve));
      }
      return messages.shift();
    },
    end: () => socket.end(Buffer.concat([Buffer.from('X'), int32(4)])).destroySoon(),
  };
}

async function logIn(connection, { user, password, database }) {
  const parameters = text('user') + text(user) + text('database') + text(database) + '\0';
  connection.send('', Buffer.concat([int32(PROTOCOL_3), Buffer.from(parameters)]));
  let version;
  let scram;
  for (;;) {
    const { type, body } = await connection.next();
    if (type === 'E') throw serverError(body);
    if (type === 'Z') return version;
    if (type === 'S') version = readParameter(body, 'server_version') ?? version;
    if (type === 'R') scram = authenticate(connection, body, { user, password }, scram);
  }
}

/** One step of the authentication the server asked for; returns the SCRAM exchange that is under way, if any. */
function authenticate(connection, body, { user, password }, scram) {
  const rest = body.subarray(4);
  switch (body.readUInt32BE(0)) {
    case 0:
      return undefined;
    case 3:
      connection.send('p', Buffer.from(text(password)));
      return undefined;
    case 5:
      connection.send('p', Buffer.from(text(`md5${md5(md5(password + user), rest)}`)));
      return undefined;
    case 10: {
      const exchange = startScram(password);
      const first = Buffer.from(exchange.first);
      connection.send('p', Buffer.concat([Buffer.from(text('SCRAM-SHA-256')), int32(first.length), first]));
      return exchange;
    }
    case 11:
      connection.send('p', Buffer.from(scram.answer(rest.toString())));
      return scram;
    case 12:
      return scram;
    default:
      throw Object.assign(new Error('the server asks for a way to log in that is not known here'), {
        final: true,
      });
  }
}

/** Runs one text statement; rows are arrays of strings or nulls. */
async function query(connection, sql) {
  connection.send('Q', Buffer.from(text(sql)));
  const rows = [];
  let error;
  for (;;) {
    const { type, body } = await connection.next();
    if (type === 'D') rows.push(readRow(body));
    if (type === 'E') error = serverError(body);
    if (type !== 'Z') continue;
    if (error) throw error;
    return rows;
  }
}

function readRow(body) {
  const row = [];
  for (let at = 2; at < body.length;) {
    const length = body.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? null : body.subarray(at, at + length).toString());
    at += Math.max(length, 0);
  }
  return row;
}

function serverError(body) {
  const fields = Object.fromEntries(
    body
      .toString()
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  const error = new Error(`${fields.M} (SQLSTATE ${fields.C})`);
  return Object.assign(error, { sqlState: fields.C, final: fields.C !== STARTING_UP });
}

function readParameter(body, name) {
  const [key, value] = body.toString().split('\0');
  return key === name ? value : undefined;
}

const text = (value) => `${value}\0`;
const md5 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest('hex');
function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
