/**
 * The one way to the API. Every call is same-origin and sends JSON, which is what the server's rules against
 * forged requests ask for.
 */
import createFetchClient, { type Client, createQuerySerializer } from "openapi-fetch";
import type { paths } from "./schema.gen";

export type ApiClient = Client<paths>;

export interface ClientOptions {
  /** In dev mode the name given as `?user=` in the page's URL; sent with every call. */
  devUser: string | null;
  /** Language of the texts that the server writes; none: as the browser says. */
  locale?: string;
  fetch?: (request: Request) => Promise<Response>;
}

export function createClient({ devUser, locale, fetch }: ClientOptions): ApiClient {
  const serialize = createQuerySerializer();
  return createFetchClient<paths>({
    // Request needs an absolute URL outside of browsers; in them this is what "/" means anyway.
    baseUrl: window.location.origin,
    credentials: "same-origin",
    headers: { ...(locale && { "Accept-Language": locale }) },
    querySerializer: (query) => serialize(devUser === null ? query : { ...query, user: devUser }),
    ...(fetch && { fetch }),
  });
}
