/** The last question before a pod goes: what is lost, what stays. */
import { Stack } from "@mantine/core";
import type { Pod } from "../../api/types";
import { useText } from "../../i18n/language";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import { Consequences } from "./Consequences";
import { useDeletePod } from "./usePods";

interface DeleteDialogProps {
  pod: Pod;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ pod, onClose, onDeleted }: DeleteDialogProps) {
  const text = useText();
  const remove = useDeletePod();
  return (
    <Dialog onClose={onClose} title={text.pods.deleteTitle(pod.name)}>
      <Stack gap="md">
        <Consequences id={pod.id} of="delete" />
        {remove.isError && <Problem title={text.pods.deleteFailed} error={remove.error} />}
        <DialogFooter
          action={text.pods.delete}
          pending={remove.isPending}
          onCancel={onClose}
          onConfirm={() => remove.mutate(pod.id, { onSuccess: onDeleted })}
          destructive
        />
      </Stack>
    </Dialog>
  );
}
