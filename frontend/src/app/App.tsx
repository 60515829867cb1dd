/** Everything that surrounds the pages: theme, language, server state, routes. */
import "@mantine/core/styles.css";
import "./global.css";
import { MantineProvider } from "@mantine/core";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { ApiError } from "../api/errors";
import { AccountPage } from "../features/account/AccountPage";
import { OverviewProvider } from "../features/gpus/live/OverviewProvider";
import { LanguageProvider } from "../i18n/language";
import { CrashGuard } from "./CrashGuard";
import { GpusRoute, NotFoundRoute, PodsRoute, TerminalRoute, UsageRoute } from "./routes";
import { SessionGate } from "./SessionGate";
import { Shell } from "./Shell";
import { theme } from "./theme";

export function App() {
  const [client] = useState(createQueryClient);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <LanguageProvider>
        <CrashGuard>
          <QueryClientProvider client={client}>
            <BrowserRouter>
              <SessionGate>
                <OverviewProvider>
                  <Routes>
                    <Route element={<Shell />}>
                      <Route
                        index
                        element={
                          <Navigate to={{ pathname: "/gpus", search: window.location.search }} replace />
                        }
                      />
                      <Route path="/gpus" element={<GpusRoute />} />
                      <Route path="/pods" element={<PodsRoute />} />
                      <Route path="/terminal" element={<TerminalRoute />} />
                      <Route path="/usage" element={<UsageRoute />} />
                      <Route path="/account" element={<AccountPage />} />
                      <Route path="*" element={<NotFoundRoute />} />
                    </Route>
                  </Routes>
                </OverviewProvider>
              </SessionGate>
            </BrowserRouter>
          </QueryClientProvider>
        </CrashGuard>
      </LanguageProvider>
    </MantineProvider>
  );
}

/** Whichever call meets it first: when the session has ended, that is looked up at once. */
function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) {
      void client.invalidateQueries({ queryKey: ["auth"] });
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
  });
  return client;
}
