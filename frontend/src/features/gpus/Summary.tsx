/** The fleet in a few figures. */
import { Text } from "@mantine/core";
import { useLanguage } from "../../i18n/language";
import classes from "./gpus.module.css";
import { useRevision } from "./live/OverviewProvider";
import { type Fleet, meanUtilization } from "./model";

export function Summary({ fleet, signedIn }: { fleet: Fleet; signedIn: boolean }) {
  useRevision();
  const { text, locale } = useLanguage();
  const number = new Intl.NumberFormat(locale);
  const mean = meanUtilization(fleet);
  const figures: [string, string][] = [
    [number.format(fleet.counts.free), text.gpus.freeOf(number.format(fleet.counts.total))],
    [number.format(fleet.counts.used), text.gpus.used],
    [mean === null ? "–" : `${Math.round(mean)} %`, text.gpus.utilization],
  ];
  if (signedIn) {
    const mine = fleet.mine.reduce((count, held) => count + held, 0);
    figures.push([number.format(mine), text.gpus.mine]);
  }
  return (
    <dl className={classes.figures}>
      {figures.map(([value, name]) => (
        <div key={name} className={classes.figure}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
