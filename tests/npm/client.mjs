// npm openid-client against a provider, as a program: a client that somebody else wrote. The first line of its input is
// what to do; each line it prints asks for something (an address to open, a code to type), the next line of its input
// is the answer; the last line it prints is what it found.
// The authority of the provider's certificate comes by NODE_EXTRA_CA_CERTS.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const refusal = (promise) => promise.then(() => null, (error) => error.error ?? error.code ?? String(error));

const asked = await read();
const authentication = {
  none: () => client.None(),
  basic: () => client.ClientSecretBasic(asked.secret),
  post: () => client.ClientSecretPost(asked.secret),
}[asked.authentication];
const configuration = await client.discovery(
  new URL(asked.issuer), asked.clientID, undefined, authentication(), { execute: [client.enableNonRepudiationChecks] },
);

async function byCode() {
  const verifier = asked.pkce ? client.randomPKCECodeVerifier() : undefined;
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const parameters = { redirect_uri: asked.redirectURI, scope: asked.scope, state, nonce };
  if (verifier) {
    parameters.code_challenge = await client.calculatePKCECodeChallenge(verifier);
    parameters.code_challenge_method = "S256";
  }
  say({ open: client.buildAuthorizationUrl(configuration, parameters).href });
  const { arrived } = await read();
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const redeem = () => client.authorizationCodeGrant(configuration, new URL(arrived), checks);
  return [await redeem(), redeem];
}

async function byDevice() {
  const device = await client.initiateDeviceAuthorization(configuration, { scope: asked.scope });
  say({ open: device.verification_uri_complete, code: device.user_code, at: device.verification_uri });
  const polling = client.pollDeviceAuthorizationGrant(configuration, device);
  await read();
  return [await polling, () => client.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 1 })];
}

const [first, again] = await (asked.flow === "device" ? byDevice() : byCode());
const { sub } = first.claims();
const userinfo = await client.fetchUserInfo(configuration, first.access_token, sub);
const second = await client.refreshTokenGrant(configuration, first.refresh_token);
const found = { claims: first.claims(), userinfo, refreshed: second.claims(), scope: first.scope };
if (asked.end === "revoke") {
  await client.tokenRevocation(configuration, second.refresh_token);
} else {
  found.replay = await refusal(again());
}
found.refreshAfter = await refusal(client.refreshTokenGrant(configuration, second.refresh_token));
found.userinfoAfter = await refusal(client.fetchUserInfo(configuration, second.access_token, sub));
say({ found });
process.exit(0);
