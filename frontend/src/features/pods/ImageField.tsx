/** A preset, or any image by its name. */
import { Radio, Text, TextInput } from "@mantine/core";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import type { FormValues } from "./createForm";
import classes from "./pods.module.css";

interface ImageFieldProps {
  values: FormValues;
  onChange: (part: Partial<FormValues>) => void;
  error: string | undefined;
}

const OTHER = "other";

export function ImageField({ values, onChange, error }: ImageFieldProps) {
  const text = useText();
  const { config } = useSession();
  const choices = [
    ...config.presetImages.map(({ name, description }, index) => ({
      value: String(index),
      title: name,
      hint: description,
    })),
    { value: OTHER, title: text.create.customImage, hint: text.create.customImageHint },
  ];
  return (
    <>
      <Radio.Group
        label={text.create.image}
        value={values.preset === null ? OTHER : String(values.preset)}
        onChange={(value) => onChange({ preset: value === OTHER ? null : Number(value) })}
        error={values.preset === null ? undefined : error}
      >
        <div className={classes.choices}>
          {choices.map(({ value, title, hint }) => (
            <Radio.Card key={value} value={value} className={classes.choice}>
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
          ))}
        </div>
      </Radio.Group>
      {values.preset === null && (
        <TextInput
          label={text.create.imageName}
          placeholder="docker.io/library/python:3.13"
          value={values.image}
          onChange={(event) => onChange({ image: event.currentTarget.value })}
          error={error}
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </>
  );
}
