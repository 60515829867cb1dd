/** Something failed: what, why in words, and a way to try again. */
import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { ApiError } from "../api/errors";
import type { Messages } from "../i18n/en";
import { useText } from "../i18n/language";

interface ProblemProps {
  title: string;
  error: unknown;
  onRetry?: () => void;
}

export function Problem({ title, error, onRetry }: ProblemProps) {
  const text = useText();
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{errorText(error, text)}</Text>
        {onRetry && (
          <Button variant="default" size="xs" onClick={() => onRetry()}>
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
