import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSession } from "../api/session";
import { LanguageProvider } from "../i18n/language";
import { AUTH, CONFIG } from "../testing";
import { SessionGate } from "./SessionGate";

const NOBODY = {
  ...AUTH,
  mode: "oauth",
  authenticated: false,
  username: null,
  email: null,
  userIdentifier: null,
  loginURL: "/api/auth/login",
};
const ANN = { ...AUTH, mode: "oauth", username: "ann", userIdentifier: "ann-ann", loginURL: null };
const BOB = { ...ANN, username: "bob", userIdentifier: "bob-bob" };

let status: unknown;
let client: QueryClient;

beforeEach(() => {
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  vi.stubGlobal("fetch", async (request: Request) =>
    Response.json(new URL(request.url).pathname === "/api/config" ? CONFIG : status),
  );
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function begin(first: unknown) {
  status = first;
  render(
    <MantineProvider env="test">
      <LanguageProvider>
        <QueryClientProvider client={client}>
          <SessionGate>
            <Page />
          </SessionGate>
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>,
  );
  await screen.findByTestId("who");
}

async function next(now: unknown) {
  status = now;
  await act(() => client.invalidateQueries({ queryKey: ["auth"] }));
}

/** Says who it is shown to, and counts how often somebody typed into it. */
function Page() {
  const { auth, hasEnded, loginURL } = useSession();
  const [typed, setTyped] = useState(0);
  return (
    <>
      <p data-testid="who">{`${auth.username} ${hasEnded} ${loginURL}`}</p>
      <button type="button" onClick={() => setTyped(typed + 1)}>{`typed ${typed}`}</button>
    </>
  );
}

const shows = (text: string) => vi.waitFor(() => expect(screen.getByTestId("who").textContent).toBe(text));
const type = () => act(() => screen.getByRole("button").click());

describe("a session", () => {
  it("that nobody has yet is no session that has ended", async () => {
    await begin(NOBODY);
    await shows("null false /api/auth/login");
  });

  it("that has ended leaves what was seen and typed, and says where to log in", async () => {
    await begin(ANN);
    await type();
    await next(NOBODY);
    await shows("ann true /api/auth/login");
    expect(screen.getByRole("button").textContent).toBe("typed 1");
  });

  it("goes on where it was when the same person is back", async () => {
    await begin(ANN);
    await type();
    await next(NOBODY);
    await shows("ann true /api/auth/login");
    await next(ANN);
    await shows("ann false null");
    expect(screen.getByRole("button").textContent).toBe("typed 1");
  });

  it("of somebody else begins anew, and what was asked for the one before is forgotten", async () => {
    await begin(ANN);
    await type();
    client.setQueryData(["pods"], { pods: ["ann's"] });
    await next(NOBODY);
    await next(BOB);
    await shows("bob false null");
    expect(screen.getByRole("button").textContent).toBe("typed 0");
    expect(client.getQueryData(["pods"])).toBeUndefined();
  });
});
