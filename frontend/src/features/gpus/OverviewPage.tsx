/** Every GPU of the cluster at a glance. */
import { Button, Skeleton, Stack, Title } from "@mantine/core";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import { searchWith } from "../../lib/search";
import { EmptyState } from "../../ui/EmptyState";
import { Problem } from "../../ui/Problem";
import { ColouringBar } from "./ColouringBar";
import {
  anyMatches,
  colouringFromSearch,
  EVERYTHING,
  type Filter,
  filterFromSearch,
  searchWithFilter,
} from "./filter";
import { GpuTable } from "./GpuTable";
import classes from "./gpus.module.css";
import { Heatmap } from "./heatmap/Heatmap";
import { useFeed, useOverview, useRevision } from "./live/OverviewProvider";
import type { Fleet } from "./model";
import { NodePanel } from "./node/NodePanel";
import { SourcesLine } from "./SourcesLine";
import { Summary } from "./Summary";
import { Toolbar } from "./Toolbar";
import { type ChoiceActions, useChoice } from "./useChoice";

type OverviewPageProps = Omit<ChoiceActions, "onNode">;

export function OverviewPage(props: OverviewPageProps) {
  const text = useText();
  const fleet = useOverview((state) => state.fleet);
  const isFailing = useOverview(({ connection, error }) => connection === "lost" || error !== null);
  return (
    <Stack gap="md">
      <Title order={1} className={classes.hidden}>
        {text.gpus.title}
      </Title>
      {fleet ? (
        <Overview fleet={fleet} {...props} />
      ) : isFailing ? (
        <NothingYet />
      ) : (
        <Stack gap="md" aria-busy aria-label={text.app.loading}>
          <Skeleton height={76} />
          <Skeleton height={36} />
          <Skeleton height={420} />
        </Stack>
      )}
    </Stack>
  );
}

/** Without an answer since the page was opened. */
function NothingYet() {
  const text = useText();
  const { retry } = useFeed();
  const error = useOverview((state) => state.error);
  const isTrying = useOverview(({ connection }) => connection === "connecting");
  return (
    <Problem
      title={text.gpus.failed}
      error={error}
      hint={text.gpus.goesOn}
      onRetry={retry}
      isTrying={isTrying}
    />
  );
}

/** Rendered anew when there is another fleet, not when the fleet changes: what shows changes is in the components. */
function Overview({ fleet, ...actions }: OverviewPageProps & { fleet: Fleet }) {
  const text = useText();
  const { auth } = useSession();
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => filterFromSearch(search), [search]);
  const colouring = colouringFromSearch(search);
  const setFilter = (next: Filter) => setSearch(searchWithFilter(search, next), { replace: true });
  const showNode = (node: string | null) =>
    setSearch(searchWith(search, { node }), { replace: node === null });
  const [active, setActive] = useState<number | null>(null);
  const [onMap, setOnMap] = useState(true);
  const [tableShown, setTableShown] = useState(false);
  const { choose, hint } = useChoice(fleet, { ...actions, onNode: showNode });

  if (fleet.counts.total === 0) {
    return (
      <>
        <SourcesLine fleet={fleet} />
        <EmptyState title={text.gpus.empty} hint={text.gpus.emptyHint} />
      </>
    );
  }
  // A GPU may be gone in the next fleet.
  const outlined = active !== null && active < fleet.state.length ? active : null;
  const node = search.get("node");
  const activate = (byMap: boolean) => (device: number | null) => {
    setOnMap(byMap);
    setActive(device);
  };
  return (
    <>
      <Summary fleet={fleet} signedIn={auth.authenticated} />
      <Toolbar fleet={fleet} filter={filter} onFilter={setFilter} signedIn={auth.authenticated} />
      <div className={classes.panel}>
        <SourcesLine fleet={fleet} />
        <ColouringBar
          fleet={fleet}
          colouring={colouring}
          onColouring={(value) =>
            setSearch(searchWith(search, { colour: value === "state" ? null : value }), { replace: true })
          }
          filter={filter}
          onFilter={setFilter}
        />
        <NoMatch fleet={fleet} filter={filter} onClear={() => setFilter(EVERYTHING)} />
        <Heatmap
          fleet={fleet}
          filter={filter}
          colouring={colouring}
          active={outlined}
          described={onMap}
          onActive={activate(true)}
          onChoose={choose}
          onNode={showNode}
          hint={hint}
        />
      </div>
      <div>
        <Button
          variant="default"
          size="xs"
          aria-expanded={tableShown}
          onClick={() => setTableShown(!tableShown)}
        >
          {tableShown ? text.gpus.hideTable : text.gpus.showTable}
        </Button>
      </div>
      {tableShown && (
        <GpuTable
          fleet={fleet}
          filter={filter}
          active={outlined}
          onActive={activate(false)}
          onChoose={choose}
          onNode={showNode}
        />
      )}
      {node !== null && <NodePanel name={node} onClose={() => showNode(null)} {...actions} />}
    </>
  );
}

interface NoMatchProps {
  fleet: Fleet;
  filter: Filter;
  onClear: () => void;
}

function NoMatch({ fleet, filter, onClear }: NoMatchProps) {
  useRevision();
  const text = useText();
  if (anyMatches(fleet, filter)) {
    return null;
  }
  return (
    <p className={classes.note} role="status">
      {filter.mine ? text.gpus.noneMine : text.gpus.noMatch}{" "}
      <Button variant="subtle" size="compact-xs" onClick={onClear}>
        {text.gpus.clearFilter}
      </Button>
    </p>
  );
}
