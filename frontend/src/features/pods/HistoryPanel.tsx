/** Pods that are gone, and why: nobody should have to guess what the nightly run did. */
import { Text, Title } from "@mantine/core";
import { useId } from "react";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import classes from "./pods.module.css";
import { shortImage } from "./podText";
import { useHistory } from "./usePods";

export function HistoryPanel() {
  const { text, locale } = useLanguage();
  const id = useId();
  const { data } = useHistory();
  if (!data || data.deleted.length === 0) {
    return null;
  }
  return (
    <section className={classes.volumes} aria-labelledby={id}>
      <Title order={2} size="h5" id={id}>
        {text.history.title}
      </Title>
      <ul className={classes.rows}>
        {data.deleted.map(({ pod, image, deletedAt, reason }) => (
          <li key={`${pod} ${deletedAt}`} className={classes.gone}>
            <Text size="sm" fw={600}>
              {pod}
            </Text>
            <Text size="xs" c="dimmed">
              {formatMoment(deletedAt, locale)} · {shortImage(image)}
            </Text>
            <Text size="sm" className={classes.message}>
              {reason.text}
            </Text>
          </li>
        ))}
      </ul>
    </section>
  );
}
