/** Everything that surrounds the pages: theme, language, server state, routes. */
import "@mantine/core/styles.css";
import "./global.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { OverviewProvider } from "../features/gpus/live/OverviewProvider";
import { LanguageProvider } from "../i18n/language";
import { CrashGuard } from "./CrashGuard";
import { GpusRoute, NotFoundRoute, PodsRoute, UsageRoute } from "./routes";
import { SessionGate } from "./SessionGate";
import { Shell } from "./Shell";
import { theme } from "./theme";

export function App() {
  const [client] = useState(() => new QueryClient());
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
                      <Route path="/usage" element={<UsageRoute />} />
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
