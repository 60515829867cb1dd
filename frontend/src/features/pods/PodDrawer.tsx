/** A pod from near: its events, what it prints, its particulars. */
import { Button, Code, CopyButton, Drawer, Group, Stack, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef } from "react";
import { ApiError, unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { EventList } from "../../ui/EventList";
import { Problem } from "../../ui/Problem";
import { PodGpus } from "./PodGpus";
import classes from "./pods.module.css";
import { TerminalTab } from "./TerminalTab";

const INTERVAL = 3_000;
const TAIL_LINES = 500;

interface PodDrawerProps {
  pod: Pod;
  onClose: () => void;
  onShowNode: (name: string) => void;
  /** The page of a pod's terminal alone. */
  terminalHref: (id: string) => string;
}

export function PodDrawer({ pod, onClose, onShowNode, terminalHref }: PodDrawerProps) {
  const { text } = useLanguage();
  const { config } = useSession();
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="xl"
      title={pod.name}
      closeButtonProps={{ "aria-label": text.app.close }}
    >
      <Tabs defaultValue="events" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="events">{text.drawer.events}</Tabs.Tab>
          {pod.gpuCount > 0 && <Tabs.Tab value="gpus">{text.drawer.gpus}</Tabs.Tab>}
          <Tabs.Tab value="logs">{text.drawer.logs}</Tabs.Tab>
          {config.features.terminal && <Tabs.Tab value="terminal">{text.drawer.terminal}</Tabs.Tab>}
          <Tabs.Tab value="details">{text.drawer.details}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="events">
          <Events id={pod.id} />
        </Tabs.Panel>
        <Tabs.Panel value="gpus">
          <PodGpus pod={pod} onShowNode={onShowNode} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <Logs id={pod.id} />
        </Tabs.Panel>
        <Tabs.Panel value="terminal">
          <TerminalTab pod={pod} ownPage={terminalHref(pod.id)} />
        </Tabs.Panel>
        <Tabs.Panel value="details">
          <Details pod={pod} />
        </Tabs.Panel>
      </Tabs>
    </Drawer>
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

function Logs({ id }: { id: string }) {
  const { text } = useLanguage();
  const { api } = useSession();
  const { data, error } = useQuery({
    queryKey: ["logs", id],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/pods/{pod_id}/logs", {
          params: { path: { pod_id: id }, query: { tailLines: TAIL_LINES } },
          signal,
        }),
      ),
    refetchInterval: INTERVAL,
    retry: false,
  });
  const box = useRef<HTMLPreElement>(null);
  const following = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the view
  useLayoutEffect(() => {
    if (box.current && following.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [data]);
  if (error instanceof ApiError && error.code === "not_running") {
    return <Text c="dimmed">{text.drawer.logsWait}</Text>;
  }
  if (error) {
    return <Problem title={text.drawer.logsFailed} error={error} />;
  }
  if (data?.logs === "") {
    return <Text c="dimmed">{text.drawer.noLogs}</Text>;
  }
  return (
    <Stack gap="xs">
      {data?.truncated && (
        <Text size="xs" c="dimmed">
          {text.drawer.truncated}
        </Text>
      )}
      <pre
        ref={box}
        className={classes.logs}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={text.drawer.logs}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          following.current = scrollTop + clientHeight >= scrollHeight - 8;
        }}
      >
        {data?.logs}
      </pre>
    </Stack>
  );
}

function Details({ pod }: { pod: Pod }) {
  const { text, locale } = useLanguage();
  const { fields } = text.drawer;
  const moment = (time: string | null) => time && formatMoment(time, locale);
  const facts: [string, string | null][] = [
    [fields.image, pod.image],
    [fields.cpu, pod.cpu],
    [fields.memory, pod.memory],
    [fields.node, pod.nodeName],
    [fields.nodeIP, pod.nodeIP],
    [fields.created, moment(pod.createdAt)],
    [fields.started, moment(pod.startedAt)],
    [fields.protectedUntil, moment(pod.protectedUntil)],
    [fields.restarts, String(pod.restarts)],
    [fields.namespace, pod.namespace],
    [fields.kubernetesName, pod.id],
  ];
  return (
    <Stack gap="md">
      {pod.connection.ssh && (
        <Group gap="xs" wrap="nowrap">
          <Code className={classes.breakable}>{pod.connection.ssh}</Code>
          <CopyButton value={pod.connection.ssh}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="default" onClick={copy}>
                {copied ? text.pods.copied : text.pods.copy}
              </Button>
            )}
          </CopyButton>
        </Group>
      )}
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd>{value ?? "–"}</dd>
          </div>
        ))}
      </dl>
    </Stack>
  );
}
