/** Something failed: what, why in words, and a way to try again. */
import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { ApiError } from "../api/errors";
import type { Messages } from "../i18n/en";
import { useText } from "../i18n/language";

interface ProblemProps {
  title: string;
  /** Null: nothing is known that would help anybody. */
  error: unknown;
  /** What happens next without anybody's doing. */
  hint?: string;
  onRetry?: () => void;
  /** Not disabled meanwhile: a button that is loses the focus. */
  isTrying?: boolean;
}

export function Problem({ title, error, hint, onRetry, isTrying }: ProblemProps) {
  const text = useText();
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        {error !== null && <Text size="sm">{errorText(error, text)}</Text>}
        {hint && <Text size="sm">{hint}</Text>}
        {onRetry && (
          <Button variant="default" size="xs" aria-busy={isTrying || undefined} onClick={() => onRetry()}>
            {text.app.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** An error in the reader's language where the code says enough, else in the server's own words. */
export function errorText(error: unknown, text: Messages): string {
  if (!(error instanceof ApiError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const { code, message, quota } = error;
  if (quota) {
    return quota.resource === "pods"
      ? text.errors.quotaPods(quota.used, quota.limit)
      : text.errors.quotaGpus(quota.used, quota.asked, quota.limit);
  }
  switch (code) {
    case "network":
      return text.errors.network;
    case "unauthenticated":
      return text.errors.unauthenticated;
    case "unavailable":
      return text.errors.unavailable(message);
    default:
      return message;
  }
}
