/* Loaded into an application before its own code: tells how much memory its process has when asked. */

process.on('message', () => process.send?.(process.memoryUsage.rss()));
// Being ready to answer is no reason to stay alive.
process.channel?.unref();
