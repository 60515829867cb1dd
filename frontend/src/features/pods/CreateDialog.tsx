/** Asking for a pod. The server checks everything; its messages stand at the fields they are about. */
import { Collapse, Group, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconChevronRight } from "@tabler/icons-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { fieldMessages } from "../../api/errors";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import type { Messages } from "../../i18n/en";
import { useText } from "../../i18n/language";
import { Dialog } from "../../ui/Dialog";
import { DialogFooter } from "../../ui/DialogFooter";
import { Problem } from "../../ui/Problem";
import { AdvancedFields } from "./AdvancedFields";
import { badEnvLine, FIELDS, type FormValues, initialValues, type Prefill, toRequest } from "./createForm";
import { GpuFields } from "./GpuFields";
import { ImageField } from "./ImageField";
import classes from "./pods.module.css";
import { useCreatePod, usePods } from "./usePods";

interface CreateDialogProps {
  prefill: Prefill;
  /** Names of the nodes that have a GPU type. */
  nodesOf: (type: string) => string[];
  onClose: () => void;
  onCreated: (pod: Pod) => void;
}

export function CreateDialog({ prefill, nodesOf, onClose, onCreated }: CreateDialogProps) {
  const text = useText();
  const { config } = useSession();
  const quota = usePods().data?.quota;
  const create = useCreatePod();
  const onPhone = useMediaQuery("(max-width: 36em)") ?? false;
  const [values, setValues] = useState(() => initialValues(config, prefill));
  const [advanced, setAdvanced] = useState(false);
  const [ownErrors, setOwnErrors] = useState<Record<string, string>>({});
  const change = (part: Partial<FormValues>) => setValues((old) => ({ ...old, ...part }));

  const errors = { ...fieldMessages(create.error, FIELDS), ...ownErrors };
  const advancedHasErrors = ["nodeName", "command", "env", "workingDir", "shmSize"].some(
    (field) => field in errors,
  );
  const form = useRef<HTMLFormElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new answer leads to its first bad field
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [create.error, ownErrors]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = unsendable(values, text.create);
    setOwnErrors(found);
    if (Object.keys(found).length === 0) {
      create.mutate(toRequest(values, config), { onSuccess: onCreated });
    }
  };

  const { limits, lifecycle } = config;
  return (
    <Dialog onClose={onClose} title={text.create.title} size="lg" fullScreen={onPhone}>
      <form ref={form} onSubmit={submit} noValidate data-testid="create-form">
        <Stack gap="lg">
          <GpuFields values={values} onChange={change} errors={errors} quota={quota} />
          <ImageField values={values} onChange={change} error={errors.image} />
          <TextInput
            label={text.create.name}
            description={text.create.nameHint}
            value={values.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
            error={errors.name}
            maxLength={28}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
          <Group grow align="flex-start">
            <TextInput
              label={text.create.cpu}
              description={text.create.upTo(limits.cpu.max)}
              value={values.cpu}
              onChange={(event) => change({ cpu: event.currentTarget.value })}
              error={errors.cpu}
            />
            <TextInput
              label={text.create.memory}
              description={text.create.upTo(limits.memory.max)}
              value={values.memory}
              onChange={(event) => change({ memory: event.currentTarget.value })}
              error={errors.memory}
            />
          </Group>
          <div>
            <UnstyledButton
              className={classes.fold}
              aria-expanded={advanced || advancedHasErrors}
              onClick={() => setAdvanced(!advanced)}
            >
              <IconChevronRight size={16} aria-hidden className={classes.foldMark} />
              {text.create.advanced}
            </UnstyledButton>
            <Collapse expanded={advanced || advancedHasErrors}>
              <AdvancedFields
                values={values}
                onChange={change}
                errors={errors}
                nodes={nodesOf(values.gpuType)}
              />
            </Collapse>
          </div>
          <Stack gap="sm" className={classes.footer}>
            {create.isError && (
              <Problem title={text.create.failed} error={errors[""] ? new Error(errors[""]) : create.error} />
            )}
            <Group>
              <Text size="xs" c="dimmed" flex="1 1 200px">
                {lifecycle.autoDeleteTime &&
                  text.create.keeps(`${lifecycle.autoDeleteTime} ${lifecycle.timezone}`)}
              </Text>
              <DialogFooter action={text.create.submit} pending={create.isPending} onCancel={onClose} />
            </Group>
          </Stack>
        </Stack>
      </form>
    </Dialog>
  );
}

function unsendable(values: FormValues, text: Messages["create"]): Record<string, string> {
  const errors: Record<string, string> = {};
  if (values.preset === null && values.image.trim() === "") {
    errors.image = text.imageRequired;
  }
  const line = badEnvLine(values.env);
  if (line !== null) {
    errors.env = text.envLine(line);
  }
  return errors;
}
