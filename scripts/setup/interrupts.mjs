/*
 * Ctrl-C during the set-up: locks are released at exit, servers that are starting live on and are found by the next
 * run. Only a package installation must not be left half done; it holds the interrupt back until it has ended.
 */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 };
let held = 0;
let pending;

/** Runs the function; a first interrupt meanwhile waits for its end, a second one does not. */
export async function holdInterrupts(action, announce) {
  const onSignal = (signal) => {
    if (pending) process.exit(SIGNALS[signal]);
    pending = signal;
    announce();
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  held += 1;
  try {
    return await action();
  } finally {
    held -= 1;
    for (const signal of Object.keys(SIGNALS)) process.removeListener(signal, onSignal);
    if (pending && held === 0) process.exit(SIGNALS[pending]);
  }
}

/** While the set-up runs, an interrupt ends this process in order, so that its locks are released. */
export function exitOnInterrupt() {
  const onSignal = (signal) => {
    if (held === 0) process.exit(SIGNALS[signal]);
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  return () => {
    for (const signal of Object.keys(SIGNALS)) process.removeListener(signal, onSignal);
  };
}
