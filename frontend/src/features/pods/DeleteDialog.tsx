/** The last question before a pod goes: what is lost, what stays. */
import { Button, Code, Group, List, Modal, Stack, Text } from "@mantine/core";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import { useText } from "../../i18n/language";
import { Problem } from "../../ui/Problem";
import { useDeletePod } from "./usePods";

interface DeleteDialogProps {
  pod: Pod;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ pod, onClose, onDeleted }: DeleteDialogProps) {
  const text = useText();
  const { config } = useSession();
  const remove = useDeletePod();
  const kept = config.volumes.filter(({ type }) => type !== "emptyDir");
  return (
    <Modal
      opened
      onClose={onClose}
      title={text.pods.deleteTitle(pod.name)}
      closeButtonProps={{ "aria-label": text.app.close }}
    >
      <Stack gap="md">
        <div>
          <Text fw={600} size="sm">
            {text.pods.deleteLost}
          </Text>
          <List size="sm">
            {text.pods.deleteLostItems.map((item) => (
              <List.Item key={item}>{item}</List.Item>
            ))}
          </List>
        </div>
        <div>
          <Text fw={600} size="sm">
            {text.pods.deleteKept}
          </Text>
          {pod.managed && kept.length > 0 ? (
            <List size="sm">
              {kept.map(({ name, mountPath }) => (
                <List.Item key={name}>
                  {name} <Code>{mountPath}</Code>
                </List.Item>
              ))}
            </List>
          ) : (
            <Text size="sm">{pod.managed ? text.pods.deleteNothingKept : text.pods.deleteUnmanaged}</Text>
          )}
        </div>
        {pod.gpuCount > 0 && <Text size="sm">{text.pods.deleteGpus(pod.gpuCount)}</Text>}
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
