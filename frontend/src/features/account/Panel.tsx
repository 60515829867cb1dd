/** One part of the account page. */
import { Group, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";
import classes from "./account.module.css";

interface PanelProps {
  title: string;
  hint: string;
  /** Beside the title. */
  action?: ReactNode;
  children?: ReactNode;
}

export function Panel({ title, hint, action, children }: PanelProps) {
  const id = useId();
  return (
    <section className={classes.panel} aria-labelledby={id}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="sm">
        <div className={classes.lead}>
          <Title order={2} size="h4" id={id}>
            {title}
          </Title>
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
        </div>
        {action}
      </Group>
      {children}
    </section>
  );
}
