import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { renderWith } from "../../testing";
import { TokensPanel } from "./TokensPanel";

afterEach(cleanup);

const SECRET = "genet-sk-planted";
const ONE = {
  id: "t1",
  name: "ci",
  scopes: ["pods:read"],
  createdAt: "2026-11-22T10:00:00Z",
  expiresAt: "2026-12-22T10:00:00Z",
  lastUsedAt: null,
};

describe("the tokens", () => {
  it("are shown when one is made, once, and kept nowhere in the browser", async () => {
    const sent: unknown[] = [];
    renderWith(
      async (request) => {
        if (request.method === "POST") {
          sent.push(await request.json());
          return Response.json({ ...ONE, token: SECRET }, { status: 201 });
        }
        return Response.json({ tokens: [] });
      },
      <TokensPanel />,
    );
    await screen.findByText("You have no API tokens.");
    await click("Create a token");
    fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: "ci" } });
    await clickIn(screen.getByRole("dialog"), "Create a token");
    await screen.findByText(SECRET);
    expect(sent).toEqual([{ name: "ci", scopes: ["cluster:read", "pods:read"], expiresInDays: 30 }]);
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(SECRET);
    await click("I have copied it");
    expect(screen.queryByText(SECRET)).toBeNull();
  });

  it("that are refused say at which field", async () => {
    renderWith(
      async (request) =>
        request.method === "POST"
          ? Response.json(
              {
                status: 422,
                code: "invalid",
                detail: "no",
                errors: [{ field: "name", message: "is taken" }],
              },
              { status: 422 },
            )
          : Response.json({ tokens: [] }),
      <TokensPanel />,
    );
    await click("Create a token");
    await clickIn(await screen.findByRole("dialog"), "Create a token");
    await screen.findByText("is taken");
    expect(screen.getByLabelText(/^Name/).getAttribute("aria-invalid")).toBe("true");
  });

  it("are revoked only after a question", async () => {
    const deleted: string[] = [];
    renderWith(
      async (request) => {
        if (request.method === "DELETE") {
          deleted.push(new URL(request.url).pathname);
          return new Response(null, { status: 204 });
        }
        return Response.json({ tokens: deleted.length > 0 ? [] : [ONE] });
      },
      <TokensPanel />,
    );
    await click("Revoke ci");
    expect(deleted).toEqual([]);
    await screen.findByText("Revoke ci?");
    await clickIn(screen.getByRole("dialog"), "Revoke");
    await screen.findByText("You have no API tokens.");
    expect(deleted).toEqual(["/api/tokens/t1"]);
  });
});

async function click(name: string) {
  const button = await screen.findByRole("button", { name });
  await act(() => button.click());
}

async function clickIn(element: HTMLElement, name: string) {
  await act(() => within(element).getByRole("button", { name }).click());
}
