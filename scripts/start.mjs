import { runMain } from './setup/failure.mjs';
import { prepareService, runProgram } from './setup/service.mjs';

/* `npm start`: the set-up step, then the service alone. */

runMain(async () => {
  const servers = await prepareService();
  console.log('starting the service; Ctrl-C stops it in order');
  process.exitCode = await runProgram('main.js', servers, {
    onInterrupt: (signal, pid) =>
      console.log(`${signal}: the service finishes what it has begun (process ${pid})`),
  });
  if (Object.values(servers.isOurs).some(Boolean)) {
    console.log('the servers run on for the next start; npm run down stops them and removes their data');
  }
});
