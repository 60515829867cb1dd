/** What the colours of the map say: a choice, and unless it is the states, whose legend is the filter, a legend. */
import { SegmentedControl, Text, UnstyledButton } from "@mantine/core";
import { useLanguage } from "../../i18n/language";
import { percentText } from "../../lib/readings";
import type { Filter } from "./filter";
import classes from "./gpus.module.css";
import { Mark, StateMark } from "./heatmap/Mark";
import {
  COLOURINGS,
  type Colouring,
  levelPaint,
  nobodyPaint,
  severalPaint,
  userPaint,
} from "./heatmap/paint";
import { usePalette } from "./heatmap/screen";
import { useRevision } from "./live/OverviewProvider";
import { type Fleet, topUsers } from "./model";

interface ColouringBarProps {
  fleet: Fleet;
  colouring: Colouring;
  onColouring: (colouring: Colouring) => void;
  filter: Filter;
  onFilter: (filter: Filter) => void;
}

const MOST_USERS_NAMED = 8;

export function ColouringBar({ fleet, colouring, onColouring, filter, onFilter }: ColouringBarProps) {
  const { text } = useLanguage();
  return (
    <div className={classes.colouring}>
      <Text size="xs" c="dimmed" id="colouring-label">
        {text.gpus.colourBy}
      </Text>
      <SegmentedControl
        size="xs"
        aria-labelledby="colouring-label"
        data={COLOURINGS.map((value) => ({ value, label: text.gpus.colourings[value] }))}
        value={colouring}
        onChange={(value) => onColouring(value as Colouring)}
      />
      {(colouring === "utilization" || colouring === "memory") && <LevelLegend />}
      {colouring === "owner" && <OwnerLegend fleet={fleet} filter={filter} onFilter={onFilter} />}
    </div>
  );
}

function LevelLegend() {
  const { text } = useLanguage();
  const palette = usePalette();
  const steps = palette.ramp.length;
  const bound = (step: number) => (step * 100) / steps;
  return (
    <ul className={classes.keys} aria-label={text.gpus.legend}>
      {palette.ramp.map((colour, step) => (
        <li key={colour} className={classes.key}>
          <Mark paint={levelPaint(step, palette)} level={(bound(step) + bound(step + 1)) / 2} />
          {`${bound(step)}–${percentText(bound(step + 1))}`}
        </li>
      ))}
      <li className={classes.key}>
        <StateMark state="unknown" />
        {text.gpus.notMeasured}
      </li>
      <li className={classes.key}>
        <Mark paint={nobodyPaint(palette)} />
        {text.gpus.nobody}
      </li>
    </ul>
  );
}

function OwnerLegend({ fleet, filter, onFilter }: Pick<ColouringBarProps, "fleet" | "filter" | "onFilter">) {
  useRevision();
  const { text } = useLanguage();
  const palette = usePalette();
  if (fleet.users.length === 0) {
    return (
      <Text size="xs" c="dimmed">
        {text.gpus.ownersHidden}
      </Text>
    );
  }
  return (
    <ul className={classes.keys} aria-label={text.gpus.topUsers}>
      {topUsers(fleet, MOST_USERS_NAMED).map(({ user, devices }) => (
        <li key={user}>
          <UnstyledButton
            className={`${classes.key} ${classes.userKey}`}
            aria-pressed={filter.holder === user}
            onClick={() => onFilter({ ...filter, holder: filter.holder === user ? null : user })}
          >
            <Mark paint={userPaint(user, fleet.viewer, palette)} />
            {user}
            <span className={classes.legendCount}>{devices}</span>
          </UnstyledButton>
        </li>
      ))}
      <li className={classes.key}>
        <Mark paint={severalPaint(palette)} />
        {text.gpus.severalHolders}
      </li>
      <li className={classes.key}>
        <Mark paint={nobodyPaint(palette)} />
        {text.gpus.nobody}
      </li>
      <li className={classes.key}>
        <StateMark state="unknown" />
        {text.gpus.unknownHolder}
      </li>
    </ul>
  );
}
