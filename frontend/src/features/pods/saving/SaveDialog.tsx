/** What the image is to be called, and what will be in it and what not. */
import { Alert, Group, List, Stack, Text, TextInput } from "@mantine/core";
import { IconPlayerPause } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { fieldMessages } from "../../../api/errors";
import type { Pod } from "../../../api/types";
import { useText } from "../../../i18n/language";
import { Dialog } from "../../../ui/Dialog";
import { DialogFooter } from "../../../ui/DialogFooter";
import { Problem } from "../../../ui/Problem";
import { holdsFiles } from "../podText";
import { useDescription } from "../usePods";
import { reference } from "./reference";
import { useSave } from "./useSaving";

const FIELDS = ["image"];
/** What a registry takes as a whole, and as a tag. */
const LONGEST = 255;
const LONGEST_TAG = 128;

interface SaveDialogProps {
  pod: Pod;
  onClose: () => void;
}

export function SaveDialog({ pod, onClose }: SaveDialogProps) {
  const text = useText();
  const words = text.saving;
  const save = useSave(pod.id);
  const [name, setName] = useState(pod.name);
  const [tag, setTag] = useState("");
  const errors = fieldMessages(save.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(reference(name, tag), { onSuccess: onClose });
  };
  return (
    <Dialog onClose={onClose} title={words.title(pod.name)} size="lg">
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Group align="flex-start" gap="md">
            <TextInput
              flex="3 1 240px"
              label={words.name}
              description={words.nameHint}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={errors.image}
              maxLength={LONGEST}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus
            />
            <TextInput
              flex="1 1 140px"
              label={words.tag}
              description={words.tagHint}
              placeholder="latest"
              value={tag}
              onChange={(event) => setTag(event.currentTarget.value)}
              maxLength={LONGEST_TAG}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          </Group>
          <Items title={words.saved} items={words.savedItems} />
          <NotSaved id={pod.id} />
          <Alert color="orange" icon={<IconPlayerPause aria-hidden />}>
            {words.pauses}
          </Alert>
          {save.isError && errors.image === undefined && (
            <Problem title={words.startFailed} error={errors[""] ? new Error(errors[""]) : save.error} />
          )}
          <DialogFooter
            action={words.save}
            pending={save.isPending}
            disabled={name.trim() === ""}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Dialog>
  );
}

/** Names the pod's own volumes where it is known what it mounts. */
function NotSaved({ id }: { id: string }) {
  const words = useText().saving;
  const { data } = useDescription(id);
  const paths = data?.volumes.filter(holdsFiles).flatMap(({ mounts }) => mounts.map(({ path }) => path));
  const mounted =
    paths === undefined ? [words.anyVolumes] : paths.length > 0 ? [words.volumes(list(paths))] : [];
  return <Items title={words.notSaved} items={[...mounted, ...words.notSavedItems]} />;
}

function Items({ title, items }: { title: string; items: readonly string[] }) {
  return (
    <div>
      <Text fw={600} size="sm">
        {title}
      </Text>
      <List size="sm">
        {items.map((item) => (
          <List.Item key={item}>{item}</List.Item>
        ))}
      </List>
    </div>
  );
}

function list(paths: readonly string[]): string {
  return [...new Set(paths)].join(", ");
}
