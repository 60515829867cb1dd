/** One pod in the list. */
import { ActionIcon, Button, Menu, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconFileText, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment, timeLeft, urgency } from "../../lib/time";
import { errorText } from "../../ui/Problem";
import classes from "./pods.module.css";
import { extendSteps, shortImage, statusTone } from "./podText";
import { useExtendPod } from "./usePods";

interface PodRowProps {
  pod: Pod;
  now: number;
  onInspect: () => void;
  onRestart: () => void;
  onDelete: () => void;
  /** Says what came of an action, in the page's status line. */
  onNews: (news: string) => void;
}

export function PodRow({ pod, now, onInspect, onRestart, onDelete, onNews }: PodRowProps) {
  const { text } = useLanguage();
  const { config } = useSession();
  const typeLabel = config.gpuTypes.find(({ name }) => name === pod.gpuType)?.label ?? pod.gpuType ?? "GPU";
  const terminating = pod.status === "Terminating";
  return (
    <li className={classes.row} data-testid={`pod-${pod.name}`}>
      <div className={classes.identity}>
        <UnstyledButton onClick={onInspect} className={classes.name}>
          {pod.name}
        </UnstyledButton>
        <Text size="xs" c="dimmed" truncate title={pod.image}>
          {shortImage(pod.image)}
          {!pod.managed && ` · ${text.pods.unmanaged}`}
        </Text>
      </div>
      <div>
        <span className={classes.status} data-tone={statusTone(pod.status)}>
          {pod.status}
        </span>
        {pod.restarts > 0 && (
          <Text size="xs" c="dimmed">
            {text.pods.restarts(pod.restarts)}
          </Text>
        )}
      </div>
      <Text size="sm">
        {pod.gpuCount > 0 ? text.pods.gpuCount(pod.gpuCount, typeLabel) : text.pods.noGpu}
      </Text>
      <Text size="sm" {...(pod.nodeName === null && { c: "dimmed" })} truncate>
        {pod.nodeName ?? text.pods.noNode}
      </Text>
      <TimeLeftText deletesAt={pod.deletesAt} now={now} />
      <div className={classes.actions}>
        <ExtendMenu pod={pod} disabled={terminating} onNews={onNews} />
        <Tooltip label={text.pods.inspect}>
          <ActionIcon
            variant="default"
            size="input-xs"
            aria-label={text.pods.inspectNamed(pod.name)}
            onClick={onInspect}
          >
            <IconFileText size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={text.pods.restart}>
          <ActionIcon
            variant="default"
            size="input-xs"
            disabled={terminating || !pod.managed || pod.status === "Restarting"}
            aria-label={text.pods.restartNamed(pod.name)}
            onClick={onRestart}
          >
            <IconRefresh size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={text.pods.delete}>
          <ActionIcon
            variant="default"
            size="input-xs"
            disabled={terminating}
            aria-label={text.pods.deleteNamed(pod.name)}
            onClick={onDelete}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      {pod.message && (
        <Text size="xs" className={classes.message} data-tone={statusTone(pod.status)}>
          {pod.message}
        </Text>
      )}
    </li>
  );
}

function TimeLeftText({ deletesAt, now }: { deletesAt: string | null; now: number }) {
  const { text, locale } = useLanguage();
  if (deletesAt === null) {
    return (
      <Text size="sm" c="dimmed" title={text.pods.neverDeletedHint}>
        {text.pods.neverDeleted}
      </Text>
    );
  }
  const left = timeLeft(deletesAt, now);
  return (
    <div className={classes.left} data-urgency={urgency(left)}>
      <Text size="sm" className={classes.figures}>
        {text.pods.left(left)}
      </Text>
      <Text size="xs" c="dimmed" title={text.pods.deletedAt(formatMoment(deletesAt, locale))}>
        {formatMoment(deletesAt, locale)}
      </Text>
    </div>
  );
}

function ExtendMenu({ pod, disabled, onNews }: Pick<PodRowProps, "pod" | "onNews"> & { disabled: boolean }) {
  const { text, locale } = useLanguage();
  const { config } = useSession();
  const extend = useExtendPod();
  const by = (hours: number) =>
    extend.mutate(
      { id: pod.id, hours },
      {
        onSuccess: ({ name, deletesAt }) =>
          onNews(
            deletesAt === null
              ? text.pods.extendedForGood(name)
              : text.pods.extended(name, formatMoment(deletesAt, locale)),
          ),
        onError: (error) => onNews(`${text.pods.extendFailed(pod.name)}: ${errorText(error, text)}`),
      },
    );
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button
          variant="default"
          size="xs"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          loading={extend.isPending}
          disabled={disabled}
          aria-label={text.pods.extendNamed(pod.name)}
        >
          {text.pods.extend}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{text.pods.extendLead}</Menu.Label>
        {extendSteps(config.lifecycle.maxProtectHours).map((hours) => (
          <Menu.Item key={hours} onClick={() => by(hours)}>
            {text.pods.extendBy(hours)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
