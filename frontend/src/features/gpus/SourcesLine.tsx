/** How far the picture can be trusted. One line that is always there, so that nothing jumps when a source is lost. */
import { Text } from "@mantine/core";
import type { Source } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatAgo, formatClock, useNow } from "../../lib/time";
import { errorText } from "../../ui/Problem";
import classes from "./gpus.module.css";
import { useOverview } from "./live/OverviewProvider";
import type { Fleet } from "./model";

const NAMES = ["kubernetes", "prometheus", "dra"] as const;
const SECOND = 1_000;

export function SourcesLine({ fleet }: { fleet: Fleet }) {
  const { text, locale } = useLanguage();
  const connection = useOverview((state) => state.connection);
  // Rendered again with every change, for the time of the last one.
  useOverview(({ revision }) => revision);
  if (connection === "lost") {
    return <Lost fleet={fleet} />;
  }
  const { sources } = fleet;
  const shown = NAMES.filter((name) => sources[name].state !== "off" || name === "prometheus");
  return (
    <div className={classes.sources} data-testid="sources" data-connection={connection}>
      <Text size="xs" c="dimmed" role="status">
        {text.gpus.connections[connection](formatClock(fleet.updatedAt, locale))}
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

/** Without a connection nothing is known about the sources either. */
function Lost({ fleet }: { fleet: Fleet }) {
  const { text, locale } = useLanguage();
  const { heardAt, error } = useOverview((state) => state);
  const now = useNow(SECOND);
  return (
    <div className={`${classes.sources} ${classes.lost}`} data-testid="sources" data-connection="lost">
      <Text size="xs" fw={600} role="status">
        {text.gpus.outdated(formatClock(fleet.updatedAt, locale))}
      </Text>
      <Text size="xs">
        {heardAt > 0 && text.gpus.lastHeard(formatAgo(now - heardAt, locale))}
        {error !== null && ` ${errorText(error, text)}`}
      </Text>
    </div>
  );
}

function isSound({ state }: Source): boolean {
  return state === "ok" || state === "off";
}
