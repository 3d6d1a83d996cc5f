import { spawn } from 'node:child_process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command in the foreground and resolves to its exit code. It gets a process group of its own and is told of
 * the first interrupt by us: from the terminal and from us it would be two, and the second means "at once" to many.
 */
export function runForwarding(command, args, { onInterrupt, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', detached: true, ...options });
    let forwarded = false;
    const forward = (signal) => {
      if (forwarded) return;
      forwarded = true;
      onInterrupt?.(signal, child.pid);
      child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    const finish = (settle, value) => {
      for (const signal of SIGNALS) process.removeListener(signal, forward);
      settle(value);
    };
    child.on('error', (error) => finish(reject, error));
    child.on('close', (code, signal) => finish(resolve, code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
