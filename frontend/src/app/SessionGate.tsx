/** Lets the pages begin when it is known who is here and what this installation offers. */
import { Center, Container, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { createClient } from "../api/client";
import { unwrap } from "../api/errors";
import { SessionContext } from "../api/session";
import { useText } from "../i18n/language";
import { Problem } from "../ui/Problem";
import { devUserOf } from "./devUser";

const MINUTE = 60_000;

export function SessionGate({ children }: { children: ReactNode }) {
  const text = useText();
  const [wished] = useState(() => devUserOf(window.location.search));
  const first = useMemo(() => createClient({ devUser: wished }), [wished]);
  const auth = useQuery({
    queryKey: ["auth"],
    queryFn: ({ signal }) => unwrap(first.GET("/api/auth/status", { signal })),
    refetchInterval: MINUTE,
  });
  const config = useQuery({
    queryKey: ["config"],
    queryFn: ({ signal }) => unwrap(first.GET("/api/config", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

  const mode = auth.data?.mode;
  const api = useMemo(() => createClient({ devUser: mode === "dev" ? wished : null }), [mode, wished]);
  const session = useMemo(
    () => auth.data && config.data && { api, auth: auth.data, config: config.data },
    [api, auth.data, config.data],
  );
  if (session) {
    return <SessionContext value={session}>{children}</SessionContext>;
  }
  const failed = auth.error ?? config.error;
  return failed ? (
    <Container size="xs" py="xl">
      <Problem
        title={text.app.startFailed}
        error={failed}
        onRetry={() => Promise.all([auth.refetch(), config.refetch()])}
      />
    </Container>
  ) : (
    <Center h="100vh">
      <Loader aria-label={text.app.loading} />
    </Center>
  );
}
