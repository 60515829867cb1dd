/** The pod's own cards and what they do now, as its node tells. */
import { Button, Skeleton, Stack, Text } from "@mantine/core";
import { useNode } from "../../api/nodes";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { memoryText, percentText } from "../../lib/readings";
import { formatMoment } from "../../lib/time";
import { Meter } from "../../ui/Meter";
import { Problem } from "../../ui/Problem";
import { Sparkline } from "../../ui/Sparkline";
import { cardsOf, type HeldCard } from "./podCards";
import classes from "./pods.module.css";

interface PodGpusProps {
  pod: Pod;
  onShowNode: (name: string) => void;
}

export function PodGpus({ pod, onShowNode }: PodGpusProps) {
  const { text } = useLanguage();
  const { data, error, refetch } = useNode(pod.nodeName, NOW);
  if (pod.nodeName === null) {
    return <Text c="dimmed">{text.drawer.gpusWait}</Text>;
  }
  if (error) {
    return <Problem title={text.drawer.gpusFailed} error={error} onRetry={refetch} />;
  }
  if (!data) {
    return <Skeleton height={160} aria-busy aria-label={text.app.loading} />;
  }
  const cards = cardsOf(data, pod);
  const { nodeName } = data;
  return (
    <Stack gap="md" align="flex-start">
      {cards.length === 0 ? (
        <Text c="dimmed">{text.drawer.gpusNotNamed}</Text>
      ) : (
        <ul className={classes.cards}>
          {cards.map((card) => (
            <Card key={`${card.index} ${card.slice}`} card={card} />
          ))}
        </ul>
      )}
      <Button variant="default" size="xs" onClick={() => onShowNode(nodeName)}>
        {text.drawer.showNode(nodeName)}
      </Button>
    </Stack>
  );
}

/** No stream is open where pods are shown. */
const NOW = { every: 5_000 };

function Card({ card }: { card: HeldCard }) {
  const { text, locale } = useLanguage();
  const { index, slice, utilization, memoryUsed, memoryTotal, idleSince, history } = card;
  const now = percentText(utilization);
  return (
    <li className={classes.card} data-testid={`held-${index}`}>
      <Text size="sm" fw={600}>
        {text.node.gpu(index)}
        {slice !== null && ` · ${slice}`}
      </Text>
      <div className={classes.cardReadings}>
        <Meter name={text.gpus.columns.utilization} value={now} percent={utilization} />
        <Meter
          name={text.gpus.columns.memory}
          value={memoryText(memoryUsed, memoryTotal, locale)}
          percent={memoryUsed === null || !memoryTotal ? null : (memoryUsed / memoryTotal) * 100}
        />
        <Sparkline values={history} label={text.node.history} />
      </div>
      {idleSince && (
        <Text size="xs" c="var(--genet-warning)">
          {text.node.idleSince(formatMoment(idleSince, locale))}
        </Text>
      )}
    </li>
  );
}
