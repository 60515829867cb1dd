/** One pod's terminal and nothing else, for a tab of its own. */
import { Skeleton, Stack, Title } from "@mantine/core";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import { EmptyState } from "../../ui/EmptyState";
import { LogInFirst } from "../../ui/LogIn";
import { Problem } from "../../ui/Problem";
import { useTitle } from "../../ui/useTitle";
import { TerminalTab } from "./TerminalTab";
import { usePods } from "./usePods";

export function TerminalPage({ id }: { id: string | null }) {
  const text = useText();
  const { auth } = useSession();
  const { data, error, refetch } = usePods();
  const pod = data?.pods.find((one) => one.id === id);
  useTitle(pod?.name ?? text.terminal.label);
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
