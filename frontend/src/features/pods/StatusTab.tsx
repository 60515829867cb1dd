/** How the pod is: why it does not run and what to do, its containers and volumes, what happened to it. */
import { Button, CopyButton, Group, List, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import { useLanguage } from "../../i18n/language";
import { EventList } from "../../ui/EventList";
import { Problem } from "../../ui/Problem";
import classes from "./pods.module.css";
import { holdsFiles } from "./podText";
import { useDescription } from "./usePods";

const INTERVAL = 3_000;

export function StatusTab({ id }: { id: string }) {
  const { text } = useLanguage();
  const words = text.status;
  const { data, error, refetch } = useDescription(id);
  if (error) {
    return <Problem title={words.failed} error={error} onRetry={refetch} />;
  }
  if (!data) {
    return <Skeleton height={160} aria-busy aria-label={text.app.loading} />;
  }
  const { reasons, containers, text: whole } = data;
  const volumes = data.volumes.filter(holdsFiles);
  return (
    <Stack gap="lg">
      <section aria-label={words.reasons}>
        {reasons.length === 0 ? (
          <Text size="sm">{words.well}</Text>
        ) : (
          <ul className={classes.reasons}>
            {reasons.map(({ code, text: sentence }) => (
              <li key={`${code} ${sentence}`} data-code={code}>
                {sentence}
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <Title order={3} size="h5">
          {words.containers}
        </Title>
        <List size="sm">
          {containers.map(({ name, state, restarts }) => (
            <List.Item key={name}>
              {name}: {words.container(state.reason ?? words.states[state.state] ?? state.state, restarts)}
            </List.Item>
          ))}
        </List>
      </section>
      {volumes.length > 0 && (
        <section>
          <Title order={3} size="h5">
            {words.volumes}
          </Title>
          <List size="sm">
            {volumes.map(({ name, kind, claim, status, size }) => (
              <List.Item key={name}>
                {[name, kind, claim, status, size].filter(Boolean).join(" · ")}
              </List.Item>
            ))}
          </List>
        </section>
      )}
      <section>
        <Group justify="space-between">
          <Title order={3} size="h5">
            {text.drawer.events}
          </Title>
          <CopyButton value={whole}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="default" onClick={copy}>
                {copied ? text.pods.copied : words.copy}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Events id={id} />
      </section>
    </Stack>
  );
}

function Events({ id }: { id: string }) {
  const { text } = useLanguage();
  const { api } = useSession();
  const { data, error } = useQuery({
    queryKey: ["events", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/pods/{pod_id}/events", { params: { path: { pod_id: id } }, signal })),
    refetchInterval: INTERVAL,
    retry: false,
  });
  if (error) {
    return <Problem title={text.drawer.eventsFailed} error={error} />;
  }
  if (data?.events.length === 0) {
    return <Text c="dimmed">{text.drawer.noEvents}</Text>;
  }
  return data && <EventList events={data.events} />;
}
