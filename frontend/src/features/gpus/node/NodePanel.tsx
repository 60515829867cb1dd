/** A node from near: its cards, who has them, how busy they were, and what the cluster says of it. */
import { Badge, Button, Code, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { ApiError } from "../../../api/errors";
import { useNode } from "../../../api/nodes";
import { useSession } from "../../../api/session";
import type { NodeDetail, Slot } from "../../../api/types";
import { useLanguage } from "../../../i18n/language";
import { SidePanel } from "../../../ui/Dialog";
import { EventList } from "../../../ui/EventList";
import { Problem } from "../../../ui/Problem";
import { useOverview } from "../live/OverviewProvider";
import type { Fleet } from "../model";
import type { ChoiceActions, Place } from "../useChoice";
import { CardRow } from "./CardRow";
import { HistoryStrip } from "./HistoryStrip";
import classes from "./node.module.css";

interface NodePanelProps extends Omit<ChoiceActions, "onNode"> {
  name: string;
  onClose: () => void;
}

export function NodePanel({ name, onClose, onTake, onOpenPod }: NodePanelProps) {
  const { text } = useLanguage();
  const { data, error, refetch } = useNode(name);
  const fleet = useOverview((state) => state.fleet);
  const gone = error instanceof ApiError && error.status === 404;
  return (
    <SidePanel onClose={onClose} title={name}>
      {data ? (
        <Stack gap="lg">
          <Head node={data} onTake={onTake} />
          <HistoryStrip history={data.history} source={data.sources.prometheus} />
          <ul className={classes.cards} aria-label={text.gpus.title}>
            {data.slots.map((slot, nth) => (
              // Slices that are known without their cards share an index.
              <CardRow
                key={`${nth} ${slot.index}`}
                slot={slot}
                type={fleet && typeAt(fleet, name, nth)}
                history={data.history.series[nth]?.utilization ?? []}
                onOpenPod={onOpenPod}
              />
            ))}
          </ul>
          <Events node={data} />
          <Labels labels={data.labels} />
        </Stack>
      ) : gone ? (
        <Text c="dimmed">{text.node.gone}</Text>
      ) : error ? (
        <Problem title={text.node.failed} error={error} onRetry={refetch} />
      ) : (
        <Stack gap="md" aria-busy aria-label={text.app.loading}>
          <Skeleton height={40} />
          <Skeleton height={90} />
          <Skeleton height={320} />
        </Stack>
      )}
    </SidePanel>
  );
}

function Head({ node, onTake }: { node: NodeDetail; onTake: (place: Place) => void }) {
  const { text } = useLanguage();
  const { config } = useSession();
  const fleet = useOverview((state) => state.fleet);
  useOverview(({ revision }) => revision);
  const places = fleet ? placesOf(fleet, node) : [];
  const sound = node.ready && node.schedulable;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Badge variant="default" {...(!sound && { c: "var(--genet-warning)" })}>
          {node.ready ? (node.schedulable ? text.node.ready : text.node.cordoned) : text.node.notReady}
        </Badge>
        {node.timeSharingEnabled && <Badge variant="default">{text.node.timeShared}</Badge>}
        <Text size="sm">{text.node.used(node.usedDevices, node.totalDevices)}</Text>
        <Text size="sm" c="dimmed">
          {[node.deviceType, node.nodeIP].filter(Boolean).join(" · ")}
        </Text>
      </Group>
      {sound && (
        <Group gap="xs">
          {places.flatMap((place) => {
            const type = config.gpuTypes.find(({ name }) => name === place.type);
            return type ? (
              <Button key={type.name} size="xs" onClick={() => onTake(place)}>
                {places.length > 1 ? `${text.node.take}: ${type.label}` : text.node.take}
              </Button>
            ) : (
              []
            );
          })}
        </Group>
      )}
    </Stack>
  );
}

/** The type of a node's nth device; null where they are all of one. */
function typeAt({ nodes, groups }: Fleet, name: string, nth: number): string | null {
  const parts = nodes.filter((node) => node.name === name);
  const part = parts.find(({ offset, deviceCount }) => nth < offset + deviceCount);
  return part && parts.length > 1 ? (groups[part.group]?.label ?? null) : null;
}

/** The first card of each type on the node that is free, or has a free slice. */
function placesOf(fleet: Fleet, { nodeName, slots }: NodeDetail): Place[] {
  return fleet.nodes
    .filter(({ name }) => name === nodeName)
    .flatMap(({ group, offset, deviceCount }) => {
      const type = fleet.groups[group]?.type;
      const free = slots.slice(offset, offset + deviceCount).find(isFree);
      return type !== undefined && free ? [{ type, nodeName, index: free.index }] : [];
    });
}

function isFree({ status, slices }: Slot): boolean {
  return status === "free" || slices.some((slice) => slice.status === "free");
}

function Events({ node: { events, sources } }: { node: NodeDetail }) {
  const { text } = useLanguage();
  return (
    <section>
      <Title order={3} size="h5" mb="xs">
        {text.node.events}
      </Title>
      {events.length === 0 && (
        <Text size="sm" c="dimmed">
          {sources.events.message ?? text.node.noEvents}
        </Text>
      )}
      <EventList events={events} />
    </section>
  );
}

function Labels({ labels }: { labels: Record<string, string> }) {
  const { text } = useLanguage();
  const entries = Object.entries(labels);
  return (
    entries.length > 0 && (
      <section>
        <Title order={3} size="h5" mb="xs">
          {text.node.labels}
        </Title>
        <dl className={classes.labels}>
          {entries.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                <Code>{value}</Code>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    )
  );
}
