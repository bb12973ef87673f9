// The reader of the cluster's files, started before the rest of the daemon is loaded: it gets ready on a thread of its own
// meanwhile.
import { resolve } from 'node:path';

/** The loader of a cluster file. */
export async function startLoader(config: string) {
  const { Loader } = await import('../daemon/loader.ts');
  const loader = new Loader(resolve(config), process.env);
  loader.start();
  return loader;
}
