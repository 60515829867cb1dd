/** Who is here and what this installation offers; loaded once by the app, read by every feature. */
import { createContext, useContext } from "react";
import type { ApiClient } from "./client";
import type { AuthStatus, Config } from "./types";

export interface Session {
  api: ApiClient;
  /** Parameters that every call carries, for what is no call of `api`: a terminal, a download. */
  query: Record<string, string>;
  /** Who is here; who was, after the session has ended, so that what one sees and has typed stays. */
  auth: AuthStatus;
  hasEnded: boolean;
  /** Where to log in; null for those who are, and where a proxy does it. */
  loginURL: string | null;
  config: Config;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) {
    throw new Error("useSession needs a SessionContext above it");
  }
  return session;
}
