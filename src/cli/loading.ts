// What is started before the rest of the daemon is loaded, and gets ready on threads of its own meanwhile: the reader of the cluster's
// files, and what a restart goes on with.
import { resolve } from 'node:path';

/** The loader of a cluster file. */
export async function startLoader(config: string) {
  const { Loader } = await import('../daemon/loader.ts');
  const loader = new Loader(resolve(config), process.env);
  loader.start();
  return loader;
}

/** What forwarding can have ready beforehand, where it went on before; see daemon/planes.ts. */
export async function startAhead() {
  return (await import('../daemon/planes.ts')).openAhead();
}
