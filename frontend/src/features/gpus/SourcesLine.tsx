/** How far the picture can be trusted. One line that is always there, so that nothing jumps when a source is lost. */
import { Text } from "@mantine/core";
import type { Source } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatClock } from "../../lib/time";
import classes from "./gpus.module.css";
import type { Snapshot } from "./useOverview";

const NAMES = ["kubernetes", "prometheus", "dra"] as const;

export function SourcesLine({ snapshot, connected }: { snapshot: Snapshot; connected: boolean }) {
  const { text, locale } = useLanguage();
  const { sources } = snapshot.fleet;
  // Without a connection nothing is known about the sources either.
  const shown = connected
    ? NAMES.filter((name) => sources[name].state !== "off" || name === "prometheus")
    : [];
  const clock = formatClock(snapshot.updatedAt, locale);
  return (
    <div className={classes.sources} data-testid="sources">
      <Text
        size="xs"
        c={connected ? "dimmed" : "var(--genet-warning)"}
        fw={connected ? 400 : 600}
        role="status"
      >
        {connected ? text.gpus.updated(clock) : text.gpus.outdated(clock)}
      </Text>
      {shown.map((name) => (
        <Text key={name} size="xs" className={classes.source} data-sound={isSound(sources[name])}>
          <span className={classes.sourceDot} aria-hidden />
          {text.gpus.sources[name]} {text.gpus.sourceStates[sources[name].state]}
          {!isSound(sources[name]) &&
            ` – ${[text.gpus.sourceLoss[name], sources[name].message].filter(Boolean).join(": ")}`}
        </Text>
      ))}
    </div>
  );
}

function isSound({ state }: Source): boolean {
  return state === "ok" || state === "off";
}
