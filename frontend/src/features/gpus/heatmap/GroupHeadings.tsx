/** What stands over each group of the map, and the map in one sentence. */
import { Text, VisuallyHidden } from "@mantine/core";
import { useLanguage } from "../../../i18n/language";
import { useRevision } from "../live/OverviewProvider";
import type { Fleet } from "../model";
import classes from "./Heatmap.module.css";
import type { Layout } from "./layout";

export function GroupHeadings({ fleet, layout }: { fleet: Fleet; layout: Layout }) {
  useRevision();
  const { text, locale } = useLanguage();
  const number = new Intl.NumberFormat(locale);
  return layout.boxes.map((box) => {
    const group = fleet.groups[box.group];
    return (
      group && (
        <div
          key={group.type}
          className={classes.heading}
          style={{ top: box.top, left: box.x, width: box.width }}
        >
          <Text component="h2" fw={600} size="sm" lineClamp={2} className={classes.label}>
            {group.label}
          </Text>
          <Text c="dimmed" size="sm" className={classes.count}>
            {text.gpus.groupCount(number.format(group.counts.free), number.format(group.counts.total))}
          </Text>
        </div>
      )
    );
  });
}

export function MapSummary({ id, fleet }: { id: string; fleet: Fleet }) {
  useRevision();
  const { text, locale } = useLanguage();
  const number = new Intl.NumberFormat(locale);
  const { free, used, total } = fleet.counts;
  return (
    <VisuallyHidden id={id}>
      {text.gpus.mapSummary(number.format(free), number.format(used), number.format(total))}
    </VisuallyHidden>
  );
}
