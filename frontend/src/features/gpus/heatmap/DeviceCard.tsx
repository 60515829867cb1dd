/** What is known about one GPU, beside its square; also read out when the arrow keys get there. */
import { Group, Text } from "@mantine/core";
import { useLayoutEffect, useRef, useState } from "react";
import { useLanguage } from "../../../i18n/language";
import { holderText, memoryText, percentText, podsText, sinceText, unitText } from "../deviceText";
import type { Device } from "../model";
import classes from "./Heatmap.module.css";
import { StateMark } from "./StateMark";

const WIDTH = 272;
/** Between the square and the card. */
const OFFSET = 10;

interface DeviceCardProps {
  device: Device;
  hint: string | null;
  at: { x: number; y: number; size: number; width: number };
}

export function DeviceCard({ device, hint, at }: DeviceCardProps) {
  const { text, locale } = useLanguage();
  const { columns, states } = text.gpus;
  const readings: [string, string | null][] = [
    [columns.holder, holderText(device, text)],
    [columns.pod, podsText(device)],
    [columns.since, sinceText(device, locale)],
    [columns.utilization, percentText(device.utilization)],
    [columns.memory, memoryText(device, locale)],
    [columns.power, unitText(device.power, "W", locale)],
    [columns.temperature, unitText(device.temperature, "°C", locale)],
  ];
  const card = useRef<HTMLDivElement>(null);
  const [above, setAbove] = useState(false);
  useLayoutEffect(() => {
    const map = card.current?.offsetParent;
    if (card.current && map) {
      const over = map.getBoundingClientRect().top + at.y - OFFSET;
      const under = window.innerHeight - over - at.size - 2 * OFFSET;
      setAbove(under < card.current.offsetHeight && under < over);
    }
  }, [at.y, at.size]);
  const left = Math.max(0, Math.min(at.x + at.size / 2 - WIDTH / 2, at.width - WIDTH));
  return (
    <div
      ref={card}
      className={classes.card}
      style={{ left, top: above ? at.y - OFFSET : at.y + at.size + OFFSET }}
      data-above={above}
      data-testid="gpu-card"
    >
      <Text fw={600} size="sm" className={classes.title}>
        {device.node.name} · {columns.gpu} {device.index}
      </Text>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" className={classes.title}>
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
        {readings.map(
          ([name, value]) =>
            value !== null && (
              <div key={name} style={{ display: "contents" }}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {[device.reason, hint].map(
        (line) =>
          line && (
            <Text key={line} size="xs" className={classes.hint}>
              {line}
            </Text>
          ),
      )}
    </div>
  );
}
