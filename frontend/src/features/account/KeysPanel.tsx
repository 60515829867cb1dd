/** SSH keys: what gets one into one's own pods. */
import { Button, Stack, Table, Textarea, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { fieldMessages } from "../../api/errors";
import { useLanguage, useText } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { Command } from "../../ui/Command";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import classes from "./account.module.css";
import { Revocable } from "./Revocable";
import { useAddKey, useKeys, useRemoveKey } from "./useAccount";

const FIELDS = ["name", "key"];

export function KeysPanel() {
  const { text, locale } = useLanguage();
  const words = text.account.keys;
  const { data, error, refetch } = useKeys();
  const remove = useRemoveKey();
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Revocable
        words={words}
        items={data?.keys}
        error={error}
        onRetry={refetch}
        revoke={remove}
        columns={[text.account.columns.name, words.type, words.fingerprint, text.account.columns.created]}
        cells={({ name, type, fingerprint, createdAt }) => (
          <>
            <Table.Td className={classes.name ?? ""}>{name}</Table.Td>
            <Table.Td data-label={words.type}>{type}</Table.Td>
            <Table.Td data-label={words.fingerprint} className={classes.fingerprint ?? ""}>
              {fingerprint}
            </Table.Td>
            <Table.Td data-label={text.account.columns.created}>{formatMoment(createdAt, locale)}</Table.Td>
          </>
        )}
        action={
          <Button
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => setAdding(true)}
          >
            {words.create}
          </Button>
        }
      />
      {adding && <AddKeyDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function AddKeyDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const words = text.account.keys;
  const add = useAddKey();
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const errors = fieldMessages(add.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ key: key.trim(), ...(name.trim() && { name: name.trim() }) }, { onSuccess: onClose });
  };
  return (
    <Dialog onClose={onClose} title={words.create} size="lg">
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Textarea
            label={words.key}
            description={words.keyHint}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            error={errors.key}
            rows={4}
            spellCheck={false}
            autoComplete="off"
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            data-autofocus
          />
          <div>
            {words.make}
            <Command text="ssh-keygen -t ed25519" label={words.make} />
          </div>
          <TextInput
            label={words.name}
            description={words.nameHint}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors.name}
            autoComplete="off"
          />
          {add.isError && (
            <Problem title={words.createFailed} error={errors[""] ? new Error(errors[""]) : add.error} />
          )}
          <DialogFooter
            action={words.create}
            pending={add.isPending}
            disabled={key.trim() === ""}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Dialog>
  );
}
