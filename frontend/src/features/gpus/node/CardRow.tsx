/** One card of a node: its state and why, what it does, who has it or its slices and how that is known. */
import { Anchor, Group, Text } from "@mantine/core";
import { useSession } from "../../../api/session";
import type { Slot, SlotPod } from "../../../api/types";
import { useLanguage } from "../../../i18n/language";
import { memoryText, percentText, unitText } from "../../../lib/readings";
import { meanOf, mostOf, type Values } from "../../../lib/series";
import { formatMoment } from "../../../lib/time";
import { Meter } from "../../../ui/Meter";
import { Sparkline } from "../../../ui/Sparkline";
import { StateMark } from "../heatmap/Mark";
import classes from "./node.module.css";

interface CardRowProps {
  slot: Slot;
  /** Its type, where the node has several. */
  type: string | null;
  /** Percent, over the last day. */
  history: Values;
  onOpenPod: (id: string) => void;
}

export function CardRow({ slot, type, history, onOpenPod }: CardRowProps) {
  const { text, locale } = useLanguage();
  const { memoryUsed, memoryTotal } = slot;
  return (
    <li className={classes.card} data-testid={`card-${slot.index}`}>
      <div className={classes.cardHead}>
        <StateMark state={slot.status} />
        <Text size="sm" fw={600}>
          {text.node.gpu(slot.index)}
        </Text>
        <Text size="sm">{text.gpus.states[slot.status]}</Text>
        {type && (
          <Text size="xs" c="dimmed">
            {type}
          </Text>
        )}
        {(slot.replicas ?? 1) > 1 && (
          <Text size="xs" c="dimmed">
            {text.node.replicas(slot.replicas ?? 1)}
          </Text>
        )}
        {slot.uuid && (
          <Text size="xs" c="dimmed" truncate className={classes.uuid} title={slot.uuid}>
            {slot.uuid}
          </Text>
        )}
      </div>
      <div className={classes.readings}>
        <Meter
          name={text.gpus.columns.utilization}
          value={percentText(slot.utilization)}
          percent={slot.utilization}
        />
        <Meter
          name={text.gpus.columns.memory}
          value={memoryText(memoryUsed, memoryTotal, locale)}
          percent={memoryUsed === null || !memoryTotal ? null : (memoryUsed / memoryTotal) * 100}
        />
        <Text size="xs" className={classes.figures}>
          {unitText(slot.power, "W", locale) ?? "– W"}
          <br />
          {unitText(slot.temperature, "°C", locale) ?? "– °C"}
        </Text>
        <CardHistory values={history} />
      </div>
      {slot.reason && (
        <Text size="xs" className={classes.reason}>
          {slot.reason}
        </Text>
      )}
      <Holders pods={holdersOfWhole(slot)} onOpenPod={onOpenPod} />
      {slot.status === "used" && (
        <Text size="xs" c="dimmed">
          {[
            slot.pods.length === 0 && `${text.gpus.columns.holder}: ${text.gpus.unknownHolder}`,
            slot.attribution && text.node.attributions[slot.attribution],
            slot.idleSince && text.node.idleSince(formatMoment(slot.idleSince, locale)),
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
      )}
      {slot.slices.length > 0 && <Slices slot={slot} onOpenPod={onOpenPod} />}
    </li>
  );
}

/** Those who are not named with a slice. */
function holdersOfWhole({ pods, slices }: Slot): SlotPod[] {
  const named = new Set(
    slices.flatMap((slice) => slice.pods.map(({ name, namespace }) => `${namespace} ${name}`)),
  );
  return pods.filter(({ name, namespace }) => !named.has(`${namespace} ${name}`));
}

function CardHistory({ values }: { values: Values }) {
  const { text } = useLanguage();
  const mean = percentText(meanOf(values));
  const most = percentText(mostOf(values));
  return (
    <Sparkline
      values={values}
      label={mean && most ? text.node.sparkline(mean, most) : text.node.notMeasured}
    />
  );
}

function Slices({ slot, onOpenPod }: { slot: Slot; onOpenPod: (id: string) => void }) {
  const { text } = useLanguage();
  return (
    <ul className={classes.slices} aria-label={text.node.slices}>
      {slot.slices.map(({ id, profile, status, pods }) => (
        <li key={id}>
          <Group gap={6} wrap="nowrap">
            <StateMark state={status} />
            <Text size="xs" fw={600}>
              {profile ?? id}
            </Text>
            <Text size="xs" c="dimmed">
              {profile && id !== profile ? `${id} · ` : ""}
              {text.gpus.states[status]}
            </Text>
          </Group>
          <Holders pods={pods} onOpenPod={onOpenPod} />
        </li>
      ))}
    </ul>
  );
}

function Holders({ pods, onOpenPod }: { pods: SlotPod[]; onOpenPod: (id: string) => void }) {
  const { text, locale } = useLanguage();
  const { auth } = useSession();
  return (
    pods.length > 0 && (
      <ul className={classes.holders}>
        {pods.map(({ name, namespace, user, startedAt }) => (
          <li key={`${namespace} ${name}`}>
            <Text size="xs" span fw={600}>
              {user ?? namespace}
            </Text>{" "}
            {user !== null && user === auth.userIdentifier ? (
              <Anchor component="button" size="xs" onClick={() => onOpenPod(name)}>
                {text.node.openPod(name)}
              </Anchor>
            ) : (
              <Text size="xs" span className={classes.breakable}>
                {name}
              </Text>
            )}
            {startedAt && (
              <Text size="xs" span c="dimmed">
                {" "}
                {text.node.since(formatMoment(startedAt, locale))}
              </Text>
            )}
          </li>
        ))}
      </ul>
    )
  );
}
