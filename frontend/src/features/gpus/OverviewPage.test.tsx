import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../api/errors";
import { renderWith } from "../../testing";
import type { FeedState } from "./live/feed";
import { FeedContext } from "./live/OverviewProvider";
import { OverviewPage } from "./OverviewPage";

const NOTHING: FeedState = { fleet: null, revision: 0, connection: "lost", heardAt: 0, error: null };
const refusal = new ApiError(503, "unavailable", "Kubernetes");

function show(part: Partial<FeedState>) {
  const state = { ...NOTHING, ...part };
  const retry = vi.fn();
  renderWith(
    async () => Response.json({}),
    <FeedContext value={{ state: () => state, subscribe: () => () => {}, onFrame: () => () => {}, retry }}>
      <OverviewPage onTake={() => {}} onOpenPod={() => {}} />
    </FeedContext>,
  );
  return { retry };
}

afterEach(cleanup);

describe("the overview without any data", () => {
  it("says why, that it goes on trying, and tries at once when asked to", () => {
    const { retry } = show({ error: refusal });
    expect(screen.getByRole("alert").textContent).toContain("does not answer right now: Kubernetes");
    expect(screen.getByText("This page goes on trying by itself every few seconds.")).toBeTruthy();
    const button = screen.getByRole("button", { name: "Try again" });
    expect(button.getAttribute("aria-busy")).toBeNull();
    fireEvent.click(button);
    expect(retry).toHaveBeenCalledTimes(1);
  });

  it("stays while it is tried again, and the button says so", () => {
    show({ connection: "connecting", error: refusal });
    expect(screen.getByRole("button", { name: "Try again" }).getAttribute("aria-busy")).toBe("true");
  });

  it("makes no words up where nothing is known", () => {
    show({});
    expect(screen.getByRole("alert").textContent).toBe(
      "The GPUs cannot be shownThis page goes on trying by itself every few seconds.Try again",
    );
  });

  it("is called nothing but loading before the first answer", () => {
    show({ connection: "connecting" });
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
