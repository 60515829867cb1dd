import { describe, expect, it } from "vitest";
import { createClient } from "./client";
import { ApiError, fieldMessages, toApiError, unwrap } from "./errors";

const problem = (part: object) => ({
  type: "about:blank",
  title: "Invalid",
  status: 422,
  detail: "",
  code: "invalid",
  errors: [],
  ...part,
});

describe("toApiError", () => {
  it("keeps code, detail, field errors and quota", () => {
    const quota = { resource: "gpus", used: 6, asked: 4, limit: 8 };
    const errors = [{ field: "name", message: "too long" }];
    const error = toApiError(403, problem({ code: "quota_exceeded", detail: "no", quota, errors }));
    expect(error).toMatchObject({ status: 403, code: "quota_exceeded", message: "no", quota, errors });
  });

  it.each([["<html>Bad gateway</html>"], [undefined], [null], [[]], [{ errors: "x", quota: { used: "6" } }]])(
    "makes do with %j",
    (body) => {
      expect(toApiError(502, body)).toMatchObject({
        code: "error",
        message: "HTTP 502",
        errors: [],
        quota: null,
      });
    },
  );
});

describe("fieldMessages", () => {
  const error = (...errors: { field: string; message: string }[]) => toApiError(422, problem({ errors }));

  it("puts messages at their fields, those about a part of one with the part's name", () => {
    const found = fieldMessages(
      error(
        { field: "name", message: "is taken" },
        { field: "env[1].name", message: "is reserved" },
        { field: "env[0].value", message: "is too long" },
      ),
      ["name", "env"],
    );
    expect(found).toEqual({ name: "is taken", env: "env[1].name: is reserved; env[0].value: is too long" });
  });

  it("loses no message about a field that the form does not show", () => {
    expect(fieldMessages(error({ field: "shmSize", message: "is no quantity" }), ["name"])).toEqual({
      "": "shmSize: is no quantity",
    });
  });

  it("has none for other errors", () => {
    expect(fieldMessages(new Error("x"), ["name"])).toEqual({});
    expect(fieldMessages(null, ["name"])).toEqual({});
  });
});

describe("a call", () => {
  const call = (answer: () => Promise<Response>, devUser: string | null = null) => {
    const requests: Request[] = [];
    const api = createClient({
      devUser,
      fetch: (request) => {
        requests.push(request);
        return answer();
      },
    });
    return { api, requests };
  };

  it("that does not arrive is a network error", async () => {
    const { api } = call(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(unwrap(api.GET("/api/pods"))).rejects.toMatchObject({ status: 0, code: "network" });
  });

  it("that is refused is an ApiError, whatever the body", async () => {
    const { api } = call(async () => new Response("<html>", { status: 502 }));
    await expect(unwrap(api.GET("/api/pods"))).rejects.toBeInstanceOf(ApiError);
  });

  it("that changes something sends JSON", async () => {
    const { api, requests } = call(async () => Response.json({}, { status: 201 }));
    await unwrap(api.POST("/api/pods", { body: { image: "ubuntu" } }));
    expect(requests[0]?.headers.get("Content-Type")).toBe("application/json");
  });

  it("says in dev mode who is asking, and else does not", async () => {
    const dev = call(async () => Response.json({}), "ann");
    await unwrap(
      dev.api.GET("/api/pods/{pod_id}/logs", { params: { path: { pod_id: "p" }, query: { tailLines: 5 } } }),
    );
    expect(new URL(dev.requests[0]?.url ?? "").search).toBe("?tailLines=5&user=ann");
    const real = call(async () => Response.json({}));
    await unwrap(real.api.GET("/api/pods"));
    expect(new URL(real.requests[0]?.url ?? "").search).toBe("");
  });
});
