import { type FormEvent, useState } from "react";
import type { Schema } from "~/api/events";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field, Select, TextArea } from "~/ui/Field";

type Values = Record<string, unknown>;

const LONG = 200;

function startOf(schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (schema.type === "boolean") return false;
  return schema.type === "array" ? [] : "";
}

interface PartProps {
  name: string;
  schema: Schema;
  required: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}

function Many({ name, schema, value, onChange }: PartProps) {
  const chosen = Array.isArray(value) ? value : [];
  return (
    <fieldset className="many">
      <legend>{schema.title ?? name}</legend>
      {(schema.items?.enum ?? []).map((option) => (
        <label key={option} className="row">
          <input
            className="check"
            type="checkbox"
            checked={chosen.includes(option)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, option] : chosen.filter((other) => other !== option))}
          />
          {option}
        </label>
      ))}
    </fieldset>
  );
}

const INPUTS: Record<string, string> = { date: "date", "date-time": "datetime-local", time: "time", email: "email", uri: "url" };

function Part(props: PartProps) {
  const { name, schema, required, value, onChange } = props;
  const common = { label: schema.title ?? name, help: schema.description, required };
  if (schema.type === "array") return <Many {...props} />;
  if (schema.type === "boolean") {
    return (
      <label className="row">
        <input className="check" type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
        <span>
          {common.label} {schema.description && <small className="muted">{schema.description}</small>}
        </span>
      </label>
    );
  }
  if (schema.enum) {
    return (
      <Select {...common} value={String(value)} onChange={(event) => onChange(schema.enum?.find((option) => String(option) === event.target.value) ?? "")}>
        <option value="" disabled={required}>
          {t("Choose")}
        </option>
        {schema.enum.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </Select>
    );
  }
  if (schema.type === "number" || schema.type === "integer") {
    return (
      <Field
        {...common}
        type="number"
        step={schema.type === "integer" ? 1 : "any"}
        min={schema.minimum}
        max={schema.maximum}
        value={String(value)}
        onChange={(event) => onChange(event.target.value === "" ? "" : Number(event.target.value))}
      />
    );
  }
  if ((schema.maxLength ?? 0) > LONG) {
    return <TextArea {...common} rows={1} maxLength={schema.maxLength} value={String(value)} onChange={(event) => onChange(event.target.value)} />;
  }
  return <Field {...common} type={INPUTS[schema.format ?? ""] ?? "text"} maxLength={schema.maxLength} value={String(value)} onChange={(event) => onChange(event.target.value)} />;
}

/** A form for an answer whose shape a JSON schema gives: text, numbers, dates, yes or no, one of some, some of some. */
export function SchemaForm({ schema, busy, onSubmit }: { schema: Schema; busy: boolean; onSubmit: (answer: Values) => void }) {
  const parts = Object.entries(schema.properties ?? {});
  const [values, setValues] = useState<Values>(() => Object.fromEntries(parts.map(([name, part]) => [name, startOf(part)])));
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "")));
  }
  return (
    <form className="ask__form" onSubmit={submit}>
      {parts.map(([name, part]) => (
        <Part
          key={name}
          name={name}
          schema={part}
          required={schema.required?.includes(name) ?? false}
          value={values[name]}
          onChange={(value) => setValues((old) => ({ ...old, [name]: value }))}
        />
      ))}
      <div className="row ask__do">
        <span className="grow" />
        <Button kind="main" type="submit" busy={busy}>
          {t("Answer")}
        </Button>
      </div>
    </form>
  );
}
