/** Lets the pages begin when it is known who is here and what this installation offers. */
import { Center, Container, Loader } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Fragment, type ReactNode, useEffect, useMemo, useState } from "react";
import { createClient } from "../api/client";
import { unwrap } from "../api/errors";
import { SessionContext } from "../api/session";
import type { AuthStatus } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Problem } from "../ui/Problem";
import { carriedBy, devUserOf } from "./devUser";

const MINUTE = 60_000;
/** While somebody logs in again in another window. */
const SOON = 3_000;

export function SessionGate({ children }: { children: ReactNode }) {
  const { text, locale } = useLanguage();
  const [wished] = useState(() => devUserOf(window.location.search));
  const first = useMemo(() => createClient({ devUser: wished }), [wished]);
  const [member, setMember] = useMember();
  const auth = useQuery({
    queryKey: ["auth"],
    queryFn: ({ signal }) => unwrap(first.GET("/api/auth/status", { signal })),
    refetchInterval: ({ state }) => (member && state.data?.authenticated === false ? SOON : MINUTE),
    refetchOnWindowFocus: "always",
  });
  const config = useQuery({
    queryKey: ["config"],
    queryFn: ({ signal }) => unwrap(first.GET("/api/config", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (auth.data?.authenticated && auth.data !== member) {
    setMember(auth.data);
  }

  const mode = auth.data?.mode;
  const devUser = mode === "dev" ? wished : null;
  const api = useMemo(() => createClient({ devUser, locale }), [devUser, locale]);
  const session = useMemo(
    () =>
      auth.data &&
      config.data && {
        api,
        query: carriedBy(devUser),
        auth: member ?? auth.data,
        hasEnded: member !== null && !auth.data.authenticated,
        loginURL: auth.data.loginURL,
        config: config.data,
      },
    [api, devUser, auth.data, member, config.data],
  );
  if (session) {
    // What one person has seen and typed is not for the next.
    return (
      <SessionContext value={session}>
        <Fragment key={session.auth.userIdentifier}>{children}</Fragment>
      </SessionContext>
    );
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

/** Who was logged in last; null: nobody yet. What was asked for somebody else is forgotten. */
function useMember() {
  const client = useQueryClient();
  const state = useState<AuthStatus | null>(null);
  const identifier = state[0]?.userIdentifier ?? null;
  useEffect(() => {
    if (identifier !== null) {
      return () =>
        client.removeQueries({ predicate: ({ queryKey }) => !["auth", "config"].includes(`${queryKey[0]}`) });
    }
  }, [client, identifier]);
  return state;
}
