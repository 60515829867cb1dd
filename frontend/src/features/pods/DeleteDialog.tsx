/** The last question before a pod goes: what is lost, what stays. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import type { Pod } from "../../api/types";
import { useText } from "../../i18n/language";
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
    <Modal
      opened
      onClose={onClose}
      title={text.pods.deleteTitle(pod.name)}
      closeButtonProps={{ "aria-label": text.app.close }}
    >
      <Stack gap="md">
        <Consequences id={pod.id} of="delete" />
        {remove.isError && <Problem title={text.pods.deleteFailed} error={remove.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {text.app.cancel}
          </Button>
          <Button
            color="red.9"
            loading={remove.isPending}
            onClick={() => remove.mutate(pod.id, { onSuccess: onDeleted })}
          >
            {text.pods.delete}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
