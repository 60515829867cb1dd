/** What went wrong, in the API's own words: `application/problem+json` as one error class. */

export interface FieldError {
  field: string;
  message: string;
}

export interface QuotaExcess {
  resource: "pods" | "gpus";
  used: number;
  asked: number;
  limit: number;
}

export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when no answer arrived. */
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly quota: QuotaExcess | null = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** Maps any body of a failed answer, also those that a proxy wrote, to an ApiError. */
export function toApiError(status: number, body: unknown): ApiError {
  if (!isRecord(body)) {
    return new ApiError(status, "error", `HTTP ${status}`);
  }
  const code = typeof body.code === "string" ? body.code : "error";
  const detail = [body.detail, body.title].find((text) => typeof text === "string" && text !== "");
  const errors = Array.isArray(body.errors) ? body.errors.filter(isFieldError) : [];
  const quota = isQuotaExcess(body.quota) ? body.quota : null;
  return new ApiError(status, code, typeof detail === "string" ? detail : `HTTP ${status}`, errors, quota);
}

/** Awaits a call of the client; returns its data or throws an ApiError. */
export async function unwrap<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await reached(call);
  if (!response.ok) {
    throw toApiError(response.status, error);
  }
  return data as T;
}

/** Awaits an answer of any status; throws an ApiError when none arrived. */
export async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") {
      throw cause;
    }
    throw new ApiError(0, "network", cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * Messages by form field. `gpuDevices[1]` and `env[0].name` belong to `gpuDevices` and `env`;
 * fields that the form does not show are returned under "".
 */
export function fieldMessages(error: unknown, shown: readonly string[]): Record<string, string> {
  const messages: Record<string, string> = {};
  for (const { field, message } of error instanceof ApiError ? error.errors : []) {
    const root = field.split(/[.[]/, 1)[0] ?? "";
    const known = shown.includes(root);
    const key = known ? root : "";
    const text = known && field === root ? message : `${field}: ${message}`;
    messages[key] = messages[key] ? `${messages[key]}; ${text}` : text;
  }
  return messages;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}

function isQuotaExcess(value: unknown): value is QuotaExcess {
  return (
    isRecord(value) &&
    (value.resource === "pods" || value.resource === "gpus") &&
    [value.used, value.asked, value.limit].every((figure) => typeof figure === "number")
  );
}
