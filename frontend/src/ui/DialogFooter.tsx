/** How every dialog ends: a way back, and the thing itself. */
import { Button, Group } from "@mantine/core";
import { useText } from "../i18n/language";

interface DialogFooterProps {
  action: string;
  pending: boolean;
  onCancel: () => void;
  /** Absent where the dialog is a form, which is sent. Where it is a question, the way back is the nearer one. */
  onConfirm?: () => void;
  disabled?: boolean;
  /** Something is lost by it. */
  destructive?: boolean;
}

export function DialogFooter(props: DialogFooterProps) {
  const { action, pending, onCancel, onConfirm, disabled = false, destructive = false } = props;
  const text = useText();
  return (
    <Group justify="flex-end" gap="xs" wrap="nowrap" ml="auto">
      <Button variant="default" onClick={onCancel} {...(onConfirm && { "data-autofocus": true })}>
        {text.app.cancel}
      </Button>
      <Button
        loading={pending}
        disabled={disabled}
        {...(onConfirm ? { onClick: onConfirm } : { type: "submit" })}
        {...(destructive && { color: "red.9" })}
      >
        {action}
      </Button>
    </Group>
  );
}
