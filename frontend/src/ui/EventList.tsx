/** Kubernetes events in words, as the answer orders them. */
import { Badge, Group, Text } from "@mantine/core";
import type { PodEvent } from "../api/types";
import { useLanguage } from "../i18n/language";
import { formatMoment } from "../lib/time";
import classes from "./EventList.module.css";

export function EventList({ events }: { events: Omit<PodEvent, "source">[] }) {
  const { text, locale } = useLanguage();
  return (
    <ul className={classes.events}>
      {events.map(({ type, reason, message, count, lastSeen }) => (
        <li key={`${reason} ${message} ${lastSeen}`}>
          <Group gap="xs">
            <Badge variant="default" {...(type === "Warning" && { c: "var(--genet-warning)" })}>
              {reason}
            </Badge>
            <Text size="xs" c="dimmed">
              {lastSeen && formatMoment(lastSeen, locale)}
              {count > 1 && ` · ${text.drawer.times(count)}`}
            </Text>
          </Group>
          <Text size="sm" mt={4} className={classes.message}>
            {message}
          </Text>
        </li>
      ))}
    </ul>
  );
}
