/**
 * What is known about one GPU, beside its square; also read out when the arrow keys get there. It has its size from the
 * beginning: what the node's call brings later takes the place of a dot.
 */
import { Group, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useLayoutEffect, useRef, useState } from "react";
import { slotAt, useNode } from "../../../api/nodes";
import type { SlotStatus } from "../../../api/types";
import { useLanguage } from "../../../i18n/language";
import { percentText } from "../../../lib/readings";
import { heatText, holderText, idleText, memoryUseText, podsText, sinceText, titleOf } from "../deviceText";
import { useRevision } from "../live/OverviewProvider";
import { type Device, deviceOf, type Fleet } from "../model";
import classes from "./Heatmap.module.css";
import { StateMark } from "./Mark";

const WIDTH = 304;
/** Between the square and the card. */
const OFFSET = 10;
/** The pointer rests this long before the node is asked for. */
const REST = 150;

interface DeviceCardProps {
  fleet: Fleet;
  /** Index in the fleet. */
  active: number;
  hint: (device: Device) => string | null;
  at: { x: number; y: number; size: number; width: number };
}

export function DeviceCard({ fleet, active, hint, at }: DeviceCardProps) {
  useRevision();
  const { text, locale } = useLanguage();
  const { columns, states } = text.gpus;
  const device = deviceOf(fleet, active);
  const [rested] = useDebouncedValue(device.node.name, REST);
  const { data, isError } = useNode(rested);
  const slot = data?.nodeName === device.node.name ? slotAt(data, device) : undefined;
  const held = device.status === "used";
  const readings: [string, string | null | undefined][] = [
    [columns.holder, holderText(device, slot, text)],
    [columns.pod, podsText(slot)],
    [columns.since, sinceText(slot, locale)],
    [columns.idle, idleText(slot, locale)],
    [columns.utilization, percentText(device.utilization)],
    [columns.memory, memoryUseText(device, slot, locale)],
    [`${columns.power} · ${columns.temperature}`, slot && heatText(slot, locale)],
  ];
  const { card, above } = useSide(at.y, at.size, device.status);
  const left = Math.max(0, Math.min(at.x + at.size / 2 - WIDTH / 2, at.width - WIDTH));
  const line = hint(device);
  return (
    <div
      ref={card}
      className={classes.card}
      style={{ left, top: above ? at.y - OFFSET : at.y + at.size + OFFSET }}
      data-above={above}
      data-testid="gpu-card"
    >
      <Text fw={600} size="sm" className={classes.title}>
        {titleOf(device, slot, text)}
      </Text>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" truncate>
          {device.group.label}
        </Text>
        <Group gap={6} wrap="nowrap" flex="none">
          <StateMark state={device.status} />
          <Text size="xs" fw={600}>
            {states[device.status]}
          </Text>
        </Group>
      </Group>
      <dl className={classes.readings}>
        {(held ? readings : readings.slice(4)).map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd>{value ?? (value === undefined && !isError ? "·" : "–")}</dd>
          </div>
        ))}
      </dl>
      {!held && device.status !== "free" && (
        <Text size="xs" className={classes.reason}>
          {slot?.reason}
        </Text>
      )}
      {line && (
        <Text size="xs" className={classes.hint}>
          {line}
        </Text>
      )}
    </div>
  );
}

/** Above the square where there is no room under it; how high the card is depends on the state it shows. */
function useSide(y: number, size: number, state: SlotStatus) {
  const card = useRef<HTMLDivElement>(null);
  const [above, setAbove] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with the state the card's height changes
  useLayoutEffect(() => {
    const map = card.current?.offsetParent;
    if (card.current && map) {
      const over = map.getBoundingClientRect().top + y - OFFSET;
      const under = window.innerHeight - over - size - 2 * OFFSET;
      setAbove(under < card.current.offsetHeight && under < over);
    }
  }, [y, size, state]);
  return { card, above };
}
