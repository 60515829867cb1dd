/** Every GPU of the cluster at a glance. */
import { Button, Skeleton, Stack, Title } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import { EmptyState } from "../../ui/EmptyState";
import { Problem } from "../../ui/Problem";
import { type Filter, filterFromSearch, matches, searchWithFilter, shownGroups } from "./filter";
import { GpuTable } from "./GpuTable";
import classes from "./gpus.module.css";
import { Heatmap } from "./heatmap/Heatmap";
import { nodesOf } from "./heatmap/layout";
import type { Device, Fleet } from "./model";
import { SourcesLine } from "./SourcesLine";
import { Summary } from "./Summary";
import { Toolbar } from "./Toolbar";
import { type Snapshot, useOverview } from "./useOverview";

interface OverviewPageProps {
  /** A free GPU was chosen. */
  onTake: (device: Device) => void;
  /** A GPU of one of the viewer's own pods was chosen; gives the pod's id. */
  onOpenPod: (id: string) => void;
}

export function OverviewPage(props: OverviewPageProps) {
  const text = useText();
  const { data, error, refetch } = useOverview();
  return (
    <Stack gap="md">
      <Title order={1} className={classes.hidden}>
        {text.gpus.title}
      </Title>
      {data ? (
        <Overview snapshot={data} connected={error === null} {...props} />
      ) : error ? (
        <Problem title={text.gpus.failed} error={error} onRetry={refetch} />
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

interface OverviewProps extends OverviewPageProps {
  snapshot: Snapshot;
  connected: boolean;
}

function Overview({ snapshot, connected, onTake, onOpenPod }: OverviewProps) {
  const text = useText();
  const { auth, config } = useSession();
  const { fleet } = snapshot;
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => filterFromSearch(search), [search]);
  const listed = useMemo(() => devicesThatMatch(fleet, filter), [fleet, filter]);
  const setFilter = (next: Filter) => setSearch(searchWithFilter(search, next), { replace: true });
  const [active, setActive] = useState<number | null>(null);
  const [onMap, setOnMap] = useState(true);
  const [tableShown, setTableShown] = useState(false);

  const offered = useCallback(
    (device: Device) => config.gpuTypes.some(({ name }) => name === device.group.type),
    [config],
  );
  const choose = (device: Device) => {
    const [own] = device.mine ? device.pods.filter(({ user }) => user === auth.userIdentifier) : [];
    if (own) {
      onOpenPod(own.name);
    } else if (canTake(device) && offered(device)) {
      onTake(device);
    }
  };
  const hint = (device: Device, byTouch: boolean) => {
    if (device.mine) {
      return text.gpus.openPod;
    }
    if (!device.node.ready) {
      return text.gpus.nodeNotReady;
    }
    if (!device.node.schedulable) {
      return text.gpus.nodeCordoned;
    }
    if (!canTake(device)) {
      return null;
    }
    if (!offered(device)) {
      return text.gpus.notOffered;
    }
    if (!auth.authenticated) {
      return text.gpus.logInToTake;
    }
    return byTouch ? text.gpus.takeByTouch : text.gpus.take;
  };

  if (fleet.counts.total === 0) {
    return (
      <>
        <SourcesLine snapshot={snapshot} connected={connected} />
        <EmptyState title={text.gpus.empty} hint={text.gpus.emptyHint} />
      </>
    );
  }
  // A GPU may be gone in the next answer.
  const outlined = active !== null && active < fleet.state.length ? active : null;
  return (
    <>
      <Summary fleet={fleet} signedIn={auth.authenticated} />
      <Toolbar fleet={fleet} filter={filter} onFilter={setFilter} signedIn={auth.authenticated} />
      <div className={classes.panel}>
        <SourcesLine snapshot={snapshot} connected={connected} />
        {listed.length === 0 && (
          <p className={classes.note} role="status">
            {filter.mine ? text.gpus.noneMine : text.gpus.noMatch}{" "}
            <Button
              variant="subtle"
              size="compact-xs"
              onClick={() => setFilter({ type: null, state: null, mine: false })}
            >
              {text.gpus.clearFilter}
            </Button>
          </p>
        )}
        <Heatmap
          fleet={fleet}
          filter={filter}
          active={outlined}
          described={onMap}
          onActive={(device) => {
            setOnMap(true);
            setActive(device);
          }}
          onChoose={choose}
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
          devices={listed}
          active={outlined}
          onActive={(device) => {
            setOnMap(false);
            setActive(device);
          }}
          onChoose={choose}
        />
      )}
    </>
  );
}

function canTake({ status, node }: Device): boolean {
  return status === "free" && node.ready && node.schedulable;
}

function devicesThatMatch(fleet: Fleet, filter: Filter): number[] {
  return shownGroups(fleet, filter).flatMap((group) =>
    nodesOf(fleet, group).flatMap(({ firstDevice, deviceCount }) =>
      Array.from({ length: deviceCount }, (_, index) => firstDevice + index).filter((device) =>
        matches(fleet, filter, device),
      ),
    ),
  );
}
