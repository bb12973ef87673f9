// The shape of a route, apart from any framework: app.ts mounts the table of routes.ts.
import type { RequestBody, RequestName } from '../model/requests.ts';
import type { EventStreams } from './events.ts';
import type { AdminNode } from './node.ts';

/** What a handler gets. `body` is checked already. */
export interface Call<B> {
  node: AdminNode;
  streams: EventStreams;
  /** The `:name` of the path, decoded; empty where the path has none. */
  name: string;
  headers: Headers;
  query: URLSearchParams;
  body: B;
}

/** A plain object becomes JSON with status 200. Throws GtmError to refuse. */
type Run<B> = (call: Call<B>) => object | Response | Promise<object | Response>;

/** A row of the table. `body` names the schema of what is posted: a route with one is a write or a question in a body. */
export type Route =
  | { method: 'GET'; path: string; run: Run<undefined> }
  | { [N in RequestName]: { method: 'POST'; path: string; body: N; run: Run<RequestBody<N>> } }[RequestName];

/** A route that reads. */
export function get(path: string, run: Run<undefined>): Route {
  return { method: 'GET', path, run };
}

/** A route that takes a body. */
export function post<N extends RequestName>(path: string, body: N, run: Run<RequestBody<N>>): Route {
  return { method: 'POST', path, body, run } as Route;
}
