/**
 * The reference of the HTTP API at `/api/docs`: an entry of its own, so that the other pages load nothing of it.
 *
 * A token that is typed in here stays in this window's memory: nothing is stored.
 */
import "swagger-ui-dist/swagger-ui.css";
import "./reference.css";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { carryDevUser } from "../app/devUser";
import { asCaller, isDark } from "./surroundings";

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const { search } = window.location;
const nothing = () => () => null;

function colour(): void {
  document.documentElement.classList.toggle("dark-mode", isDark(window.localStorage, darkness.matches));
}

colour();
darkness.addEventListener("change", colour);
document.querySelector("#home")?.setAttribute("href", `/${carryDevUser(search)}`);

const domNode = document.querySelector<HTMLElement>("#reference");
if (domNode) {
  SwaggerUI({
    domNode,
    url: "/api/openapi.json",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    // No third party is asked what it thinks of the document.
    validatorUrl: null,
    requestInterceptor: (request) => ({ ...request, url: asCaller(request.url, window.location) }),
    plugins: [
      {
        wrapComponents: {
          // There is one server, and each operation says in words who may call it.
          ServersContainer: nothing,
          authorizeOperationBtn: nothing,
        },
        statePlugins: {
          auth: {
            wrapSelectors: {
              // A page cannot set the cookie that it is logged in by: a field for it would do nothing.
              definitionsToAuthorize:
                (original) =>
                (...given) =>
                  original(...given).filter((scheme) => !scheme.has("session")),
            },
          },
        },
      },
    ],
  });
}
