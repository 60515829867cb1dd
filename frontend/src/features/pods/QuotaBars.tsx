/** How much of what one may have is taken. */
import { Group, Progress, Text } from "@mantine/core";
import type { Quota } from "../../api/types";
import { useText } from "../../i18n/language";
import classes from "./pods.module.css";

export function QuotaBars({ quota }: { quota: Quota }) {
  const text = useText();
  const bars = [
    { name: text.pods.quotaGpus, used: quota.gpuUsed, limit: quota.gpuLimit },
    { name: text.pods.quotaPods, used: quota.podUsed, limit: quota.podLimit },
  ];
  return (
    <div className={classes.quota}>
      {bars.map(({ name, used, limit }) => (
        <div key={name} className={classes.quotaBar}>
          <Group justify="space-between" mb={6}>
            <Text size="sm" fw={600}>
              {name}
            </Text>
            <Text size="sm" c="dimmed" className={classes.figures}>
              {text.pods.quotaValue(used, limit)}
            </Text>
          </Group>
          <Progress
            value={limit > 0 ? Math.min(100, (used / limit) * 100) : 100}
            color={used >= limit ? "orange" : "blue"}
            size="sm"
            aria-label={`${name}: ${text.pods.quotaValue(used, limit)}`}
          />
        </div>
      ))}
    </div>
  );
}
