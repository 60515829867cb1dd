import { describe, expect, it } from "vitest";
import { createClient } from "../../api/client";
import { overviewOf } from "./testing";
import { fetchSnapshot } from "./useOverview";

function apiThatAnswers(...answers: Response[]) {
  const requests: Request[] = [];
  const api = createClient({
    devUser: null,
    fetch: async (request) => {
      requests.push(request);
      return answers.shift() ?? Response.error();
    },
  });
  return { api, requests };
}

const answer = () =>
  Response.json(overviewOf({ a: [1] }), { headers: { ETag: '"one"', "Content-Type": "application/json" } });

describe("fetchSnapshot", () => {
  it("asks with the ETag it has, and keeps the same fleet on 304", async () => {
    const notModified = new Response(null, {
      status: 304,
      headers: { "Genet-Updated-At": "2026-01-01T00:00:09Z" },
    });
    const { api, requests } = apiThatAnswers(answer(), notModified);
    const first = await fetchSnapshot(api, null, undefined);
    const second = await fetchSnapshot(api, null, first);
    expect(requests.map(({ headers }) => headers.get("If-None-Match"))).toEqual([null, '"one"']);
    expect(second.fleet).toBe(first.fleet);
    expect(second.updatedAt).toBe("2026-01-01T00:00:09Z");
  });

  it("fails with the server's words", async () => {
    const body = {
      status: 503,
      code: "unavailable",
      title: "Unavailable",
      detail: "not synced yet",
      errors: [],
    };
    const { api } = apiThatAnswers(Response.json(body, { status: 503 }));
    await expect(fetchSnapshot(api, null, undefined)).rejects.toMatchObject({
      code: "unavailable",
      message: "not synced yet",
    });
  });
});
