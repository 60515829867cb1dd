/** What is shown cannot be asked for anew: of when it is, and why. */
import { useSession } from "../api/session";
import { useLanguage } from "../i18n/language";
import { formatClock } from "../lib/time";
import { Problem } from "./Problem";

interface OutdatedProps {
  /** When it was asked for last, in milliseconds. */
  at: number;
  error: unknown;
  onRetry: () => void;
}

export function Outdated({ at, error, onRetry }: OutdatedProps) {
  const { text, locale } = useLanguage();
  const { hasEnded } = useSession();
  // That the session has ended stands over every page already, with the way back in.
  return (
    !hasEnded && (
      <Problem
        title={text.app.outdated(formatClock(new Date(at).toISOString(), locale))}
        error={error}
        onRetry={onRetry}
      />
    )
  );
}
