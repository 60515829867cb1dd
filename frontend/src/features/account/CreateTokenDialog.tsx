/** Making an API token. It is shown once, here, and is nowhere else afterwards. */
import { Alert, Button, Checkbox, Group, NumberInput, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { fieldMessages } from "../../api/errors";
import { useText } from "../../i18n/language";
import { Command } from "../../ui/Command";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import { useCreateToken } from "./useAccount";

const SCOPES = ["cluster:read", "pods:read", "pods:write"] as const;
const FIELDS = ["name", "scopes", "expiresInDays"];
const LONGEST = 365;

export function CreateTokenDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const words = text.account.tokens;
  const create = useCreateToken();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>(["cluster:read", "pods:read"]);
  const [days, setDays] = useState<number | string>(30);
  const errors = fieldMessages(create.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({
      name,
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      expiresInDays: Number(days),
    });
  };
  return (
    <Dialog
      onClose={onClose}
      title={words.create}
      // What is shown this once is not to be lost by a slip.
      closeOnClickOutside={!create.data}
      closeOnEscape={!create.data}
    >
      {create.data ? (
        <Stack gap="md">
          <Alert color="orange" title={words.shownOnce} />
          <Command text={create.data.token} label={words.token} look="once" />
          <Command
            text={`curl -H "Authorization: Bearer $TOKEN" ${window.location.origin}/api/pods`}
            label={words.example}
          />
          <Group justify="flex-end">
            <Button onClick={onClose}>{words.taken}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            <TextInput
              label={words.name}
              description={words.nameHint}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={errors.name}
              autoComplete="off"
              data-autofocus
            />
            <Checkbox.Group label={words.scopes} value={scopes} onChange={setScopes} error={errors.scopes}>
              <Stack gap={6} mt={6}>
                {SCOPES.map((scope) => (
                  <Checkbox
                    key={scope}
                    value={scope}
                    label={scope}
                    description={words.scopeMeanings[scope]}
                  />
                ))}
              </Stack>
            </Checkbox.Group>
            <NumberInput
              label={words.days}
              value={days}
              onChange={setDays}
              min={1}
              max={LONGEST}
              allowDecimal={false}
              error={errors.expiresInDays}
            />
            {create.isError && (
              <Problem title={words.createFailed} error={errors[""] ? new Error(errors[""]) : create.error} />
            )}
            <DialogFooter action={words.create} pending={create.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Dialog>
  );
}
