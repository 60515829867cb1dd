/** A shell in the pod, in the drawer or on a page of its own. */
import { Anchor, Skeleton, Stack, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { Pod } from "../../api/types";
import { useText } from "../../i18n/language";
import classes from "./terminal/terminal.module.css";

const Terminal = lazy(async () => ({ default: (await import("./terminal/Terminal")).Terminal }));

interface TerminalTabProps {
  pod: Pod;
  /** Of the page that shows nothing else; not given there. */
  ownPage?: string;
}

export function TerminalTab({ pod, ownPage }: TerminalTabProps) {
  const text = useText();
  if (pod.status !== "Running") {
    return <Text c="dimmed">{text.terminal.wait}</Text>;
  }
  return (
    <Stack gap="xs" className={(ownPage ? classes.drawer : classes.page) ?? ""}>
      {ownPage && (
        <Anchor href={ownPage} target="_blank" size="xs" ml="auto">
          {text.terminal.ownPage}
        </Anchor>
      )}
      <Suspense fallback={<Skeleton height="100%" aria-busy />}>
        <Terminal id={pod.id} />
      </Suspense>
    </Stack>
  );
}
