import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { CommitStatus, Pod } from "../../../api/types";
import { CONFIG, renderWith, type Server } from "../../../testing";
import { PodDrawer } from "../PodDrawer";
import { reference } from "./reference";
import { SaveTab } from "./SaveTab";

afterEach(cleanup);

const IMAGE = "registry.lab/people/ann-ann/torch:v2";
const POD = {
  id: "pod-ann-ann-work",
  name: "work",
  status: "Running",
  gpuType: "h100",
  gpuCount: 0,
  connection: { hostKeyFingerprints: [] },
} as unknown as Pod;
const volume = (name: string, kind: string, path: string) => ({
  name,
  kind,
  mounts: [{ container: "main", path, readOnly: false }],
});
const DESCRIPTION = {
  volumes: [
    volume("workspace", "pvc", "/workspace"),
    volume("dshm", "emptyDir", "/dev/shm"),
    volume("genet-ssh", "secret", "/etc/genet/ssh"),
    volume("genet-ssh-run", "emptyDir", "/run/genet-ssh"),
  ],
};

/** A server that is asked for one pod; `begin` answers the wish to save it. */
function serving(status: Partial<CommitStatus>, begin?: () => Response) {
  const wishes: unknown[] = [];
  let saving: CommitStatus = { status: "none", logs: "", ...status };
  const server: Server = async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && begin) {
      wishes.push(await request.json());
      const answer = begin();
      saving = answer.ok ? { status: "pending", image: IMAGE, logs: "" } : saving;
      return answer;
    }
    return Response.json(pathname.endsWith("/commit/status") ? saving : DESCRIPTION);
  };
  return { server, wishes };
}

function Tab(props: { pod: Pod; onNewPod: (image: string) => void }) {
  const [asking, setAsking] = useState(false);
  return <SaveTab asking={asking} onAsk={setAsking} {...props} />;
}

function show(
  status: Partial<CommitStatus>,
  { pod = POD, begin }: { pod?: Pod; begin?: () => Response } = {},
) {
  const { server, wishes } = serving(status, begin);
  const onNewPod = vi.fn();
  renderWith(server, <Tab pod={pod} onNewPod={onNewPod} />);
  return { wishes, onNewPod };
}

const opener = () => screen.getByRole("button", { name: "Save as an image" });

async function ask(name: string, tag: string) {
  await screen.findByText("Not saved yet, or not lately.");
  fireEvent.click(opener());
  const dialog = await screen.findByRole("dialog", { name: "Save work as an image" });
  fireEvent.change(within(dialog).getByLabelText("Image name"), { target: { value: name } });
  fireEvent.change(within(dialog).getByLabelText("Tag"), { target: { value: tag } });
  return dialog;
}

const send = (dialog: HTMLElement) =>
  fireEvent.click(within(dialog).getByRole("button", { name: "Save as an image" }));

const refused = (status: number, part: object) => () =>
  Response.json({ type: "about:blank", title: "", detail: "", errors: [], ...part }, { status });

describe("saving a pod", () => {
  it("says what is in the image and what not, and that the container is paused", async () => {
    show({});
    const dialog = await ask("torch", "");
    expect(await within(dialog).findByText("What is in volumes: /workspace, /dev/shm.")).toBeTruthy();
    expect(within(dialog).queryByText(/genet/)).toBeNull();
    expect(within(dialog).getByText(/Keys, passwords and histories/)).toBeTruthy();
    expect(within(dialog).getByText(/the container is paused/)).toBeTruthy();
  });

  it("asks for the name with its tag, and then shows how far it is", async () => {
    const { wishes } = show(
      {},
      { begin: () => Response.json({ jobName: "commit-ann-ann-1" }, { status: 202 }) },
    );
    send(await ask(" torch ", "v2"));
    expect(await screen.findByText("Waiting to begin")).toBeTruthy();
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(wishes).toEqual([{ image: "torch:v2" }]);
    fireEvent.click(opener());
    expect(opener().getAttribute("aria-disabled")).toBe("true");
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("shows what is wrong with a name at its field", async () => {
    const errors = [{ field: "image", message: "expected NAME or NAME:TAG" }];
    show({}, { begin: refused(422, { code: "invalid", detail: "1 field is wrong", errors }) });
    const dialog = await ask("Torch", "");
    send(dialog);
    expect(await within(dialog).findByText("expected NAME or NAME:TAG")).toBeTruthy();
    expect(within(dialog).getByLabelText("Image name").getAttribute("aria-invalid")).toBe("true");
    expect(within(dialog).queryByText("The pod is not being saved")).toBeNull();
  });

  it("says why it did not begin", async () => {
    const detail = "this pod is being saved already";
    show({}, { begin: refused(409, { code: "commit_in_progress", detail }) });
    const dialog = await ask("torch", "");
    send(dialog);
    expect(await within(dialog).findByText(detail)).toBeTruthy();
  });

  it("is not offered for a pod that does not run", async () => {
    show({}, { pod: { ...POD, status: "Pending" } });
    expect(await screen.findByText("A pod can be saved while it runs.")).toBeTruthy();
    expect(opener().hasAttribute("disabled")).toBe(true);
  });
});

describe("how the last saving went", () => {
  it("shows what is done and what the job says while it goes on", async () => {
    show({ status: "running", image: IMAGE, message: "it pushes it", logs: "one\ntwo" });
    expect(await screen.findByText("Being saved")).toBeTruthy();
    expect(screen.getByText("it pushes it")).toBeTruthy();
    expect(screen.getByRole("region", { name: "What the job says" }).textContent).toBe("one\ntwo");
    expect(screen.queryByRole("button", { name: "New pod from it" })).toBeNull();
  });

  it("gives the image's whole name, and leads to a pod from it", async () => {
    const { onNewPod } = show({ status: "succeeded", image: IMAGE });
    expect(await screen.findByRole("button", { name: "Copy: Image" })).toBeTruthy();
    expect(screen.getByRole("region", { name: "Image" }).textContent).toBe(IMAGE);
    fireEvent.click(screen.getByRole("button", { name: "New pod from it" }));
    expect(onNewPod).toHaveBeenCalledWith(IMAGE);
  });

  it("says what went wrong, keeps the lines, and lets one try again", async () => {
    show({ status: "failed", image: IMAGE, message: "there is no room on the disk", logs: "no space left" });
    expect(await screen.findByText("there is no room on the disk")).toBeTruthy();
    expect(screen.getByText("Not saved")).toBeTruthy();
    expect(screen.getByText("no space left")).toBeTruthy();
    expect(opener().hasAttribute("aria-disabled")).toBe(false);
    expect(screen.queryByRole("button", { name: "New pod from it" })).toBeNull();
  });

  it("does not pass off a failed question as a pod that was never saved", async () => {
    renderWith(
      async () => refused(503, { code: "unavailable", detail: "Kubernetes" })(),
      <Tab pod={POD} onNewPod={() => {}} />,
    );
    expect(await screen.findByText("How the saving went cannot be shown")).toBeTruthy();
    expect(screen.queryByText("Not saved yet, or not lately.")).toBeNull();
  });
});

describe("the drawer", () => {
  it.each([true, false])("offers saving where it is switched on: %s", async (commit) => {
    renderWith(
      serving({}).server,
      <PodDrawer
        pod={POD}
        tab={null}
        onTab={() => {}}
        onClose={() => {}}
        onShowNode={() => {}}
        onNewPod={() => {}}
        terminalHref={() => ""}
        keysHref=""
      />,
      { features: { ...CONFIG.features, commit } },
    );
    expect(await screen.findByRole("tab", { name: "Details" })).toBeTruthy();
    expect(screen.queryAllByRole("tab", { name: "Save" })).toHaveLength(commit ? 1 : 0);
  });
});

describe("reference", () => {
  it.each([
    ["torch", "", "torch"],
    [" torch ", " v2 ", "torch:v2"],
    ["torch:v2", "", "torch:v2"],
    ["registry.lab:5000/people/ann-ann/torch", "v2", "registry.lab:5000/people/ann-ann/torch:v2"],
  ])("of name %j and tag %j is %s", (name, tag, image) => {
    expect(reference(name, tag)).toBe(image);
  });
});
