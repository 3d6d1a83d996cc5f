import { SetupError } from './failure.mjs';

const LOWEST = [20, 19];

export function checkNodeVersion(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > LOWEST[0] || (major === LOWEST[0] && minor >= LOWEST[1])) return;
  throw new SetupError(
    `Holdfast needs Node ${LOWEST.join('.')} or newer; this is Node ${version} (${process.execPath}).\n` +
      '  mend: install a newer Node, for instance with: nvm install 22',
  );
}
