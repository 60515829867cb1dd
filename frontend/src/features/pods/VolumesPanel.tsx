/** What of a person's files stays when pods go: volumes, who uses them, and more room where the cluster can give it. */
import { Alert, Button, Code, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useId, useState } from "react";
import { fieldMessages } from "../../api/errors";
import type { HeldVolume, Pod } from "../../api/types";
import { useText } from "../../i18n/language";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import classes from "./pods.module.css";
import { useResizeVolume, useVolumes } from "./usePods";

export function VolumesPanel({ pods }: { pods: readonly Pod[] }) {
  const text = useText();
  const words = text.volumes;
  const id = useId();
  const { data, error, refetch } = useVolumes();
  const [growing, setGrowing] = useState<HeldVolume | null>(null);
  const kept = data?.volumes.filter(({ status }) => status !== "PerPod") ?? [];
  if (error) {
    return <Problem title={words.failed} error={error} onRetry={refetch} />;
  }
  if (kept.length === 0) {
    return null;
  }
  const nameOf = (pod: string) => pods.find((one) => one.id === pod)?.name ?? pod;
  return (
    <section className={classes.volumes} aria-labelledby={id}>
      <Title order={2} size="h5" id={id}>
        {words.title}
      </Title>
      <Text size="xs" c="dimmed">
        {words.hint}
      </Text>
      <ul className={classes.rows}>
        {kept.map((volume) => (
          <li key={volume.name} className={classes.volume} data-testid={`volume-${volume.name}`}>
            <div>
              <Text size="sm" fw={600}>
                {volume.name} <Code>{volume.mountPath}</Code>
              </Text>
              <Text size="xs" c="dimmed">
                {volume.usedBy.length > 0 ? words.usedBy(volume.usedBy.map(nameOf).join(", ")) : words.unused}
                {volume.reclaimPolicy === "Delete" && ` · ${words.goes}`}
                {volume.readOnly && ` · ${words.readOnly}`}
              </Text>
            </div>
            <Text size="sm">
              {volume.capacity ?? volume.requested ?? volume.size ?? "–"}
              {volume.capacity && volume.requested && volume.capacity !== volume.requested && (
                <Text span size="xs" c="dimmed">
                  {` ${words.growing(volume.requested)}`}
                </Text>
              )}
            </Text>
            <Text size="sm" {...(volume.status === "Bound" ? {} : { c: "dimmed" })}>
              {words.states[volume.status]}
            </Text>
            {volume.growable ? (
              <Button
                variant="default"
                size="compact-xs"
                onClick={() => setGrowing(volume)}
                aria-label={words.growNamed(volume.name)}
              >
                {words.grow}
              </Button>
            ) : (
              <span />
            )}
            {volume.message && (
              <Text size="xs" className={classes.message} data-tone="bad">
                {volume.message}
              </Text>
            )}
          </li>
        ))}
      </ul>
      {growing && <GrowDialog volume={growing} onClose={() => setGrowing(null)} />}
    </section>
  );
}

function GrowDialog({ volume, onClose }: { volume: HeldVolume; onClose: () => void }) {
  const text = useText();
  const words = text.volumes;
  const resize = useResizeVolume();
  const [size, setSize] = useState(volume.requested ?? volume.size ?? "");
  const errors = fieldMessages(resize.error, ["size"]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    resize.mutate({ name: volume.name, size: size.trim() }, { onSuccess: onClose });
  };
  return (
    <Dialog onClose={onClose} title={words.growTitle(volume.name)}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Alert color="orange" title={words.growHint} />
          <TextInput
            label={words.size}
            description={volume.maxSize ? text.create.upTo(volume.maxSize) : undefined}
            value={size}
            onChange={(event) => setSize(event.currentTarget.value)}
            error={errors.size}
            data-autofocus
          />
          {resize.isError && (
            <Problem title={words.growFailed} error={errors[""] ? new Error(errors[""]) : resize.error} />
          )}
          <DialogFooter action={words.grow} pending={resize.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}
