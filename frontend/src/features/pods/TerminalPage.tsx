/** One pod's terminal and nothing else, for a tab of its own. */
import { Skeleton, Stack, Title } from "@mantine/core";
import { useEffect } from "react";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import { EmptyState } from "../../ui/EmptyState";
import { LogInFirst } from "../../ui/LogIn";
import { Problem } from "../../ui/Problem";
import { TerminalTab } from "./TerminalTab";
import { usePods } from "./usePods";

export function TerminalPage({ id }: { id: string | null }) {
  const text = useText();
  const { auth, config } = useSession();
  const { data, error, refetch } = usePods();
  const pod = data?.pods.find((one) => one.id === id);
  const name = pod?.name;
  useEffect(() => {
    if (name !== undefined) {
      document.title = `${name} · ${config.ui.title}`;
      return () => {
        document.title = config.ui.title;
      };
    }
  }, [name, config.ui.title]);
  if (!auth.authenticated) {
    return <LogInFirst title={text.pods.logInFirst} />;
  }
  if (!data) {
    return error ? (
      <Problem title={text.pods.failed} error={error} onRetry={refetch} />
    ) : (
      <Skeleton height={240} aria-busy />
    );
  }
  if (!pod) {
    return <EmptyState title={text.terminal.notHere} />;
  }
  return (
    <Stack gap="xs">
      <Title order={1} size="h4">
        {text.pods.openTerminal(pod.name)}
      </Title>
      <TerminalTab pod={pod} />
    </Stack>
  );
}
