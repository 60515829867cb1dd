/** Which GPU and how many, with what is free right now beside every type. */
import { Button, Group, MultiSelect, NumberInput, Radio, Stack, Text } from "@mantine/core";
import { useSession } from "../../api/session";
import type { Availability, GpuType, Quota } from "../../api/types";
import type { Messages } from "../../i18n/en";
import { useText } from "../../i18n/language";
import { type FormValues, mostGpus, shortage } from "./createForm";
import classes from "./pods.module.css";
import { useAvailability } from "./useAvailability";

interface GpuFieldsProps {
  values: FormValues;
  onChange: (part: Partial<FormValues>) => void;
  errors: Record<string, string>;
  quota: Quota | undefined;
}

export function GpuFields({ values, onChange, errors, quota }: GpuFieldsProps) {
  const text = useText();
  const { config } = useSession();
  const available = useAvailability();
  const chosen = config.gpuTypes.find(({ name }) => name === values.gpuType);
  const choose = (name: string) =>
    onChange({
      gpuType: name,
      gpuCount: name === "" ? 0 : Math.max(1, values.gpuCount),
      gpuDevices: [],
      nodeName: null,
    });
  return (
    <Stack gap="sm">
      <Radio.Group
        label={text.create.gpuType}
        value={values.gpuType}
        onChange={choose}
        error={errors.gpuType}
      >
        <div className={classes.choices}>
          {config.gpuTypes.map((type) => (
            <Choice
              key={type.name}
              value={type.name}
              title={type.label}
              hint={freeText(available.get(type.name), text.create)}
            />
          ))}
          <Choice value="" title={text.create.noGpu} hint={text.create.noGpuHint} />
        </div>
      </Radio.Group>
      {chosen && (
        <CountField
          type={chosen}
          values={values}
          onChange={onChange}
          errors={errors}
          available={available.get(chosen.name)}
          quota={quota}
        />
      )}
      {values.nodeName !== null && (
        <Group gap="xs">
          <Text size="sm">{text.create.onNode(values.nodeName)}</Text>
          <Button variant="subtle" size="compact-xs" onClick={() => onChange({ nodeName: null })}>
            {text.create.anyNode}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

interface CountFieldProps extends GpuFieldsProps {
  type: GpuType;
  available: Availability | undefined;
}

function CountField({ type, values, onChange, errors, available, quota }: CountFieldProps) {
  const text = useText();
  const most = mostGpus(type, quota);
  const boundByQuota = quota !== undefined && most < type.maxPerPod;
  const bound = boundByQuota
    ? text.create.countBoundByQuota(most, quota.gpuLimit)
    : text.create.countBound(most);
  return (
    <>
      <NumberInput
        label={text.create.gpuCount}
        description={most === 0 ? text.create.quotaSpent : bound}
        value={values.gpuCount}
        onChange={(count) => onChange({ gpuCount: Number(count) || 1 })}
        min={1}
        max={Math.max(1, most)}
        clampBehavior="strict"
        allowDecimal={false}
        error={errors.gpuCount}
        maw={260}
      />
      {available && <SupplyNote available={available} values={values} onChange={onChange} />}
      {type.mode === "shared" && (
        <MultiSelect
          label={text.create.cards}
          description={text.create.cardsHint}
          data={Array.from({ length: type.gpusPerNode ?? type.maxPerPod }, (_, index) => ({
            value: String(index),
            label: text.create.card(index),
          }))}
          value={values.gpuDevices.map(String)}
          onChange={(cards) => onChange({ gpuDevices: cards.map(Number) })}
          error={errors.gpuDevices}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  value: string;
  title: string;
  hint: string;
}

function Choice({ value, title, hint }: ChoiceProps) {
  return (
    <Radio.Card value={value} className={classes.choice}>
      <Radio.Indicator size="xs" mt={3} />
      <div className={classes.choiceText}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      </div>
    </Radio.Card>
  );
}

type SupplyNoteProps = Pick<GpuFieldsProps, "values" | "onChange"> & { available: Availability };

/** Warns of a wait, and offers the node with the most; asking for more than there is stays allowed. */
function SupplyNote({ available, values, onChange }: SupplyNoteProps) {
  const text = useText();
  const { free, largest, node } = available;
  const lack = shortage(values.gpuCount, available);
  if (lack !== null) {
    return (
      <Text size="sm" c="var(--genet-warning)" role="status">
        {lack === "all" ? text.create.countAboveFree(free) : text.create.countAboveLargest(largest)}
      </Text>
    );
  }
  return (
    values.nodeName === null &&
    node !== null && (
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {text.create.fitsOn(node)}
        </Text>
        <Button variant="subtle" size="compact-xs" onClick={() => onChange({ nodeName: node })}>
          {text.create.chooseNode(node)}
        </Button>
      </Group>
    )
  );
}

function freeText(available: Availability | undefined, text: Messages["create"]): string {
  if (!available) {
    return text.freeUnknown;
  }
  const { free, largest } = available;
  return free > largest ? text.freeNowLargest(free, largest) : text.freeNow(free);
}
