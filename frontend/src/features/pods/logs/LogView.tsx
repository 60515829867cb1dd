/** What the pod prints: as it comes, or what its container printed before it was started again. */
import { Button, Group, Select, Stack, Switch, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { ApiError, unwrap } from "../../../api/errors";
import { useSession } from "../../../api/session";
import type { Pod, PodLogs } from "../../../api/types";
import { useText } from "../../../i18n/language";
import { Problem } from "../../../ui/Problem";
import { useDescription } from "../usePods";
import { type FollowState, followLog, TAIL_LINES } from "./follow";
import { type Lines, NO_LINES, plainLine, withLines } from "./lines";
import classes from "./logs.module.css";

export function LogView({ pod }: { pod: Pod }) {
  const text = useText();
  const { query } = useSession();
  const [container, setContainer] = useState<string | null>(null);
  const [previous, setPrevious] = useState(false);
  const [wrapped, setWrapped] = useState(true);
  const containers = useDescription(pod.id).data?.containers.map(({ name }) => name) ?? [];
  const chosen = container !== null && containers.includes(container) ? container : null;
  const download = new URLSearchParams({
    ...query,
    format: "text",
    ...(chosen !== null && { container: chosen }),
    ...(previous && { previous: "true" }),
  });
  return (
    <Stack gap="xs">
      <Group gap="md">
        {containers.length > 1 && (
          <Select
            aria-label={text.logs.container}
            size="xs"
            data={containers}
            value={chosen ?? containers[0] ?? null}
            onChange={setContainer}
            allowDeselect={false}
          />
        )}
        {(pod.restarts > 0 || previous) && (
          <Switch
            size="xs"
            label={text.logs.previous}
            checked={previous}
            onChange={(event) => setPrevious(event.currentTarget.checked)}
          />
        )}
        <Switch
          size="xs"
          label={text.logs.wrap}
          checked={wrapped}
          onChange={(event) => setWrapped(event.currentTarget.checked)}
        />
        <Button
          component="a"
          href={`/api/pods/${encodeURIComponent(pod.id)}/logs?${download}`}
          download={`${pod.name}.log`}
          variant="default"
          size="compact-xs"
          ml="auto"
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          {text.logs.download}
        </Button>
      </Group>
      {previous ? (
        <Previous id={pod.id} container={chosen} wrapped={wrapped} />
      ) : (
        <Following key={chosen} id={pod.id} container={chosen} wrapped={wrapped} />
      )}
    </Stack>
  );
}

interface ShownProps {
  id: string;
  container: string | null;
  wrapped: boolean;
}

function Following({ id, container, wrapped }: ShownProps) {
  const text = useText();
  const { api } = useSession();
  const client = useQueryClient();
  const [lines, setLines] = useState(NO_LINES);
  const [state, setState] = useState<FollowState>({ phase: "connecting" });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round begins anew
  useEffect(() => {
    const stop = new AbortController();
    setLines(NO_LINES);
    void followLog({
      api,
      id,
      container,
      remarks: text.logs.remarks,
      signal: stop.signal,
      onLines: (more) => setLines((known) => withLines(known, more)),
      onState: setState,
      onSessionEnd: () => void client.invalidateQueries({ queryKey: ["auth"] }),
    });
    return () => stop.abort();
  }, [api, client, id, container, round]);
  if (state.phase === "refused" && !isWaiting(state.error)) {
    return <Problem title={text.drawer.logsFailed} error={state.error} onRetry={() => setRound(round + 1)} />;
  }
  return (
    <>
      <Page lines={lines} wrapped={wrapped} />
      <Group gap="xs" role="status">
        <Text size="xs" c="dimmed">
          {stateText(state, text.logs)}
        </Text>
        {(state.phase === "ended" || state.phase === "refused") && (
          <Button size="compact-xs" variant="default" onClick={() => setRound(round + 1)}>
            {text.logs.again}
          </Button>
        )}
      </Group>
    </>
  );
}

function Previous({ id, container, wrapped }: ShownProps) {
  const text = useText();
  const { api } = useSession();
  const { data, error } = useQuery({
    queryKey: ["logs", id, container, "previous"],
    queryFn: async ({ signal }) => {
      const query = { tailLines: TAIL_LINES, previous: true, ...(container !== null && { container }) };
      const answer = api.GET("/api/pods/{pod_id}/logs", { params: { path: { pod_id: id }, query }, signal });
      // of the forms that there are, JSON is what is sent where none is asked for
      return (await unwrap(answer)) as PodLogs;
    },
    retry: false,
  });
  if (error && isWaiting(error)) {
    return <Text c="dimmed">{text.logs.noPrevious}</Text>;
  }
  if (error) {
    return <Problem title={text.drawer.logsFailed} error={error} />;
  }
  const kept = data?.logs.split("\n").map(plainLine) ?? [];
  return <Page lines={{ kept, dropped: data?.truncated ? 1 : 0 }} wrapped={wrapped} />;
}

/** Stays at the end while its reader does. */
function Page({ lines, wrapped }: { lines: Lines; wrapped: boolean }) {
  const text = useText();
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the view
  useLayoutEffect(() => {
    if (box.current && isAtEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [lines]);
  return (
    <>
      {lines.dropped > 0 && (
        <Text size="xs" c="dimmed">
          {text.drawer.truncated}
        </Text>
      )}
      <pre
        ref={box}
        className={classes.page}
        data-wrapped={wrapped}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={text.drawer.logs}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 8;
        }}
      >
        {lines.kept.join("\n")}
      </pre>
    </>
  );
}

function isWaiting(error: unknown): boolean {
  return error instanceof ApiError && error.code === "not_running";
}

function stateText(state: FollowState, text: ReturnType<typeof useText>["logs"]): string {
  switch (state.phase) {
    case "refused":
      return text.notStarted;
    case "ended":
      return text.ends[state.reason as keyof typeof text.ends] ?? text.ended(state.reason);
    default:
      return text.phases[state.phase];
  }
}
