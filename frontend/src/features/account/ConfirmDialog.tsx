/** The last question before something ends. */
import { Stack, Text } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import { Dialog } from "../../ui/Dialog";
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
  return (
    <Dialog onClose={onClose} title={title}>
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
    </Dialog>
  );
}
