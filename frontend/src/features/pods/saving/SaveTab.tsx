/** Keeping a pod's container as an image: how the last time went, and doing it. */
import { Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconDeviceFloppy, IconPlus } from "@tabler/icons-react";
import { useRef } from "react";
import type { CommitStatus, Pod } from "../../../api/types";
import { useLanguage } from "../../../i18n/language";
import { formatMoment } from "../../../lib/time";
import { Command } from "../../../ui/Command";
import { Problem } from "../../../ui/Problem";
import podClasses from "../pods.module.css";
import type { Tone } from "../podText";
import { JobLines } from "./JobLines";
import { SaveDialog } from "./SaveDialog";
import classes from "./saving.module.css";
import { isGoingOn, useSaving } from "./useSaving";

const TONES: Record<CommitStatus["status"], Tone> = {
  none: "ended",
  pending: "moving",
  running: "moving",
  succeeded: "good",
  failed: "bad",
};

interface SaveTabProps {
  pod: Pod;
  /** Whether the dialog is open. */
  asking: boolean;
  onAsk: (asking: boolean) => void;
  /** Asks for a pod that begins with this image. */
  onNewPod: (image: string) => void;
}

export function SaveTab({ pod, asking, onAsk, onNewPod }: SaveTabProps) {
  const { text } = useLanguage();
  const words = text.saving;
  const { data, error, refetch } = useSaving(pod.id);
  const opener = useRef<HTMLButtonElement>(null);
  const runs = pod.status === "Running";
  const busy = data !== undefined && isGoingOn(data);
  return (
    <Stack gap="lg">
      <Text size="sm">{words.hint}</Text>
      <div>
        {/* Not disabled while busy: it holds the focus when its dialog has just closed. */}
        <Button
          ref={opener}
          leftSection={<IconDeviceFloppy size={16} aria-hidden />}
          disabled={!runs}
          {...(busy && { "data-disabled": true, "aria-disabled": true })}
          onClick={() => busy || onAsk(true)}
        >
          {words.save}
        </Button>
        {!runs && (
          <Text size="sm" c="dimmed" mt={6}>
            {words.notRunning}
          </Text>
        )}
      </div>
      {error && <Problem title={words.failed} error={error} onRetry={refetch} />}
      {!data && !error && <Skeleton height={96} aria-busy aria-label={text.app.loading} />}
      {data && <LastTime saving={data} onNewPod={onNewPod} />}
      {asking && (
        <SaveDialog
          pod={pod}
          onClose={() => {
            onAsk(false);
            opener.current?.focus();
          }}
        />
      )}
    </Stack>
  );
}

function LastTime({ saving, onNewPod }: { saving: CommitStatus } & Pick<SaveTabProps, "onNewPod">) {
  const { text, locale } = useLanguage();
  const words = text.saving;
  const { status, image, message, startedAt, finishedAt, logs } = saving;
  const facts: [string, string | null | undefined][] = [
    [words.image, status === "succeeded" ? null : image],
    [words.started, startedAt && formatMoment(startedAt, locale)],
    [words.ended, finishedAt && formatMoment(finishedAt, locale)],
  ];
  const known = facts.filter(([, value]) => value);
  return (
    <Stack component="section" gap="sm" aria-label={words.last}>
      <Title order={3} size="h5">
        {words.last}
      </Title>
      <div aria-live="polite">
        <span
          className={podClasses.status}
          data-tone={TONES[status]}
          data-testid="saving"
          data-state={status}
        >
          {words.states[status]}
        </span>
        {message && (
          <p className={classes.message} data-tone={TONES[status]}>
            {message}
          </p>
        )}
      </div>
      {status === "succeeded" && image && (
        <>
          <Command text={image} label={words.image} look="once" />
          <div>
            <Button
              variant="default"
              leftSection={<IconPlus size={16} aria-hidden />}
              onClick={() => onNewPod(image)}
            >
              {words.newPod}
            </Button>
          </div>
        </>
      )}
      {known.length > 0 && (
        <dl className={podClasses.facts}>
          {known.map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {logs && <JobLines text={logs} />}
    </Stack>
  );
}
