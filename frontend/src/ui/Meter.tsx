/** A reading with a bar of how full that is; the bar is empty, and so is the text, where nothing was measured. */
import { Text } from "@mantine/core";
import classes from "./charts.module.css";

interface MeterProps {
  name: string;
  /** In words. */
  value: string | null;
  percent: number | null;
}

export function Meter({ name, value, percent }: MeterProps) {
  return (
    <div className={classes.meter}>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="xs" className={classes.reading}>
        {value ?? "–"}
      </Text>
      <div className={classes.bar} data-measured={percent !== null} aria-hidden>
        {percent !== null && <div style={{ width: `${Math.min(100, percent)}%` }} />}
      </div>
    </div>
  );
}
