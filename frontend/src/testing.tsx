/** What component tests need around a component; the server is a function from a request to its answer. */
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createClient } from "./api/client";
import { type Session, SessionContext } from "./api/session";
import { LanguageProvider } from "./i18n/language";

export type Server = (request: Request) => Promise<Response>;

export const AUTH: Session["auth"] = {
  authenticated: true,
  mode: "dev",
  username: "ann",
  email: "ann@dev.invalid",
  userIdentifier: "ann-ann",
  isAdmin: false,
  groups: [],
  loginURL: null,
};

export const CONFIG: Session["config"] = {
  gpuTypes: [
    {
      name: "h100",
      label: "NVIDIA H100",
      resourceName: "nvidia.com/gpu",
      mode: "exclusive",
      maxPerPod: 8,
      gpusPerNode: 8,
    },
  ],
  presetImages: [
    { name: "PyTorch", image: "pytorch:2", description: "PyTorch 2", icon: "", command: null, ssh: true },
  ],
  limits: {
    podLimitPerUser: 5,
    gpuLimitPerUser: 8,
    cpu: { default: "4", max: "32" },
    memory: { default: "16Gi", max: "64Gi" },
  },
  volumes: [{ name: "workspace", mountPath: "/workspace", type: "pvc", readOnly: false }],
  lifecycle: { autoDeleteTime: "23:00", timezone: "UTC", defaultProtectHours: 0, maxProtectHours: 72 },
  features: { kubeconfig: "off", commit: false, terminal: false },
  ui: { title: "Genet" },
  version: "0",
};

export function renderWith(server: Server, children: ReactNode, config: Partial<Session["config"]> = {}) {
  const api = createClient({ devUser: null, fetch: server });
  return render(
    <MantineProvider env="test">
      <LanguageProvider>
        <QueryClientProvider client={new QueryClient()}>
          <SessionContext
            value={{
              api,
              query: {},
              auth: AUTH,
              hasEnded: false,
              loginURL: null,
              config: { ...CONFIG, ...config },
            }}
          >
            {children}
          </SessionContext>
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>,
  );
}
