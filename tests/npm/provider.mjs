// A company's OpenID Provider (npm oidc-provider) as a program. The first line of its input is its configuration, each
// further line a command {do, …}; each is answered by one line. It ends when its input does.
// Nobody is asked for consent: a company's own provider does not ask its people either.
import { createInterface } from "node:readline";
import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";
import { Provider, errors } from "oidc-provider";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const configuration = JSON.parse((await lines.next()).value);
const { accounts } = configuration; // login -> {claims, disabled}; `sub` is among the claims
const grantsSeen = {}; // grant type -> how many were answered
const kept = new Map(); // of all models: `Model:id` -> what it holds

class Kept {
  constructor(model) { this.model = model; }
  async upsert(id, payload) { kept.set(`${this.model}:${id}`, payload); }
  async find(id) { return kept.get(`${this.model}:${id}`); }
  async findByUid(uid) { return [...kept].find(([key, p]) => key.startsWith("Session:") && p.uid === uid)?.[1]; }
  async consume(id) { kept.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { kept.delete(`${this.model}:${id}`); }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
  }
}

const accountOf = (sub) => Object.values(accounts).find((one) => one.claims.sub === sub && !one.disabled);

let server = configuration.tls
  ? https.createServer({ cert: readFileSync(configuration.tls.cert), key: readFileSync(configuration.tls.key) })
  : http.createServer();
const listen = (port) => new Promise((done) => server.listen(port, "127.0.0.1", done));
await listen(configuration.port ?? 0);
const { port } = server.address();
const issuer = `${configuration.tls ? "https" : "http"}://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  adapter: Kept,
  clients: [{
    client_id: configuration.clientID,
    ...(configuration.clientSecret
      ? { client_secret: configuration.clientSecret }
      : { token_endpoint_auth_method: "none" }),
    redirect_uris: configuration.redirectURIs,
    application_type: configuration.isNative ? "native" : "web",
    grant_types: ["authorization_code", "refresh_token"],
  }],
  cookies: { keys: [configuration.clientID] },
  scopes: ["openid", "offline_access", "profile", "email", "groups"],
  claims: {
    openid: ["sub"],
    profile: ["preferred_username", "name", "groups"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  conformIdTokenClaims: configuration.claimsOnlyInUserinfo,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => accountOf(sub) && { accountId: sub, claims: async () => accountOf(sub)?.claims ?? { sub } },
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    const grant = (known && (await provider.Grant.find(known)))
      ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid offline_access profile email groups");
    await grant.save();
    return grant;
  },
  issueRefreshToken: () => configuration.refreshTokens,
  expiresWithSession: () => false,
  rotateRefreshToken: () => configuration.rotate,
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 86400, Grant: 1209600,
    RefreshToken: 1209600 },
});
provider.on("grant.success", (ctx) => {
  const type = ctx.oidc.params.grant_type;
  grantsSeen[type] = (grantsSeen[type] ?? 0) + 1;
});
provider.on("server_error", (_, error) => console.error(error));

const page = (message) => `<!doctype html><title>Company login</title><p>${message}</p>
<form method="post"><input name="login" value=""><button>Log in</button></form>
<form method="post"><input type="hidden" name="cancel" value="yes"><button>Cancel</button></form>`;

async function interact(request, response) {
  if (request.method !== "POST") {
    return response.writeHead(200, { "content-type": "text/html" }).end(page("Who are you?"));
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);
  if (form.has("cancel")) {
    const refusal = { error: "access_denied", error_description: "The person did not log in." };
    return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  }
  const account = accounts[form.get("login")];
  if (!account || account.disabled) {
    return response.writeHead(200, { "content-type": "text/html" }).end(page("No such account."));
  }
  // programs of people's own machines are asked about each time, by the library's rule: one page answers both
  const consent = configuration.isNative ? { consent: {} } : {};
  const result = { login: { accountId: account.claims.sub, amr: ["pwd"] }, ...consent };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const callback = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) return callback(request, response);
  interact(request, response).catch((error) => {
    const status = error instanceof errors.SessionNotFound ? 400 : 500;
    response.writeHead(status, { "content-type": "text/plain" }).end(String(error));
  });
});

const commands = {
  account: ({ login, account }) => { accounts[login] = account; },
  // what the person was given is worth nothing from now on; further logins go on
  revoke: ({ login }) => {
    const { sub } = accounts[login].claims;
    for (const [key, payload] of kept) if (payload.accountId === sub) kept.delete(key);
  },
  // as a dead machine: nothing listens; what it knows, it still knows when it comes back
  stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  start: () => listen(port),
  grants: () => grantsSeen,
};

const answer = (value) => process.stdout.write(`${JSON.stringify(value ?? null)}\n`);
answer({ issuer });
for await (const line of lines) {
  const command = JSON.parse(line);
  answer(await commands[command.do](command));
}
process.exit(0);
