/** The user's own pods: how they are, how long they stay, and what to do with them. */
import { Alert, Button, Group, Skeleton, Stack, Title } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useSession } from "../../api/session";
import type { Pod, PodList } from "../../api/types";
import { useText } from "../../i18n/language";
import { searchWith } from "../../lib/search";
import { useNow } from "../../lib/time";
import { EmptyState } from "../../ui/EmptyState";
import { LogInFirst } from "../../ui/LogIn";
import { News } from "../../ui/News";
import { Outdated } from "../../ui/Outdated";
import { Problem } from "../../ui/Problem";
import { DeleteDialog } from "./DeleteDialog";
import { HistoryPanel } from "./HistoryPanel";
import { PodDrawer } from "./PodDrawer";
import { PodRow } from "./PodRow";
import classes from "./pods.module.css";
import { byAge } from "./podText";
import { QuotaBars } from "./QuotaBars";
import { RestartDialog } from "./RestartDialog";
import { usePods } from "./usePods";
import { VolumesPanel } from "./VolumesPanel";

/** Time left is shown in minutes. */
const CLOCK_STEP = 10_000;

interface PodsPageProps {
  onCreate: () => void;
  onShowNode: (name: string) => void;
  /** Asks for a pod that begins with this image and has such a GPU. */
  onNewPod: (image: string, gpuType: string | null) => void;
  /** The page of a pod's terminal alone. */
  terminalHref: (id: string) => string;
  /** Where SSH keys are added. */
  keysHref: string;
}

export function PodsPage({ onCreate, ...links }: PodsPageProps) {
  const text = useText();
  const { auth } = useSession();
  const { data, error, refetch, dataUpdatedAt } = usePods();
  if (!auth.authenticated) {
    return <LogInFirst title={text.pods.logInFirst} />;
  }
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h3">
          {text.pods.title}
        </Title>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={onCreate}>
          {text.pods.create}
        </Button>
      </Group>
      {error &&
        (data ? (
          <Outdated at={dataUpdatedAt} error={error} onRetry={refetch} />
        ) : (
          <Problem title={text.pods.failed} error={error} onRetry={refetch} />
        ))}
      {data ? (
        <Pods list={data} {...links} />
      ) : (
        !error && (
          <Stack gap="md" aria-busy aria-label={text.app.loading}>
            <Skeleton height={62} />
            <Skeleton height={76} />
            <Skeleton height={76} />
          </Stack>
        )
      )}
    </Stack>
  );
}

function Pods({ list, ...links }: { list: PodList } & Omit<PodsPageProps, "onCreate">) {
  const text = useText();
  const now = useNow(CLOCK_STEP);
  const [search, setSearch] = useSearchParams();
  const [doomed, setDoomed] = useState<Pod | null>(null);
  const [restarting, setRestarting] = useState<Pod | null>(null);
  const [news, setNews] = useState("");
  const wanted = search.get("pod");
  const inspected = list.pods.find(({ id }) => id === wanted);
  const tab = search.get("tab");
  const inspect = (id: string | null) =>
    setSearch((old) => searchWith(old, { pod: id, tab: null }), { replace: id === null });
  const openTab = (name: string | null) =>
    setSearch((old) => searchWith(old, { tab: name }), { replace: true });

  const { columns } = text.pods;
  return (
    <>
      {wanted !== null && !inspected && (
        <Alert
          color="orange"
          title={text.pods.gone(wanted)}
          role="status"
          withCloseButton
          closeButtonLabel={text.app.close}
          onClose={() => inspect(null)}
        />
      )}
      <QuotaBars quota={list.quota} />
      {list.pods.length === 0 ? (
        <EmptyState title={text.pods.empty} hint={text.pods.emptyHint} />
      ) : (
        <div className={classes.list}>
          <div className={classes.head} aria-hidden>
            <span>{columns.pod}</span>
            <span>{columns.status}</span>
            <span>{columns.gpus}</span>
            <span>{columns.node}</span>
            <span>{columns.left}</span>
          </div>
          <ul className={classes.rows} aria-label={text.pods.title}>
            {byAge(list.pods).map((pod) => (
              <PodRow
                key={pod.id}
                pod={pod}
                now={now}
                onInspect={() => inspect(pod.id)}
                onRestart={() => setRestarting(pod)}
                onDelete={() => setDoomed(pod)}
                onNews={setNews}
              />
            ))}
          </ul>
        </div>
      )}
      <VolumesPanel pods={list.pods} />
      <HistoryPanel />
      {doomed && (
        <DeleteDialog
          pod={doomed}
          onClose={() => setDoomed(null)}
          onDeleted={() => {
            setNews(text.pods.deleted(doomed.name));
            setDoomed(null);
          }}
        />
      )}
      {restarting && (
        <RestartDialog
          pod={restarting}
          onClose={() => setRestarting(null)}
          onRestarted={() => {
            setNews(text.pods.restarting(restarting.name));
            setRestarting(null);
          }}
        />
      )}
      <News text={news} onDone={() => setNews("")} />
      {inspected && (
        <PodDrawer
          key={inspected.id}
          pod={inspected}
          tab={tab}
          onTab={openTab}
          onClose={() => inspect(null)}
          {...links}
        />
      )}
    </>
  );
}
