import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderWith, type Server } from "../../testing";
import { CreateDialog } from "./CreateDialog";

afterEach(cleanup);

const list = { pods: [], quota: { podUsed: 1, podLimit: 5, gpuUsed: 6, gpuLimit: 8 } };

const available = {
  types: [
    { type: "h100", label: "H100", resourceName: "nvidia.com/gpu", free: 2, largest: 1, node: "gpu-02" },
  ],
  updatedAt: "2026-01-01T00:00:00Z",
};

function open(answer: () => Response) {
  const asked: unknown[] = [];
  const onCreated = vi.fn();
  const server: Server = async (request) => {
    if (request.method === "GET") {
      return Response.json(request.url.endsWith("/availability") ? available : list);
    }
    asked.push(await request.json());
    return answer();
  };
  renderWith(
    server,
    <CreateDialog
      prefill={{ gpuType: "h100", nodeName: "gpu-01", card: 2, image: null }}
      nodesOf={() => ["gpu-01"]}
      onClose={() => {}}
      onCreated={onCreated}
    />,
  );
  return { asked, onCreated };
}

const submit = () => fireEvent.click(screen.getByRole("button", { name: "Create" }));
const problem = (part: object) =>
  Response.json(
    { type: "about:blank", title: "", detail: "", errors: [], ...part },
    { status: (part as { status: number }).status },
  );

describe("the create dialog", () => {
  it("asks for the GPU that was chosen, and hands on the pod", async () => {
    const { asked, onCreated } = open(() => Response.json({ id: "pod-ann-ann-x" }, { status: 201 }));
    expect(await screen.findByText("2 at most; your limit is 8 over all your pods")).toBeTruthy();
    submit();
    await vi.waitFor(() => expect(onCreated).toHaveBeenCalled());
    expect(asked).toEqual([
      {
        image: "pytorch:2",
        gpuType: "h100",
        gpuCount: 1,
        nodeName: "gpu-01",
        cpu: "4",
        memory: "16Gi",
        env: [],
      },
    ]);
  });

  it("says how many are free and how many on one node, and warns of a wait without forbidding it", async () => {
    const { asked } = open(() => Response.json({ id: "pod-ann-ann-x" }, { status: 201 }));
    expect(await screen.findByText("2 free, up to 1 on one node")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Any node" }));
    fireEvent.click(screen.getByRole("button", { name: "Choose gpu-02" }));
    expect(screen.getByText("On node gpu-02")).toBeTruthy();
    fireEvent.change(screen.getByLabelText("Number of GPUs"), { target: { value: "2" } });
    expect(screen.getByText("No node has more than 1 free: the pod will wait until one has.")).toBeTruthy();
    submit();
    await vi.waitFor(() => expect(asked).toMatchObject([{ gpuCount: 2, nodeName: "gpu-02" }]));
  });

  it("shows each message of the server at its field", async () => {
    open(() =>
      problem({
        status: 422,
        code: "invalid",
        detail: "2 fields are wrong",
        errors: [
          { field: "cpu", message: "is too much" },
          { field: "name", message: "is no name" },
        ],
      }),
    );
    submit();
    await screen.findByText("is too much");
    expect(screen.getByLabelText("CPU cores").getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByLabelText("Name").getAttribute("aria-invalid")).toBe("true");
    expect(document.activeElement).toBe(screen.getByLabelText("Name"));
    expect(screen.getByLabelText("Memory").getAttribute("aria-invalid")).not.toBe("true");
  });

  it("puts an exceeded quota into words", async () => {
    open(() =>
      problem({
        status: 403,
        code: "quota_exceeded",
        quota: { resource: "gpus", used: 6, asked: 4, limit: 8 },
      }),
    );
    submit();
    expect(
      await screen.findByText(
        "You hold 6 of the 8 GPUs you may have, so 2 more at most; this pod asks for 4.",
      ),
    ).toBeTruthy();
  });

  it("sends nothing that cannot be right", async () => {
    const { asked } = open(() => Response.json({}, { status: 201 }));
    fireEvent.click(screen.getByRole("button", { name: "Advanced" }));
    fireEvent.change(screen.getByLabelText("Environment"), { target: { value: "nonsense" } });
    submit();
    expect(await screen.findByText("Line 1 is not of the form NAME=value.")).toBeTruthy();
    expect(asked).toEqual([]);
  });
});
