/** The last question before a pod begins anew: what is lost, what stays. */
import { Checkbox, Stack } from "@mantine/core";
import { useState } from "react";
import type { Pod } from "../../api/types";
import { useText } from "../../i18n/language";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import { Consequences } from "./Consequences";
import { useRestartPod } from "./usePods";

interface RestartDialogProps {
  pod: Pod;
  onClose: () => void;
  onRestarted: () => void;
}

export function RestartDialog({ pod, onClose, onRestarted }: RestartDialogProps) {
  const text = useText();
  const restart = useRestartPod();
  const [avoidNode, setAvoidNode] = useState(false);
  return (
    <Dialog onClose={onClose} title={text.pods.restartTitle(pod.name)}>
      <Stack gap="md">
        <Consequences id={pod.id} of="restart" />
        {pod.nodeName !== null && (
          <Checkbox
            label={text.pods.avoidNode(pod.nodeName)}
            checked={avoidNode}
            onChange={(event) => setAvoidNode(event.currentTarget.checked)}
          />
        )}
        {restart.isError && <Problem title={text.pods.restartFailed} error={restart.error} />}
        <DialogFooter
          action={text.pods.restart}
          pending={restart.isPending}
          onCancel={onClose}
          onConfirm={() => restart.mutate({ id: pod.id, avoidNode }, { onSuccess: onRestarted })}
        />
      </Stack>
    </Dialog>
  );
}
