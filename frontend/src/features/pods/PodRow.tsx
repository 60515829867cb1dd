/** One pod in the list. */
import { ActionIcon, Anchor, Button, Menu, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconFileText, IconRefresh, IconTrash } from "@tabler/icons-react";
import { Fragment } from "react";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment, timeLeft, urgency } from "../../lib/time";
import { errorText } from "../../ui/Problem";
import classes from "./pods.module.css";
import { extendSteps, nextStep, shortImage, statusParts, statusTone } from "./podText";
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
          <span>
            {statusParts(pod.status).map((part, place) => (
              <Fragment key={place}>
                {part}
                <wbr />
              </Fragment>
            ))}
          </span>
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
        <ExtendButtons pod={pod} now={now} disabled={terminating} onNews={onNews} />
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
          {pod.message}{" "}
          <Anchor component="button" size="xs" onClick={onInspect}>
            {text.status.reasons}
          </Anchor>
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

type ExtendButtonsProps = Pick<PodRowProps, "pod" | "now" | "onNews"> & { disabled: boolean };

/** What most people want at one click, and other lengths beside it. */
function ExtendButtons({ pod, now, disabled, onNews }: ExtendButtonsProps) {
  const { text, locale } = useLanguage();
  const { config } = useSession();
  const extend = useExtendPod();
  // Not disabled meanwhile: a button that is loses the focus.
  const by = (hours: number) =>
    !extend.isPending &&
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
  const steps = extendSteps(config.lifecycle.maxProtectHours);
  const next = nextStep(steps, pod.protectedUntil, now);
  const label = text.pods.extendAtOnce(text.pods.extendBy(next));
  return (
    <Button.Group>
      <Tooltip label={`${text.pods.extendLead}: ${text.pods.extendBy(next)}`}>
        <Button
          variant="default"
          size="xs"
          px="xs"
          aria-busy={extend.isPending || undefined}
          disabled={disabled}
          aria-label={`${label}: ${pod.name}`}
          onClick={() => by(next)}
        >
          {label}
        </Button>
      </Tooltip>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon
            variant="default"
            size="input-xs"
            disabled={disabled}
            aria-label={text.pods.extendNamed(pod.name)}
          >
            <IconChevronDown size={14} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{text.pods.extendLead}</Menu.Label>
          {steps.map((hours) => (
            <Menu.Item key={hours} onClick={() => by(hours)}>
              {text.pods.extendBy(hours)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}
