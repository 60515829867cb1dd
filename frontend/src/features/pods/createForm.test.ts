import { describe, expect, it } from "vitest";
import type { Config } from "../../api/types";
import { badEnvLine, initialValues, mostGpus, shortage, toRequest } from "./createForm";

const h100 = { name: "h100", label: "H100", resourceName: "nvidia.com/gpu", maxPerPod: 8, gpusPerNode: 8 };
const config = {
  gpuTypes: [
    { ...h100, mode: "exclusive" },
    { ...h100, name: "shared", mode: "shared" },
  ],
  presetImages: [
    { name: "PyTorch", image: "pytorch:2", description: "", icon: "", command: null, ssh: true },
  ],
  limits: {
    podLimitPerUser: 5,
    gpuLimitPerUser: 8,
    cpu: { default: "4", max: "32" },
    memory: { default: "16Gi", max: "64Gi" },
  },
} as Config;
const nothing = { gpuType: null, nodeName: null, card: null, image: null };

describe("a form opened from a free GPU", () => {
  it("asks for one of that type on that node", () => {
    const values = initialValues(config, { gpuType: "h100", nodeName: "gpu-01", card: 3, image: null });
    expect(toRequest(values, config)).toEqual({
      image: "pytorch:2",
      gpuType: "h100",
      gpuCount: 1,
      nodeName: "gpu-01",
      cpu: "4",
      memory: "16Gi",
      env: [],
    });
  });

  it("chooses the card where cards are shared", () => {
    const values = initialValues(config, { gpuType: "shared", nodeName: "gpu-01", card: 3, image: null });
    expect(toRequest(values, config)).toMatchObject({ gpuDevices: [3] });
  });

  it("forgets a type and node that are not offered", () => {
    const values = initialValues(config, { gpuType: "gone", nodeName: "gpu-01", card: 0, image: null });
    expect(toRequest(values, config)).not.toHaveProperty("nodeName");
    expect(toRequest(values, config)).toMatchObject({ gpuCount: 0 });
  });
});

describe("a form opened from an image", () => {
  const image = "registry.lab/people/ann-ann/torch:v2";

  it("asks for that image", () => {
    const values = initialValues(config, { ...nothing, image });
    expect(values).toMatchObject({ preset: null, image });
    expect(toRequest(values, config)).toMatchObject({ image, gpuCount: 0 });
  });

  it("knows it as a preset where it is one", () => {
    expect(initialValues(config, { ...nothing, image: "pytorch:2" })).toMatchObject({ preset: 0, image: "" });
  });
});

describe("toRequest", () => {
  it("splits command and environment by line and leaves out what is empty", () => {
    const values = {
      ...initialValues(config, nothing),
      preset: null,
      image: " ubuntu:24.04 ",
      command: "sleep\n\n infinity ",
      env: "A=1\n\nB=x=y",
      workingDir: " /workspace ",
      shmSize: "16Gi",
    };
    expect(toRequest(values, config)).toEqual({
      image: "ubuntu:24.04",
      gpuCount: 0,
      cpu: "4",
      memory: "16Gi",
      command: ["sleep", "infinity"],
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "x=y" },
      ],
      workingDir: "/workspace",
      shmSize: "16Gi",
    });
  });
});

describe("bounds", () => {
  it("of the count are the type's and what the quota leaves, never below none", () => {
    const [type] = config.gpuTypes as [Config["gpuTypes"][number]];
    const quota = (gpuUsed: number) => ({ podUsed: 0, podLimit: 5, gpuUsed, gpuLimit: 8 });
    expect(mostGpus(type, undefined)).toBe(8);
    expect(mostGpus(type, quota(5))).toBe(3);
    expect(mostGpus(type, quota(9))).toBe(0);
  });
});

describe("shortage", () => {
  it("is of all that are free, else of those on one node", () => {
    const supply = { free: 6, largest: 4 };
    expect([7, 5, 4].map((count) => shortage(count, supply))).toEqual(["all", "node", null]);
  });
});

describe("badEnvLine", () => {
  it.each([
    ["", null],
    ["A=1\n\nB=", null],
    ["A=1\nnonsense", 2],
    ["=x", 1],
  ])("in %j is %j", (env, line) => {
    expect(badEnvLine(env)).toBe(line);
  });
});
