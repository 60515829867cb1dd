/** What this page uses of a library that brings no types. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface Request {
    url: string;
  }

  interface Schemes {
    filter: (keeps: (scheme: { has: (name: string) => boolean }) => boolean) => Schemes;
  }

  type Selector = (...given: unknown[]) => Schemes;

  interface Plugin {
    wrapComponents: Record<string, () => () => null>;
    statePlugins: { auth: { wrapSelectors: Record<string, (original: Selector) => Selector> } };
  }

  interface Options {
    domNode: HTMLElement;
    url: string;
    deepLinking: boolean;
    docExpansion: "list" | "full" | "none";
    defaultModelsExpandDepth: number;
    displayRequestDuration: boolean;
    filter: boolean;
    validatorUrl: string | null;
    requestInterceptor: (request: Request) => Request;
    plugins: Plugin[];
  }

  const SwaggerUI: (options: Options) => unknown;
  export default SwaggerUI;
}
