/** Who used the GPUs, and who holds some without using them. */
import { Group, SegmentedControl, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useSearchParams } from "react-router";
import { useSession } from "../../api/session";
import type { Usage, UsageBy } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { LogInFirst } from "../../ui/LogIn";
import { Outdated } from "../../ui/Outdated";
import { Problem } from "../../ui/Problem";
import { IdleList } from "./IdleList";
import { UsageRows } from "./UsageRows";
import classes from "./usage.module.css";
import { gapHours, KEYS, RANGES, type Range, usageFromSearch, useUsage } from "./useUsage";

interface UsagePageProps {
  /** Somebody's GPUs are to be shown. */
  onHolder: (user: string) => void;
  /** A pod of one's own is to be shown. */
  onPod: (id: string) => void;
}

export function UsagePage({ onHolder, onPod }: UsagePageProps) {
  const { text } = useLanguage();
  const { auth } = useSession();
  const [search, setSearch] = useSearchParams();
  const { by, range } = usageFromSearch(search);
  const { data, error, refetch, isPlaceholderData, dataUpdatedAt } = useUsage(by, range);
  if (!auth.authenticated) {
    return <LogInFirst title={text.usage.logInFirst} />;
  }
  const choose = (name: string, value: string) =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h3">
          {text.usage.title}
        </Title>
        <Group gap="sm">
          <SegmentedControl
            size="sm"
            aria-label={text.usage.by}
            data={KEYS.map((value) => ({ value, label: text.usage.keys[value] }))}
            value={by}
            onChange={(value) => choose("by", value)}
          />
          <SegmentedControl
            size="sm"
            aria-label={text.usage.range}
            data={(Object.keys(RANGES) as Range[]).map((value) => ({
              value,
              label: text.usage.ranges[value],
            }))}
            value={range}
            onChange={(value) => choose("range", value)}
          />
        </Group>
      </Group>
      {error &&
        (data ? (
          <Outdated at={dataUpdatedAt} error={error} onRetry={refetch} />
        ) : (
          <Problem title={text.usage.failed} error={error} onRetry={refetch} />
        ))}
      {data ? (
        <div className={classes.report} aria-busy={isPlaceholderData || undefined}>
          <Report usage={data} by={by} onHolder={onHolder} onPod={onPod} />
        </div>
      ) : (
        !error && (
          <Stack gap="md" aria-busy aria-label={text.app.loading}>
            <Skeleton height={48} />
            <Skeleton height={320} />
          </Stack>
        )
      )}
    </Stack>
  );
}

interface ReportProps extends UsagePageProps {
  usage: Usage;
  by: UsageBy;
}

function Report({ usage, by, onHolder, onPod }: ReportProps) {
  const { text } = useLanguage();
  return (
    <Stack gap="lg">
      <section className={classes.panel}>
        <Gaps usage={usage} />
        {usage.rows.length === 0 ? (
          <Text c="dimmed">{text.usage.empty}</Text>
        ) : (
          <>
            <UsageRows rows={usage.rows} by={by} onHolder={onHolder} />
            <Text size="xs" c="dimmed" mt="sm">
              {text.usage.barHint}
            </Text>
          </>
        )}
      </section>
      <section className={classes.panel}>
        <Title order={2} size="h4">
          {text.usage.idle}
        </Title>
        <Text size="sm" c="dimmed" mb="sm">
          {usage.idle.length > 0 ? text.usage.idleHint : text.usage.noneIdle}
        </Text>
        {usage.idle.length > 0 && <IdleList idle={usage.idle} onHolder={onHolder} onPod={onPod} />}
      </section>
    </Stack>
  );
}

/** When nobody knows who held what: said in words, and shown where in the time it was. */
function Gaps({ usage: { from, to, gaps, sources } }: { usage: Usage }) {
  const { text, locale } = useLanguage();
  if (gaps.length === 0) {
    return null;
  }
  const begin = Date.parse(from);
  const length = Date.parse(to) - begin;
  const share = (moment: string) => `${((Date.parse(moment) - begin) / length) * 100}%`;
  const hours = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "hour",
    maximumFractionDigits: 1,
  }).format(gapHours(gaps));
  return (
    <div className={classes.gaps} role="note">
      <Text size="sm" c="var(--genet-warning)">
        {text.usage.gaps(hours, gaps.length)} {sources.prometheus.message}
      </Text>
      <div className={classes.time} aria-hidden>
        {gaps.map((gap) => (
          <div
            key={gap.from}
            className={classes.gap}
            style={{ left: share(gap.from), right: `calc(100% - ${share(gap.to)})` }}
            title={text.usage.gap(formatMoment(gap.from, locale), formatMoment(gap.to, locale))}
          />
        ))}
      </div>
      <div className={classes.ends} aria-hidden>
        <span>{formatMoment(from, locale)}</span>
        <span>{formatMoment(to, locale)}</span>
      </div>
    </div>
  );
}
