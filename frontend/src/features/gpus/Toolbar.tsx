/** Filters; the legend is one of them, so that it costs no room of its own. */
import { Select, Switch, Tooltip, UnstyledButton } from "@mantine/core";
import { useLanguage } from "../../i18n/language";
import type { Filter } from "./filter";
import classes from "./gpus.module.css";
import { StateMark } from "./heatmap/Mark";
import { useOverview, useRevision } from "./live/OverviewProvider";
import { type Fleet, STATES } from "./model";

interface ToolbarProps {
  fleet: Fleet;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  signedIn: boolean;
}

const MOST_HOLDERS_LISTED = 100;

export function Toolbar({ fleet, filter, onFilter, signedIn }: ToolbarProps) {
  const { text } = useLanguage();
  const types = [...new Map(fleet.groups.map(({ type, label }) => [type, label]))];
  return (
    <div className={classes.toolbar}>
      <Select
        aria-label={text.gpus.type}
        placeholder={text.gpus.allTypes}
        data={types.map(([value, label]) => ({ value, label }))}
        value={filter.type}
        onChange={(type) => onFilter({ ...filter, type })}
        clearable
        className={classes.typeFilter}
      />
      <HolderFilter fleet={fleet} filter={filter} onFilter={onFilter} />
      <Legend fleet={fleet} filter={filter} onFilter={onFilter} />
      {signedIn && (
        <Switch
          label={text.gpus.showMine}
          checked={filter.mine}
          onChange={(event) => onFilter({ ...filter, mine: event.currentTarget.checked })}
          className={classes.mineSwitch}
        />
      )}
    </div>
  );
}

type PartProps = Omit<ToolbarProps, "signedIn">;

/** With the counts, so the one part of the toolbar that a change of the fleet renders. */
function Legend({ fleet, filter, onFilter }: PartProps) {
  useRevision();
  const { text, locale } = useLanguage();
  const number = new Intl.NumberFormat(locale);
  return (
    <fieldset className={classes.legend}>
      <legend className={classes.hidden}>{text.gpus.legend}</legend>
      {STATES.map((state) => (
        <Tooltip key={state} label={text.gpus.stateMeanings[state]} openDelay={300}>
          <UnstyledButton
            className={classes.legendItem}
            aria-pressed={filter.state === state}
            onClick={() => onFilter({ ...filter, state: filter.state === state ? null : state })}
          >
            <StateMark state={state} />
            <span>{text.gpus.states[state]}</span>
            <span className={classes.legendCount}>{number.format(fleet.counts[state])}</span>
          </UnstyledButton>
        </Tooltip>
      ))}
    </fieldset>
  );
}

/** By who holds a GPU; not there for those who may not know, unless the address asks for somebody. */
function HolderFilter({ fleet: { users }, filter, onFilter }: PartProps) {
  const { text } = useLanguage();
  // A list of hundreds is made anew when somebody comes, not with every change.
  useOverview(({ fleet }) => fleet?.users.length);
  if (users.length === 0 && filter.holder === null) {
    return null;
  }
  const names = filter.holder === null || users.includes(filter.holder) ? users : [filter.holder, ...users];
  return (
    <Select
      aria-label={text.gpus.columns.holder}
      placeholder={text.gpus.allHolders}
      data={names.toSorted()}
      value={filter.holder}
      onChange={(holder) => onFilter({ ...filter, holder })}
      limit={MOST_HOLDERS_LISTED}
      searchable
      clearable
      className={classes.holderFilter}
    />
  );
}
