/** The last question before something ends. */
import { Modal, Stack, Text } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import { useText } from "../../i18n/language";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";

interface ConfirmDialogProps {
  title: string;
  hint: string;
  action: string;
  failed: string;
  id: string;
  revoke: UseMutationResult<unknown, Error, string>;
  onClose: () => void;
  onDone: () => void;
}

export function ConfirmDialog({
  title,
  hint,
  action,
  failed,
  id,
  revoke,
  onClose,
  onDone,
}: ConfirmDialogProps) {
  const text = useText();
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": text.app.close }}>
      <Stack gap="md">
        <Text size="sm">{hint}</Text>
        {revoke.isError && <Problem title={failed} error={revoke.error} />}
        <DialogFooter
          action={action}
          pending={revoke.isPending}
          onCancel={onClose}
          onConfirm={() => revoke.mutate(id, { onSuccess: onDone })}
          destructive
        />
      </Stack>
    </Modal>
  );
}
